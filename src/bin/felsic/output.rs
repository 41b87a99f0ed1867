//! Standard output and standard error. Nothing else of the command line writes to them, progress bars apart.

use std::fmt::Display;
use std::io::{ErrorKind, Write, stderr, stdout};
use std::process::ExitCode;

use felsic::error::{Code, Error, Result, escaped};

/// Standard output, for results.
///
/// Its reader may stop, as `head` does: then nobody is left to write for, and that is no failure. What a command finds
/// out still decides how it ends. If results cannot be written for another reason, such as a full disk, that is a
/// failure.
pub struct Output {
    is_open: bool,
}

impl Output {
    pub fn new() -> Self {
        Self { is_open: true }
    }

    /// Returns whether somebody reads, as far as that is known.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Writes a line of text. What would not stay on it, or would be obeyed by a terminal, is escaped.
    pub fn line(&mut self, text: impl Display) -> Result<()> {
        self.write((escaped(&text.to_string()) + "\n").as_bytes())
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if !self.is_open {
            return Ok(());
        }
        let mut stdout = stdout().lock();
        self.take(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// Takes the result of writing.
    fn take(&mut self, written: std::io::Result<()>) -> Result<()> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.is_open = false,
            Err(error) => return Err(Error::new(Code::Io, "cannot write to standard output").because(error)),
            Ok(()) => {}
        }
        Ok(())
    }
}

/// Prints clap's output: help and version to standard output, errors of usage to standard error.
pub fn usage(said: &clap::Error) -> Result<ExitCode> {
    // In clap's own colours, where there are any.
    let printed = said.print().and_then(|()| stdout().flush());
    if !said.use_stderr() {
        Output::new().take(printed)?;
    }
    Ok(ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(2)))
}

/// Prints something that is not as it should be and does not end the command, in one line.
pub fn warning(text: impl Display) {
    let _ = writeln!(stderr().lock(), "felsic: {}", escaped(&text.to_string()));
}

/// Prints how a command failed, in one line.
pub fn failure(error: &Error) {
    // Where that cannot be written either, the exit code must do.
    let _ = writeln!(stderr().lock(), "felsic: {error} [{}]", error.code());
}
