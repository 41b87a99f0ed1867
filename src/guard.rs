//! Turns panics of crates that read untrusted files into errors.
//!
//! The `tokenizers` crate takes for granted much of what a `tokenizer.json` says, and its regular expression engine panics when
//! a search takes too many steps; the `parquet` crate computes with what a file says. Files that are known to lead there are
//! refused before the crates see them; this is the last line of defence, for those that are not known. felsic depends on
//! nothing that a panic may leave behind: a tokenizer is not changed by encoding, and the crate's cache of words is left aside
//! once its lock is poisoned; a file of Parquet is given up.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside of [`guarded`].
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls into a crate.
///
/// The process's panic hook stays as it is, but reports no panics that are caught here: they reach the caller as an
/// error, and standard error belongs to the program.
///
/// # Errors
/// What the panic said.
pub(crate) fn guarded<T>(name: &'static str, call: impl FnOnce() -> T) -> Result<T, Panicked> {
    static HOOK: Once = Once::new();
    // A thread that is panicking already may not change the hook.
    if !std::thread::panicking() {
        HOOK.call_once(|| {
            let others = take_hook();
            set_hook(Box::new(move |panic| {
                if !GUARDED.get() {
                    others(panic);
                }
            }));
        });
    }
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(false);
    result.map_err(|panic| Panicked::new(name, panic.as_ref()))
}

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Panicked {
    /// The crate.
    name: &'static str,
    reason: String,
}

impl Panicked {
    fn new(name: &'static str, panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        // One line, like all messages.
        Self { name, reason: text.and_then(|text| text.lines().next()).unwrap_or("no reason given").to_owned() }
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} crate panics: {}", self.name, self.reason)
    }
}

impl std::error::Error for Panicked {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_the_next_call_works() {
        assert_eq!(guarded("tokenizers", || 7).unwrap(), 7);
        let plain = guarded("tokenizers", || -> u8 { panic!("no such\nthing") }).unwrap_err();
        assert_eq!(plain.to_string(), "the tokenizers crate panics: no such");
        let index = guarded("parquet", || Vec::<u8>::new()[std::hint::black_box(3)]).unwrap_err();
        assert!(index.to_string().contains("index"), "{index}");
        assert_eq!(guarded("parquet", || 8).unwrap(), 8);
        assert!(!GUARDED.get());
    }
}
