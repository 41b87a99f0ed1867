//! Which cases a program runs: options that `felsic-fuzz` and `felsic-attack` have in common.

use std::time::{Duration, Instant};

use clap::Args;

/// Options of a program that runs cases; a case is known by the seed and its number.
#[derive(Args)]
pub struct Cases {
    /// Most seconds for each
    #[arg(long)]
    pub seconds: Option<u64>,
    /// What the cases depend on
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Number of the first case, to go on where an earlier run ended
    #[arg(long, default_value_t = 0)]
    pub from: u64,
    /// Runs this case of the seed alone
    #[arg(long, conflicts_with = "from")]
    pub case: Option<u64>,
}

impl Cases {
    /// Returns the numbers of the cases to run: `count` from the first or until the seconds are over, or the one that was asked for.
    pub fn numbers(&self, count: u64) -> impl Iterator<Item = u64> {
        let end = self.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let (first, count) = self.case.map_or((self.from, count), |case| (case, 1));
        let all = (first..=u64::MAX).take(usize::try_from(count).unwrap_or(usize::MAX));
        all.take_while(move |_| end.is_none_or(|end| Instant::now() < end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_go_on_where_a_run_ended() {
        let cases = |from, case| Cases { seconds: None, seed: 1, from, case };
        let numbers = |cases: Cases, count| cases.numbers(count).collect::<Vec<_>>();
        assert_eq!(numbers(cases(0, None), 3), [0, 1, 2]);
        assert_eq!(numbers(cases(3, None), 2), [3, 4]);
        assert_eq!(numbers(cases(0, Some(7)), 5), [7]);
        assert_eq!(numbers(cases(u64::MAX - 1, None), 5), [u64::MAX - 1, u64::MAX]);
        assert_eq!(numbers(cases(0, Some(u64::MAX)), 5), [u64::MAX]);
    }
}
