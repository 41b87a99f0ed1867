//! The compact tokenizer: byte-pair encoding and WordPiece from flat tables, in pure Rust.
//!
//! ```text
//! text --added tokens--> normalise --added tokens--> split into words --merges or pieces--> ids --template--> ids
//! ```
//!
//! It runs the kinds of tokenizer that the Granite R2 models use (byte-level vocabularies with the
//! pattern of GPT-2 or o200k, and vocabularies of characters with byte fallback) and BERT's. [`compile()`] turns
//! a `tokenizer.json` into its bytes, [`Tokenizer::from_compact`](super::Tokenizer::from_compact) reads
//! them; `format.rs` has the layout.

mod compile;
mod format;
mod pieces;
mod words;

pub use compile::{compile, compile_with};

use super::LONGEST_TEXT;
use super::added::{AddedTokens, Part};
use super::bpe::Work;
use super::classes::Classes;
use super::normalise::{Step, normalise};
use super::split::Splitter;
use super::vocabulary::Vocabulary;
use crate::error::Result;
use format::Recipe;
use pieces::Pieces;
use std::collections::HashSet;
use std::ops::ControlFlow;
use words::Words;

/// A tokenizer in its compact form.
pub(super) struct Compact {
    normaliser: Vec<Step>,
    /// Searched for in the text as it is.
    added: AddedTokens,
    /// Searched for in the normalised text.
    added_normalised: AddedTokens,
    splitter: Splitter,
    model: Model,
    before: Vec<u32>,
    after: Vec<u32>,
    vocab_size: usize,
}

/// How a word becomes ids.
enum Model {
    Merges(Words),
    Pieces(Pieces),
}

impl Model {
    fn new(mut recipe: Recipe) -> Result<Self> {
        match recipe.pieces.take() {
            Some(rules) => Pieces::new(recipe, rules).map(Self::Pieces),
            None => Words::new(recipe).map(Self::Merges),
        }
    }

    fn vocabulary(&self) -> &Vocabulary {
        match self {
            Self::Merges(words) => words.vocabulary(),
            Self::Pieces(pieces) => pieces.vocabulary(),
        }
    }

    /// Returns the length of the first part of `word` that can be encoded on its own; 0 only for an empty word.
    fn seam(&self, word: &str) -> usize {
        match self {
            Self::Merges(words) => words.seam(word),
            Self::Pieces(_) => word.len(),
        }
    }

    /// Adds the ids of a word to `ids`.
    fn encode(&self, word: &str, work: &mut Work, ids: &mut Vec<u32>) {
        match self {
            Self::Merges(words) => words.encode(word, work, ids),
            Self::Pieces(pieces) => pieces.encode(word, &mut work.spelled, ids),
        }
    }
}

