//! The one error type: a stable [`Code`], a message that says what to do, and the cause.
//!
//! Everything that reaches felsic from outside (a checkpoint, a pack, a manifest, a response, a
//! text) is untrusted; whatever is wrong with it ends here, never in a panic. At the wasm edge an
//! [`Error`] becomes a `FelsicError` with the same `code`.
//!
//! Messages quote untrusted text, and so do the messages of causes. An [`Error`] makes both [`plain()`] as soon as it
//! gets them, whoever shows them later.

mod plain;
mod pointer;

use std::collections::TryReserveError;
use std::fmt;
use std::io;

pub use plain::{escaped, plain};
pub(crate) use pointer::lfs_pointer;

/// What went wrong, as a name that never changes.
///
/// `as_str` returns the name that JavaScript and the command line see.
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
    /// A weight file is not a well-formed safetensors or GGUF file.
    WeightsInvalid,
    /// A tensor that the config calls for is missing.
    TensorMissing,
    /// A tensor's shape differs from the one that the config calls for.
    TensorShape,
    /// A tensor has an element type that felsic does not read there.
    TensorType,
    /// A file is shorter or longer than its manifest says.
    FileLength,
    /// A file's SHA-256 differs from the one in its manifest.
    FileIntegrity,
    /// A file or URL does not exist (HTTP 404 or 410, or no such path).
    NotFound,
    /// A server answered with an error, or the connection failed.
    Network,
    /// Reading or writing a local file failed.
    Io,
    /// The caller aborted.
    Aborted,
    /// There is not enough memory for what a file asks for.
    OutOfMemory,
    /// The requested device is not available.
    DeviceUnavailable,
    /// A device does not reproduce the pack's self-test vectors.
    SelfTestFailed,
    /// An argument of a call is out of range.
    InputInvalid,
    /// A search index, or vectors that are to become one, are damaged or contradict themselves.
    IndexInvalid,
    /// A search index holds vectors of another space: another model, weight format or number of dimensions.
    NeedsReindex,
    /// Vectors made elsewhere differ from those that this model computes of the same texts.
    VectorsDisagree,
    /// A defect in felsic itself.
    Internal,
}

impl Code {
    /// Returns the stable name, in kebab case.
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
            Code::OutOfMemory => "out-of-memory",
            Code::DeviceUnavailable => "device-unavailable",
            Code::SelfTestFailed => "self-test-failed",
            Code::InputInvalid => "input-invalid",
            Code::IndexInvalid => "index-invalid",
            Code::NeedsReindex => "needs-reindex",
            Code::VectorsDisagree => "vectors-disagree",
            Code::Internal => "internal",
        }
    }
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 24] = [
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
        Code::OutOfMemory,
        Code::DeviceUnavailable,
        Code::SelfTestFailed,
        Code::InputInvalid,
        Code::IndexInvalid,
        Code::NeedsReindex,
        Code::VectorsDisagree,
        Code::Internal,
    ];

    /// Returns the code whose [`Self::as_str`] is `name`.
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

/// The most causes of an error that are kept and shown.
const MOST_CAUSES: usize = 8;

/// An error with a stable code. Its message and those of its causes are [`plain()`].
#[derive(Debug)]
pub struct Error {
    code: Code,
    message: String,
    cause: Option<Cause>,
    /// Position of the text that the error is about, and what the message calls that text.
    text: Option<(usize, String)>,
}

/// A result with felsic's error.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error without a deeper cause. `message` says what to do; it is made [`plain()`].
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: plain(&message.into()), cause: None, text: None }
    }

    /// Adds the error that led to this one. An [`Error`] and an [`io::Error`] keep their type, for those who ask
    /// [`source`](std::error::Error::source) for it; other errors leave only their messages, made [`plain()`].
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(kept(cause.into()));
        self
    }

    /// Says that the error is about the text at `position` of a call, counted from 0; the message now calls it `name`.
    ///
    /// Where only one text is known, a message calls it `the text`: `name` replaces that, or an earlier name. A
    /// message that starts with neither gets `name` in front.
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

    /// Returns the position, among the texts of the call, of the text that this error is about, counted from 0; `None`
    /// if it is not about a single text.
    pub fn text(&self) -> Option<usize> {
        self.text.as_ref().map(|(position, _)| *position)
    }

    /// Returns the stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Returns the message alone, without the causes.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the messages of the causes on one line, from the nearest to the deepest; `None` if there are none.
    pub fn causes(&self) -> Option<String> {
        let mut next = std::error::Error::source(self);
        let mut causes = Vec::new();
        while let Some(cause) = next {
            if causes.len() == MOST_CAUSES {
                causes.push("…".to_string());
                break;
            }
            // An `Error` displays its causes too, and they come anyway.
            let message = cause.downcast_ref::<Self>().map(|error| error.message.clone());
            causes.push(message.unwrap_or_else(|| cause.to_string()));
            next = cause.source();
        }
        (!causes.is_empty()).then(|| causes.join(": "))
    }
}

