//! The one error type.

use std::fmt;

/// What went wrong: the names are those of felsic's own codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// An argument of a call is out of range.
    InputInvalid,
    /// Rows, or what describes them, contradict themselves.
    IndexInvalid,
    /// There is not enough memory for what was asked for.
    OutOfMemory,
}

impl Code {
    /// Returns the stable name, in kebab case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InputInvalid => "input-invalid",
            Self::IndexInvalid => "index-invalid",
            Self::OutOfMemory => "out-of-memory",
        }
    }
}

/// A code, and a message that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: String,
}

impl Error {
    /// Creates an error.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Returns what went wrong.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;