impl Compact {
    /// Reads what [`compile()`] made. The bytes may be anything: whatever is wrong with them is an error.
    ///
    /// # Errors
    /// [`Code::TokenizerUnsupported`](crate::error::Code::TokenizerUnsupported) for another version of
    /// the layout, [`Code::TokenizerInvalid`](crate::error::Code::TokenizerInvalid) for bytes that do
    /// not follow it.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::new(Recipe::read(bytes)?)
    }

    fn new(recipe: Recipe) -> Result<Self> {
        let Recipe { normaliser, splitter, before, after, vocab_size, added, .. } = &recipe;
        let (added_normalised, added) = added.iter().cloned().partition(|token| token.normalized);
        Ok(Self {
            added: AddedTokens::new(added)?,
            added_normalised: AddedTokens::new(added_normalised)?,
            normaliser: normaliser.clone(),
            splitter: *splitter,
            before: before.clone(),
            after: after.clone(),
            vocab_size: *vocab_size as usize,
            model: Model::new(recipe)?,
        })
    }

    /// Returns all ids of a text, special tokens of the template included.
    ///
    /// # Errors
    /// `InputInvalid` for a text that is too long once it is normalised.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>> {
        Ok(self.framed(&self.body(text, usize::MAX)?))
    }

    /// Returns at most `max_tokens` ids, and whether ids were left out; see
    /// [`Tokenizer::encode_truncated`](super::Tokenizer::encode_truncated). The text is only read as far as needed.
    ///
    /// # Errors
    /// As [`Compact::encode`].
    pub(super) fn encode_truncated(&self, text: &str, max_tokens: usize) -> Result<(Vec<u32>, bool)> {
        let room = max_tokens.saturating_sub(self.template_len());
        let body = self.body(text, room)?;
        let mut ids = self.framed(&body[..body.len().min(room)]);
        ids.truncate(max_tokens);
        Ok((ids, body.len() > room))
    }

    /// Returns how many ids [`Compact::encode`] returns.
    ///
    /// # Errors
    /// As [`Compact::encode`].
    pub(super) fn count(&self, text: &str) -> Result<usize> {
        Ok(self.body(text, usize::MAX)?.len() + self.template_len())
    }

    /// Returns how many tokens the template has.
    pub(super) fn template_len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Returns the bytes of a token that words are made of.
    pub(super) fn token(&self, id: u32) -> Option<&[u8]> {
        let vocabulary = self.model.vocabulary();
        vocabulary.index_of_id(id).map(|index| vocabulary.token(index))
    }

    /// Returns the largest id + 1.
    pub(super) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Returns the largest id + 1 of those that a text without added tokens can have, the template's included.
    pub(super) fn needed_rows(&self) -> usize {
        let vocabulary = self.model.vocabulary();
        let added: HashSet<u32> = self.added.ids().chain(self.added_normalised.ids()).collect();
        let largest = (0..vocabulary.len()).rev().map(|index| vocabulary.id(index)).find(|id| !added.contains(id));
        let template = self.before.iter().chain(&self.after).copied().max();
        largest.max(template).map_or(0, |id| id as usize + 1)
    }

    fn framed(&self, body: &[u32]) -> Vec<u32> {
        [self.before.as_slice(), body, self.after.as_slice()].concat()
    }

    /// Returns the ids of a text alone; stops soon after there are more than `limit`.
    fn body(&self, text: &str, limit: usize) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        let mut work = Work::default();
        // All parts together may become as long as a text.
        let mut left = LONGEST_TEXT;
        let mut failure = None;
        let goes_on = |ids: &[u32]| if ids.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let _ = self.added.split(text, &mut |part| match part {
            Part::Token(id) => {
                ids.push(id);
                goes_on(&ids)
            }
            Part::Text(text) => {
                let text = match normalise(&self.normaliser, text, left) {
                    Ok(text) => text,
                    Err(error) => {
                        failure = Some(error);
                        return ControlFlow::Break(());
                    }
                };
                left = left.saturating_sub(text.len());
                self.added_normalised.split(&text, &mut |part| {
                    match part {
                        Part::Token(id) => ids.push(id),
                        Part::Text(text) => return self.split(text, &mut work, &mut ids, limit),
                    }
                    goes_on(&ids)
                })
            }
        });
        failure.map_or(Ok(ids), Err)
    }

    /// Adds the ids of a text without added tokens; breaks off as soon as there are more than `limit`.
    fn split(&self, mut text: &str, work: &mut Work, ids: &mut Vec<u32>, limit: usize) -> ControlFlow<()> {
        let classes = Classes::get();
        while !text.is_empty() {
            let (mut word, rest) = text.split_at(self.splitter.first_word(text, classes));
            while !word.is_empty() && !self.splitter.leaves_out(word) {
                let (part, after) = word.split_at(self.model.seam(word));
                self.model.encode(part, work, ids);
                if ids.len() > limit {
                    return ControlFlow::Break(());
                }
                word = after;
            }
            text = rest;
        }
        ControlFlow::Continue(())
    }
}