/// Writes the message and its causes on one line, as the command line prints it.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes().map_or(Ok(()), |causes| write!(f, ": {causes}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<TryReserveError> for Error {
    fn from(error: TryReserveError) -> Self {
        Self::new(Code::OutOfMemory, "there is not enough memory for the model").because(error)
    }
}

/// Makes a cause's messages plain.
fn kept(cause: Cause) -> Cause {
    let cause = match cause.downcast::<Error>() {
        Ok(error) => return error,
        Err(cause) => cause,
    };
    match cause.downcast::<io::Error>() {
        // Without an error inside, the words are the system's.
        Ok(error) if error.get_ref().is_none() => error,
        Ok(error) => Box::new(io::Error::new(error.kind(), Words::of(&*error, MOST_CAUSES))),
        Err(cause) => Box::new(Words::of(&*cause, MOST_CAUSES)),
    }
}

/// The messages of another error and its causes.
#[derive(Debug)]
struct Words {
    message: String,
    cause: Option<Box<Words>>,
}

impl Words {
    /// Copies the messages of an error and its causes, `most` in all.
    fn of(error: &(dyn std::error::Error + 'static), most: usize) -> Self {
        let cause = error.source().filter(|_| most > 1).map(|cause| Box::new(Self::of(cause, most - 1)));
        Self { message: plain(&error.to_string()), cause }
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Words {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

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
        let io = io::Error::other("disk is gone");
        let error = Error::new(Code::Io, "cannot read a.bin").because(io);
        assert_eq!(error.to_string(), "cannot read a.bin: disk is gone");
        assert_eq!(error.code().as_str(), "io");
        let outer = Error::new(Code::Io, "the model cannot be read").because(error);
        assert_eq!(outer.to_string(), "the model cannot be read: cannot read a.bin: disk is gone", "each cause once");
        assert_eq!(outer.causes().as_deref(), Some("cannot read a.bin: disk is gone"));
        assert_eq!(Error::new(Code::Io, "alone").causes(), None);
    }

    /// An error whose message does harm, and whose causes' messages do too.
    #[derive(Debug)]
    struct Hostile(Option<Box<Hostile>>);

    impl fmt::Display for Hostile {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "\u{1b}[2J\0\n\u{202e}{}", "x".repeat(100_000))
        }
    }

    impl std::error::Error for Hostile {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.0.as_ref().map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static))
        }
    }

    fn hostile(depth: usize) -> Hostile {
        (0..depth).fold(Hostile(None), |cause, _| Hostile(Some(Box::new(cause))))
    }

    #[test]
    fn messages_and_causes_are_plain_and_bounded_wherever_they_are_asked_for() {
        let made = |cause: Cause| Error::new(Code::WeightsInvalid, hostile(0).to_string()).because(cause);
        let nested = (0..100).fold(Error::new(Code::Io, "deep"), |cause, _| made(cause.into()));
        for error in [
            made(hostile(100).into()),
            made(hostile(0).to_string().into()),
            made(io::Error::other(hostile(100)).into()),
            made(made(hostile(100).into()).into()),
            nested,
        ] {
            let text = error.to_string();
            assert!(text.starts_with("\\u{1b}[2J\\u{0}\\n\\u{202e}xxx") && text.chars().count() < 4000, "{text}");
            let mut next: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = next {
                let text = error.to_string();
                assert_eq!(escaped(&text), text);
                assert!(text.len() < 8000, "{}", text.len());
                next = error.source();
            }
        }
    }

    #[test]
    fn the_kind_of_an_io_error_can_be_asked_for() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        for cause in [broken, io::Error::new(io::ErrorKind::BrokenPipe, "\u{7}")] {
            let error = Error::new(Code::Io, "cannot write").because(cause);
            let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()).expect("an io error");
            assert_eq!(cause.kind(), io::ErrorKind::BrokenPipe);
            assert!(!cause.to_string().contains('\u{7}'));
        }
        let inner = Error::new(Code::Internal, "inner").because(Error::new(Code::Io, "deepest"));
        let error = Error::new(Code::Io, "outer").because(inner);
        assert!(error.source().is_some_and(|cause| cause.is::<Error>()));
    }

    #[test]
    fn too_little_memory_has_a_code_of_its_own() {
        let error = Error::from(Vec::<u8>::new().try_reserve(usize::MAX).expect_err("too much"));
        assert_eq!(error.code(), Code::OutOfMemory);
    }
}
