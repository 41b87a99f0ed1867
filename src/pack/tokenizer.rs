//! `tokenizer.json` -> compact form, checked against the original.

use super::tokenizer_texts;
use crate::config::EmbedderConfig;
use crate::error::{Code, Error, Result};
use crate::source;
use crate::tokenizer::{Tokenizer, TokenizerSettings, compact};

/// Compiles a `tokenizer.json` and compares the result with the `tokenizers` crate on several hundred texts,
/// whole and cut short.
///
/// # Errors
/// Those of [`compact::compile`]; [`Code::TokenizerUnsupported`] with the text on which the two differ, or that one refuses;
/// [`Code::TokenizerInvalid`] for more ids than the vocabulary table has rows, or a template that leaves a text no
/// room within `max_tokens`.
pub(super) fn compile(json: &[u8], settings: &TokenizerSettings, config: &EmbedderConfig) -> Result<Vec<u8>> {
    let original = Tokenizer::from_json_with(json, Some(settings))?;
    let bytes = compact::compile_with(json, Some(settings))?;
    let compact = Tokenizer::from_compact(&bytes)?;
    source::check_tokenizer(&compact, config)?;
    for (at, text) in tokenizer_texts::for_tokenizers(&original.added_contents()).iter().enumerate() {
        let cut = 1 + at % 24;
        let ids = |tokenizer: &Tokenizer| Ok((tokenizer.encode(text)?, tokenizer.encode_truncated(text, cut)?));
        let refused = |error: Error| {
            // The text is felsic's own, and none that a tokenizer may refuse.
            Error::new(Code::TokenizerUnsupported, format!("tokenizer.json gives no ids for {text:?}")).because(error)
        };
        if ids(&original).map_err(refused)? != ids(&compact).map_err(refused)? {
            let message = format!("the compact tokenizer and tokenizer.json give different ids for {text:?}");
            return Err(Error::new(Code::TokenizerUnsupported, message));
        }
    }
    Ok(bytes)
}
