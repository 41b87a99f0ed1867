//! A progress bar where standard error is a terminal, nothing where it is not.

#[cfg(unix)]
use std::fs::File;
use std::io::{IsTerminal, stderr};

use felsic::embedder::Hooks;
use felsic::error::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    Bytes,
    /// Texts or files.
    Texts,
}

/// One bar. It is cleared when it is dropped, so that an error stands alone.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(unit: Unit) -> Self {
        let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let counts = match unit {
            Unit::Bytes => "{bytes}/{total_bytes}",
            Unit::Texts => "{pos}/{len}",
        };
        let bar = ProgressBar::with_draw_target(None, target);
        // The template is ours; if it were ever wrong, the plain bar would be as good.
        if let Ok(style) = ProgressStyle::with_template(&format!("{{msg:32}} {{bar:30}} {counts} {{eta}}")) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Returns a bar that is never drawn.
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Prints something that belongs on standard error while the bar is there.
    pub fn above(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }

    /// Shows `done` of what nobody knows the total of.
    pub fn count(&self, message: &str, done: u64) {
        self.set(message, done, done);
    }

    /// Shows `done` of `total`.
    pub fn set(&self, message: &str, done: u64, total: u64) {
        if self.0.message() != message {
            self.0.set_message(message.to_string());
        }
        self.0.set_length(total);
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Hooks for Bar {
    fn progress(&mut self, done: usize, total: usize) {
        self.set("embedding", done as u64, total as u64);
    }

    async fn pause(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Returns how many bytes are left of standard input, if it is a file.
#[cfg(unix)]
pub fn stdin_bytes() -> Option<u64> {
    use std::io::Seek;
    use std::os::fd::AsFd;
    let mut file = File::from(std::io::stdin().as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok().filter(|metadata| metadata.is_file())?;
    Some(metadata.len().saturating_sub(file.stream_position().ok()?))
}

/// Returns how many bytes are left of standard input, if it is a file; that is not known here.
#[cfg(not(unix))]
pub fn stdin_bytes() -> Option<u64> {
    None
}
