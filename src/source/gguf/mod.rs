//! A GGUF file as a checkpoint: what llama.cpp's converter made of one, taken back.
//!
//! The metadata becomes the files that a checkpoint's folder has (`config.json`, `modules.json`, `tokenizer.json`, …), so that the same readers
//! check them; tensors get back the names that they had. Keys about the model or its tokenizer that are not understood are
//! refused by name: each may change the vectors. Source: `conversion/bert.py`, `conversion/base.py` and
//! `gguf-py/gguf/{constants,tensor_mapping,vocab}.py` of llama.cpp, and what `src/llama-vocab.cpp` and `src/models` read.

mod config;
mod names;
mod tokenizer;
mod unigram;

use std::collections::BTreeMap;

use crate::config::Architecture;
use crate::error::{Code, Error, Result};
use crate::weights::gguf::{Contents, Value};

pub use names::coming;

/// How the name of such a file ends.
pub const ENDING: &str = ".gguf";

/// The architectures, by their names in GGUF files.
const ARCHITECTURES: [(&str, Architecture); 2] =
    [("modern-bert", Architecture::ModernBert), ("bert", Architecture::Bert)];

/// Returns the files that the checkpoint's folder would have, by name, weights apart.
///
/// # Errors
/// [`Code::ConfigInvalid`], [`Code::ConfigUnsupported`], [`Code::TokenizerInvalid`], [`Code::TokenizerUnsupported`], with the key
/// of the metadata.
pub fn files(contents: &Contents) -> Result<BTreeMap<String, Vec<u8>>> {
    let keys = Keys(contents);
    let mut files = config::files(&keys)?;
    files.insert("tokenizer.json".to_string(), tokenizer::json(&keys)?);
    Ok(files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect())
}

/// Returns what the file says that the encoder computes.
fn architecture(keys: &Keys) -> Result<(&'static str, Architecture)> {
    let given = keys.needed("general.architecture", keys.text("general.architecture")?)?;
    let known = ARCHITECTURES.into_iter().find(|(name, _)| *name == given);
    known.ok_or_else(|| {
        keys.unsupported("general.architecture", &format!("is {given:?}; felsic runs \"modern-bert\" and \"bert\""))
    })
}

/// The metadata, read by key.
struct Keys<'c>(&'c Contents);

// Nothing here is inlined: many places read keys.
impl Keys<'_> {
    /// Returns a whole number that is not negative.
    #[inline(never)]
    fn count(&self, key: &str) -> Result<Option<usize>> {
        let Some(value) = self.0.get(key) else { return Ok(None) };
        let Value::Whole(number) = value else { return Err(self.wrong(key, "a whole number")) };
        usize::try_from(*number).map(Some).map_err(|_| self.wrong(key, "a whole number from 0 on"))
    }

    /// Returns any number.
    #[inline(never)]
    fn number(&self, key: &str) -> Result<Option<f64>> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Fraction(number)) if number.is_finite() => Ok(Some(*number)),
            Some(Value::Whole(number)) => Ok(Some(*number as f64)),
            Some(_) => Err(self.wrong(key, "a number")),
        }
    }

    #[inline(never)]
    fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.0.get(key) {
            None => Ok(None),
            Some(Value::Flag(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    #[inline(never)]
    fn text(&self, key: &str) -> Result<Option<&str>> {
        match (self.0.get(key), self.0.text(key)) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(self.wrong(key, "a string")),
            (Some(_), text) => Ok(text),
        }
    }

    #[inline(never)]
    fn texts(&self, key: &str) -> Result<Vec<&str>> {
        self.needed(key, self.0.get(key))?;
        self.0.texts(key).ok_or_else(|| self.wrong(key, "a list of strings in UTF-8"))
    }

    /// Returns what must be there.
    #[inline(never)]
    fn needed<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| Error::new(code(key, false), format!("the GGUF file has no {key}")))
    }

    #[inline(never)]
    fn wrong(&self, key: &str, expected: &str) -> Error {
        Error::new(code(key, false), format!("the GGUF file's {key} is not {expected}"))
    }

    #[inline(never)]
    fn unsupported(&self, key: &str, what: &str) -> Error {
        Error::new(code(key, true), format!("the GGUF file's {key} {what}"))
    }

    /// Refuses keys that start like `start` and are none of `known`.
    #[inline(never)]
    fn refuse_others(&self, start: &str, known: &[&str]) -> Result<()> {
        let unknown = |key: &&str| key.strip_prefix(start).is_some_and(|rest| !known.contains(&rest));
        match self.0.keys().find(unknown) {
            None => Ok(()),
            Some(key) => Err(self.unsupported(key, "is set, which felsic does not know")),
        }
    }
}

/// Returns the code of an error about a key.
fn code(key: &str, is_unsupported: bool) -> Code {
    match (key.starts_with("tokenizer."), is_unsupported) {
        (true, true) => Code::TokenizerUnsupported,
        (true, false) => Code::TokenizerInvalid,
        (false, true) => Code::ConfigUnsupported,
        (false, false) => Code::ConfigInvalid,
    }
}

/// Returns a string as JSON.
fn quoted(text: &str) -> String {
    // A string always has a form in JSON.
    serde_json::to_string(text).unwrap_or_default()
}
