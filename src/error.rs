//! The one error type: a stable [`Code`], a message that says what to do, and the cause.
//!
//! Everything that reaches felsic from outside (a checkpoint, a pack, a manifest, a response, a
//! text) is untrusted; whatever is wrong with it ends here, never in a panic. Over the wasm edge an
//! [`Error`] becomes a `FelsicError` with the same `code`.

use std::fmt;

/// What went wrong, as a name that never changes.
///
/// `as_str` gives the name that JavaScript and the command line see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A `config.json` (or a manifest's config) has a missing, zero or absurd field.
    ConfigInvalid,
    /// A config asks for something that felsic does not compute.
    ConfigUnsupported,
    /// A tokenizer file cannot be read.
    TokenizerInvalid,
    /// A tokenizer file is sound but of a kind that felsic does not run.
    TokenizerUnsupported,
    /// A manifest is not JSON, or lacks or contradicts itself in a field.
    ManifestInvalid,
    /// A manifest is of a version that this build does not read.
    ManifestUnsupported,
    /// A weight file is not a well-formed safetensors file.
    WeightsInvalid,
    /// A tensor that the config calls for is not there.
    TensorMissing,
    /// A tensor has another shape than the config calls for.
    TensorShape,
    /// A tensor has an element type that felsic does not read there.
    TensorType,
    /// A file is shorter or longer than its manifest says.
    FileLength,
    /// A file's bytes do not have the SHA-256 that its manifest says.
    FileIntegrity,
    /// A file or URL does not exist (HTTP 404 or 410, or no such path).
    NotFound,
    /// A server answered with an error, or the connection failed.
    Network,
    /// Reading or writing a local file failed.
    Io,
    /// The caller aborted.
    Aborted,
    /// The asked-for device is not to be had.
    DeviceUnavailable,
    /// A device does not reproduce the pack's self-test vectors.
    SelfTestFailed,
    /// An argument of a call is out of range.
    InputInvalid,
    /// A defect in felsic itself.
    Internal,
}

impl Code {
    /// The stable name, in kebab case.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::ConfigInvalid => "config-invalid",
            Code::ConfigUnsupported => "config-unsupported",
            Code::TokenizerInvalid => "tokenizer-invalid",
            Code::TokenizerUnsupported => "tokenizer-unsupported",
            Code::ManifestInvalid => "manifest-invalid",
            Code::ManifestUnsupported => "manifest-unsupported",
            Code::WeightsInvalid => "weights-invalid",
            Code::TensorMissing => "tensor-missing",
            Code::TensorShape => "tensor-shape",
            Code::TensorType => "tensor-type",
            Code::FileLength => "file-length",
            Code::FileIntegrity => "file-integrity",
            Code::NotFound => "not-found",
            Code::Network => "network",
            Code::Io => "io",
            Code::Aborted => "aborted",
            Code::DeviceUnavailable => "device-unavailable",
            Code::SelfTestFailed => "self-test-failed",
            Code::InputInvalid => "input-invalid",
            Code::Internal => "internal",
        }
    }
}

impl Code {
    /// Every code.
    const ALL: [Self; 20] = [
        Code::ConfigInvalid,
        Code::ConfigUnsupported,
        Code::TokenizerInvalid,
        Code::TokenizerUnsupported,
        Code::ManifestInvalid,
        Code::ManifestUnsupported,
        Code::WeightsInvalid,
        Code::TensorMissing,
        Code::TensorShape,
        Code::TensorType,
        Code::FileLength,
        Code::FileIntegrity,
        Code::NotFound,
        Code::Network,
        Code::Io,
        Code::Aborted,
        Code::DeviceUnavailable,
        Code::SelfTestFailed,
        Code::InputInvalid,
        Code::Internal,
    ];

    /// The code of a name that [`Self::as_str`] gives.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An error with a stable code.
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: String,
    cause: Option<Cause>,
    /// Position of the text that it is about, and what the message calls that text.
    text: Option<(usize, String)>,
}

/// A result with felsic's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error without a deeper cause. `message` is one line and says what to do.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), cause: None, text: None }
    }

    /// The same error with the error that led to it.
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same error, about the text at `position` of a call, counted from 0, which the message now calls `name`.
    ///
    /// Where only one text is known, a message calls it `the text`: `name` takes the place of that, or of an
    /// earlier name. A message that does not start with either gets `name` in front.
    pub fn of_text(mut self, position: usize, name: impl Into<String>) -> Self {
        let name = name.into();
        let called = self.text.as_ref().map_or("the text", |(_, called)| called);
        self.message = match self.message.strip_prefix(called) {
            Some(rest) => format!("{name}{rest}"),
            None => format!("{name}: {}", self.message),
        };
        self.text = Some((position, name));
        self
    }

    /// Position of the text that this error is about among those of its call, counted from 0; `None` if it is
    /// not about a single text.
    pub fn text(&self) -> Option<usize> {
        self.text.as_ref().map(|(position, _)| *position)
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The message alone, without the causes.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The message and its causes on one line, as the command line prints it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.as_str()), Some(code));
        }
        assert_eq!(Code::from_name("no such code"), None);
    }

    #[test]
    fn a_text_gets_the_name_that_its_caller_knows() {
        let error = Error::new(Code::InputInvalid, "the text has no tokens").of_text(2, "text 3");
        assert_eq!((error.message(), error.text()), ("text 3 has no tokens", Some(2)));
        assert_eq!(error.of_text(2, "line 40").message(), "line 40 has no tokens");
        let other = Error::new(Code::WeightsInvalid, "a vector is not finite").of_text(0, "text 1");
        assert_eq!(other.of_text(0, "line 7").message(), "line 7: a vector is not finite");
    }

    #[test]
    fn display_joins_causes_on_one_line() {
        let io = std::io::Error::other("disk is gone");
        let error = Error::new(Code::Io, "cannot read a.bin").because(io);
        assert_eq!(error.to_string(), "cannot read a.bin: disk is gone");
        assert_eq!(error.code().as_str(), "io");
    }
}
