//! `tokenizer.json` through the `tokenizers` crate.

use super::{invalid, json, short_enough};
use crate::error::{Code, Error, Result};
use tokenizers::{Encoding, PostProcessor, TruncationDirection};

/// Longest text in bytes. The regular expression engine of the crate panics when one match takes it
/// more than ten million steps back; the patterns in use take at most two for a character.
const LONGEST_TEXT: usize = 4 << 20;

/// A tokenizer of the `tokenizers` crate.
pub(super) struct Native {
    tokenizer: tokenizers::Tokenizer,
    vocab_size: usize,
}

impl Native {
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self> {
        json::check_for_native(bytes)?;
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(bytes)
            .map_err(|error| invalid("tokenizer.json cannot be read").because(error))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| invalid("truncation").because(error))?;
        let largest = tokenizer.get_vocab(true).into_values().max();
        let specials = tokenizer.encode_fast("", true).map_err(|error| invalid("post_processor").because(error))?;
        let largest = specials.get_ids().iter().copied().max().max(largest);
        Ok(Self { tokenizer, vocab_size: largest.map_or(0, |id| id as usize + 1) })
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.run(text, true)?.get_ids().to_vec())
    }

    pub(super) fn encode_truncated(&self, text: &str, max_tokens: usize) -> Result<(Vec<u32>, bool)> {
        let specials = self.tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        let room = max_tokens.saturating_sub(specials);
        let mut body = self.run(text, false)?;
        let is_cut = body.len() > room;
        body.truncate(room, 0, TruncationDirection::Right);
        let encoding = self.tokenizer.post_process(body, None, true).map_err(refused)?;
        let mut ids = encoding.get_ids().to_vec();
        ids.truncate(max_tokens);
        Ok((ids, is_cut))
    }

    pub(super) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    fn run(&self, text: &str, add_special_tokens: bool) -> Result<Encoding> {
        self.tokenizer.encode_fast(short_enough(text, LONGEST_TEXT)?, add_special_tokens).map_err(refused)
    }
}

fn refused(error: tokenizers::Error) -> Error {
    Error::new(Code::InputInvalid, "the tokenizer refuses this text").because(error)
}
