//! Text -> token ids.
//!
//! A checkpoint brings a `tokenizer.json`, which the `tokenizers` crate reads (native builds only). A pack brings
//! felsic's compact form of it, which loads many times faster and runs everywhere; [`compact::compile`] makes it. Both
//! give identical ids for every text, as the tests check; a `tokenizer.json` that the compact form cannot run exactly
//! is refused when it is compiled.
//!
//! White space at the ends of a text is part of it here; callers that want it gone strip it before.

mod added;
mod bert;
mod bert_ranges;
mod bert_small_letters;
mod bpe;
mod character_map;
mod class_ranges;
mod classes;
pub mod compact;
mod json;
mod metaspace;
mod models;
#[cfg(feature = "native")]
mod native;
mod normalise;
mod roberta;
#[cfg(feature = "native")]
mod sections;
mod settings;
mod split;
mod vocabulary;

use crate::error::{Code, Error, Result};
use compact::Compact;

pub use settings::TokenizerSettings;
#[cfg(feature = "packer")]
pub(crate) use split::O200K_PATTERN;

/// Longest text in bytes that the compact form takes, before and after normalisation. A text that is one single word
/// needs about 50 times its length while it is merged, and a 32-bit address space must be enough.
const LONGEST_TEXT: usize = 1 << 25;

/// Most tokens of a template; those of the models that felsic knows have two.
const MOST_TEMPLATE: usize = 256;

/// A tokenizer, from either form.
pub struct Tokenizer(Form);

enum Form {
    Compact(Box<Compact>),
    #[cfg(feature = "native")]
    Native(Box<native::Native>),
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. The truncation and padding that it configures are left out.
    ///
    /// # Errors
    /// [`Code::TokenizerInvalid`] if it is not JSON, or contradicts itself;
    /// [`Code::TokenizerUnsupported`] if its ids depend on chance (dropout), if it is of a kind that is
    /// not run, or if it passes a limit that the compact form has.
    #[cfg(feature = "native")]
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        Self::from_json_with(bytes, None)
    }

    /// Does what [`Tokenizer::from_json`] does for a checkpoint whose other files say what is in `settings`.
    ///
    /// # Errors
    /// As [`Tokenizer::from_json`]; [`Code::TokenizerUnsupported`] also for settings that contradict the file.
    #[cfg(feature = "native")]
    pub fn from_json_with(bytes: &[u8], settings: Option<&TokenizerSettings>) -> Result<Self> {
        Ok(Self(Form::Native(Box::new(native::Native::from_json(bytes, settings)?))))
    }

    /// Reads the compact form that [`compact::compile`] makes.
    ///
    /// # Errors
    /// [`Code::TokenizerUnsupported`] for another version of the layout, [`Code::TokenizerInvalid`]
    /// for bytes that do not follow it.
    pub fn from_compact(bytes: &[u8]) -> Result<Self> {
        Ok(Self(Form::Compact(Box::new(Compact::from_bytes(bytes)?))))
    }

    /// Returns all ids of a text, special tokens of the post-processor included.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for a text that is too long: more than 32 MiB, normalised or not, or 4 MiB with
    /// the `tokenizers` crate (less where the normaliser may make a text more than eight times as long); or if
    /// that crate refuses it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        match &self.0 {
            Form::Compact(compact) => compact.encode(short_enough(text, LONGEST_TEXT)?),
            #[cfg(feature = "native")]
            Form::Native(native) => native.encode(text),
        }
    }

    /// Returns at most `max_tokens` ids, and whether ids of the text were left out.
    ///
    /// The end of the text goes first, the special tokens stay: a text is cut to what they leave room for. If there is
    /// no room even for them, they are cut too.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_truncated(&self, text: &str, max_tokens: usize) -> Result<(Vec<u32>, bool)> {
        match &self.0 {
            Form::Compact(compact) => compact.encode_truncated(short_enough(text, LONGEST_TEXT)?, max_tokens),
            #[cfg(feature = "native")]
            Form::Native(native) => native.encode_truncated(text, max_tokens),
        }
    }

    /// Returns how many ids [`Tokenizer::encode`] returns.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn count(&self, text: &str) -> Result<usize> {
        match &self.0 {
            Form::Compact(compact) => compact.count(short_enough(text, LONGEST_TEXT)?),
            #[cfg(feature = "native")]
            Form::Native(native) => native.encode(text).map(|ids| ids.len()),
        }
    }

    /// Returns how many tokens the template puts around a text.
    pub fn template_len(&self) -> usize {
        match &self.0 {
            Form::Compact(compact) => compact.template_len(),
            #[cfg(feature = "native")]
            Form::Native(native) => native.template_len(),
        }
    }

    /// Returns the bytes of a token, in the compact form. Added tokens have none.
    pub fn token(&self, id: u32) -> Option<&[u8]> {
        match &self.0 {
            Form::Compact(compact) => compact.token(id),
            #[cfg(feature = "native")]
            Form::Native(_) => None,
        }
    }

    /// Returns the contents of the added tokens that a checkpoint has; the compact form returns none.
    #[cfg(feature = "native")]
    pub(crate) fn added_contents(&self) -> Vec<String> {
        match &self.0 {
            Form::Compact(_) => Vec::new(),
            Form::Native(native) => native.added_contents(),
        }
    }

    /// Returns how many rows a vocabulary table must have at least: the largest id + 1 of those that a text without
    /// added tokens can have, the template's included. If an added token has no row, only the texts that hold it are
    /// refused.
    pub fn needed_rows(&self) -> usize {
        match &self.0 {
            Form::Compact(compact) => compact.needed_rows(),
            #[cfg(feature = "native")]
            Form::Native(native) => native.needed_rows(),
        }
    }

    /// Returns the largest id + 1.
    pub fn vocab_size(&self) -> usize {
        match &self.0 {
            Form::Compact(compact) => compact.vocab_size(),
            #[cfg(feature = "native")]
            Form::Native(native) => native.vocab_size(),
        }
    }
}

fn short_enough(text: &str, limit: usize) -> Result<&str> {
    match text.len() {
        length if length > limit => Err(Error::new(
            Code::InputInvalid,
            format!("the text has {length} bytes; cut it into pieces of {limit} at most"),
        )),
        _ => Ok(text),
    }
}

#[cold]
#[inline(never)]
fn invalid(what: impl AsRef<str>) -> Error {
    refused(Code::TokenizerInvalid, "the tokenizer is damaged", what.as_ref())
}

#[cold]
#[inline(never)]
fn unsupported(what: impl AsRef<str>) -> Error {
    refused(Code::TokenizerUnsupported, "felsic does not run this tokenizer", what.as_ref())
}

// Once, and not in each of the many places that refuse something.
#[cold]
#[inline(never)]
fn refused(code: Code, why: &str, what: &str) -> Error {
    Error::new(code, format!("{why}: {what}"))
}
