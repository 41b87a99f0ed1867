//! Work on several cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::error::{Code, Error, Result};

/// Returns `work` of each item, in the order of the items, computed by up to `threads` threads.
///
/// # Errors
/// [`Code::Internal`] if `work` panics on one of several threads.
pub(super) fn map<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Result<Vec<R>> {
    let threads = threads.min(items.len());
    if threads <= 1 {
        return Ok(items.iter().map(work).collect());
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        while let Some((at, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
        {
            done.push((at, work(item)));
        }
        done
    };
    let parts: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut all = Vec::with_capacity(items.len());
    for part in parts {
        all.extend(part.map_err(|_| {
            Error::new(
                Code::Internal,
                "a thread that makes the index has panicked; please report this as a bug of felsic",
            )
        })?);
    }
    all.sort_unstable_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in [0, 1, 2, 7, 2000] {
            let doubled = map(&items, threads, |item| item * 2).expect("no panic");
            assert!(doubled.iter().enumerate().all(|(at, item)| *item == at * 2) && doubled.len() == 1000);
        }
        assert!(map(&[0; 0], 4, |item| *item).expect("no panic").is_empty());
    }

    #[test]
    fn a_panic_of_a_thread_is_an_error() {
        let result = map(&[1, 2, 3], 2, |item| assert!(*item < 3, "this panic is part of a test"));
        assert_eq!(result.expect_err("a panic").code(), Code::Internal);
    }
}
