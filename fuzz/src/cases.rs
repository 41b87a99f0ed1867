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
    /// Runs this case of the seed alone
    #[arg(long)]
    pub case: Option<u64>,
}

impl Cases {
    /// Returns the numbers of the cases to run, `count` from now on or until the seconds are over, or the one that was asked for.
    pub fn numbers(&self, count: u64) -> impl Iterator<Item = u64> {
        let end = self.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let all = self.case.map_or(0..count, |case| case..case + 1);
        all.take_while(move |_| end.is_none_or(|end| Instant::now() < end))
    }
}
