//! A progress bar where standard error is a terminal, nothing where it is not.

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
