//! Batching: which texts the model computes together.

use crate::model::DeviceKind;

/// Texts that are tokenized between two pauses.
pub(super) const TEXTS_BETWEEN_PAUSES: usize = 64;

/// The smallest budget worth handing to a helper: tokens share the weights' way through the caches.
const LEAST: usize = 48;

/// Returns the tokens of one batch. Nothing is padded, so a batch gains only from sharing the weights' way through the
/// caches; more tokens than this only hold memory and delay an abort. With helpers, they are few enough that
/// everyone gets two batches.
pub(super) fn budget(lengths: &[usize], device: DeviceKind, helpers: usize) -> usize {
    let most = match device {
        DeviceKind::Cpu => 256,
        DeviceKind::Gpu => 4096,
    };
    match helpers {
        0 => most,
        _ => lengths.iter().sum::<usize>().div_ceil(2 * (helpers + 1)).clamp(LEAST, most),
    }
}

/// Returns indices into `lengths`, in batches of at most `budget` tokens (or one text that is longer). The shortest
/// come first, so that first results come early and neighbours are similar.
pub(super) fn groups(lengths: &[usize], budget: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|index| lengths[*index]);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut tokens = 0;
    for index in order {
        match groups.last_mut() {
            Some(group) if tokens + lengths[index] <= budget => {
                tokens += lengths[index];
                group.push(index);
            }
            _ => {
                tokens = lengths[index];
                groups.push(vec![index]);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_in_one_group_within_the_budget() {
        let lengths: Vec<usize> = (0..500).map(|i| 1 + (i * 7919) % 300).collect();
        let groups = groups(&lengths, 256);
        let mut seen: Vec<usize> = groups.iter().flatten().copied().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        for group in &groups {
            let tokens: usize = group.iter().map(|index| lengths[*index]).sum();
            assert!(group.len() == 1 || tokens <= 256);
        }
    }

    #[test]
    fn nothing_makes_no_group() {
        assert!(groups(&[], 256).is_empty());
    }

    #[test]
    fn with_helpers_everyone_gets_two_groups() {
        assert_eq!(budget(&[128; 8], DeviceKind::Cpu, 0), 256);
        assert_eq!(budget(&[32; 8], DeviceKind::Cpu, 1), 64);
        assert_eq!(budget(&[16; 2], DeviceKind::Cpu, 3), LEAST);
        assert_eq!(budget(&[128; 100], DeviceKind::Cpu, 3), 256);
    }
}
