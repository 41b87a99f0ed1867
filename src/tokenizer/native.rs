//! `tokenizer.json` through the `tokenizers` crate.

use super::added::{AddedToken, AddedTokens};
use super::sections::Sound;
use super::{TokenizerSettings, invalid, short_enough};
use crate::error::{Code, Error, Result};
use crate::guard::guarded;
use serde::Deserialize;
use tokenizers::{Encoding, NormalizedString, Normalizer, PostProcessor};

/// The name of the crate.
const CRATE: &str = "tokenizers";

/// Longest text in bytes. The crate's regular expression engine panics when one match takes it more than ten million
/// steps back; the patterns in use take at most two for a character.
const LONGEST_TEXT: usize = 4 << 20;

/// Most bytes that a text may become before it reaches the model; the crate needs about 20 times as much memory.
const LONGEST_NORMALISED: usize = super::LONGEST_TEXT;

/// A tokenizer of the `tokenizers` crate.
pub(super) struct Native {
    tokenizer: tokenizers::Tokenizer,
    vocab_size: usize,
    needed_rows: usize,
    template_len: usize,
    /// Longest text, in bytes.
    longest_text: usize,
}

impl Native {
    pub(super) fn from_json(bytes: &[u8], settings: Option<&TokenizerSettings>) -> Result<Self> {
        let Sound { json, growth } = Sound::read(bytes, settings)?;
        let read = guarded(CRATE, || {
            let tokenizer = tokenizers::Tokenizer::deserialize(json)?;
            let largest = tokenizer.get_vocab(true).into_values().max();
            let added = tokenizer.get_added_tokens_decoder();
            let plain = tokenizer.get_vocab(false).into_values().filter(|id| !added.contains_key(id)).max();
            let specials = tokenizer.encode_fast("", true)?.get_ids().to_vec().into_iter().max();
            let template_len = tokenizer.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
            Ok((tokenizer, specials.max(largest), specials.max(plain), template_len))
        });
        let read: std::result::Result<_, tokenizers::Error> = read.unwrap_or_else(|panicked| Err(panicked.into()));
        let (tokenizer, largest, needed, template_len) =
            read.map_err(|error| invalid("tokenizer.json cannot be read").because(error))?;
        check_normal_forms(&tokenizer)?;
        Ok(Self {
            tokenizer,
            vocab_size: largest.map_or(0, |id| id as usize + 1),
            needed_rows: needed.map_or(0, |id| id as usize + 1),
            template_len,
            longest_text: LONGEST_TEXT.min(LONGEST_NORMALISED / growth.max(1)),
        })
    }

    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.run(text, |tokenizer| Ok(tokenizer.encode_fast(text, true)?.get_ids().to_vec()))
    }

    pub(super) fn encode_truncated(&self, text: &str, max_tokens: usize) -> Result<(Vec<u32>, bool)> {
        let room = max_tokens.saturating_sub(self.template_len);
        self.run(text, |tokenizer| {
            let body = tokenizer.encode_fast(text, false)?;
            let is_cut = body.len() > room;
            let body = if is_cut { first(&body, room) } else { body };
            let mut ids = tokenizer.post_process(body, None, true)?.get_ids().to_vec();
            ids.truncate(max_tokens);
            Ok((ids, is_cut))
        })
    }

    /// Returns the contents of the added tokens, in the order of their ids.
    pub(super) fn added_contents(&self) -> Vec<String> {
        let mut tokens: Vec<_> = self.tokenizer.get_added_tokens_decoder().into_iter().collect();
        tokens.sort_unstable_by_key(|(id, _)| *id);
        tokens.into_iter().map(|(_, token)| token.content).collect()
    }

    pub(super) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    pub(super) fn needed_rows(&self) -> usize {
        self.needed_rows
    }

    pub(super) fn template_len(&self) -> usize {
        self.template_len
    }

    /// Runs the crate on a text of bearable length.
    fn run<T>(
        &self,
        text: &str,
        call: impl FnOnce(&tokenizers::Tokenizer) -> std::result::Result<T, tokenizers::Error>,
    ) -> Result<T> {
        short_enough(text, self.longest_text)?;
        let done = guarded(CRATE, || call(&self.tokenizer)).unwrap_or_else(|panicked| Err(panicked.into()));
        done.map_err(|error| Error::new(Code::InputInvalid, "the text is refused by the tokenizer").because(error))
    }
}

/// Returns the first tokens of an encoding. The crate's own `truncate` would keep the rest too, in as many encodings as that takes.
fn first(whole: &Encoding, count: usize) -> Encoding {
    Encoding::new(
        whole.get_ids()[..count].to_vec(),
        whole.get_type_ids()[..count].to_vec(),
        whole.get_tokens()[..count].to_vec(),
        whole.get_word_ids()[..count].to_vec(),
        whole.get_offsets()[..count].to_vec(),
        whole.get_special_tokens_mask()[..count].to_vec(),
        whole.get_attention_mask()[..count].to_vec(),
        Vec::new(),
        Default::default(),
    )
}

/// Refuses what the compact form refuses among added tokens that are searched for in the normalised text. If two have
/// one normal form, the crate finds either one, depending on its hash map, which differs from load to load: no ids are
/// right.
fn check_normal_forms(tokenizer: &tokenizers::Tokenizer) -> Result<()> {
    let normal_form = |content: &str| -> std::result::Result<String, tokenizers::Error> {
        let mut text = NormalizedString::from(content);
        tokenizer.get_normalizer().map_or(Ok(()), |normaliser| normaliser.normalize(&mut text))?;
        Ok(text.get().to_owned())
    };
    let tokens = tokenizer.get_added_tokens_decoder().into_iter().filter(|(_, token)| token.normalized);
    let tokens = tokens.map(|(id, token)| {
        let content = guarded(CRATE, || normal_form(&token.content)).unwrap_or_else(|panicked| Err(panicked.into()));
        let content = content.map_err(|error| invalid("added_tokens cannot be normalised").because(error))?;
        let tokenizers::AddedToken { lstrip, rstrip, single_word, .. } = token;
        Ok(AddedToken { id, content, normalized: true, lstrip, rstrip, single_word })
    });
    AddedTokens::new(tokens.collect::<Result<_>>()?).map(drop)
}
