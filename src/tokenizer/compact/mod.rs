//! The compact tokenizer: byte-pair encoding, WordPiece and Unigram from flat tables, in pure Rust.
//!
//! ```text
//! text --added tokens--> normalise --added tokens--> split into words --merges, pieces or scores--> ids --template--> ids
//! ```
//!
//! It runs the kinds of tokenizer that the Granite R2 models use (byte-level vocabularies with the
//! pattern of GPT-2 or o200k, and vocabularies of characters with byte fallback), BERT's, RoBERTa's and XLM-RoBERTa's. [`compile()`] turns
//! a `tokenizer.json` into its bytes, [`Tokenizer::from_compact`](super::Tokenizer::from_compact) reads
//! them; `format.rs` has the layout.

mod compile;
mod format;
mod pieces;
mod unigram;
mod words;

pub use compile::{compile, compile_with};

use super::LONGEST_TEXT;
use super::added::{AddedTokens, Part};
use super::bpe::Work;
use super::classes::Classes;
use super::metaspace::Metaspace;
use super::normalise::{Step, normalise};
use super::split::Splitter;
use super::vocabulary::Vocabulary;
use crate::error::Result;
use format::Recipe;
use pieces::Pieces;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;
use unigram::{Path, Unigram};
use words::Words;

/// A tokenizer in its compact form.
pub(super) struct Compact {
    normaliser: Vec<Step>,
    /// Searched for in the text as it is.
    added: AddedTokens,
    /// Searched for in the normalised text.
    added_normalised: AddedTokens,
    splitter: Splitter,
    /// Whether a text that does not start with a space gets one.
    prefix_space: bool,
    /// How spaces become marks in the words of the splitter.
    metaspace: Option<Metaspace>,
    model: Model,
    before: Vec<u32>,
    after: Vec<u32>,
    vocab_size: usize,
}

/// How a word becomes ids.
enum Model {
    Merges(Words),
    Pieces(Pieces),
    Scores(Unigram),
}

/// Memory that is used again for every word.
#[derive(Default)]
struct Scratch {
    work: Work,
    path: Path,
    /// A word with its mark.
    marked: String,
}

impl Model {
    fn new(mut recipe: Recipe) -> Result<Self> {
        match (recipe.pieces.take(), recipe.scores.take()) {
            (Some(rules), _) => Pieces::new(recipe, rules).map(Self::Pieces),
            (None, Some(scores)) => Unigram::new(recipe, scores).map(Self::Scores),
            (None, None) => Words::new(recipe).map(Self::Merges),
        }
    }

    fn vocabulary(&self) -> &Vocabulary {
        match self {
            Self::Merges(words) => words.vocabulary(),
            Self::Pieces(pieces) => pieces.vocabulary(),
            Self::Scores(unigram) => unigram.vocabulary(),
        }
    }

    /// Returns the length of the first part of `word` that can be encoded on its own; 0 only for an empty word.
    fn seam(&self, word: &str) -> usize {
        match self {
            Self::Merges(words) => words.seam(word),
            Self::Pieces(_) | Self::Scores(_) => word.len(),
        }
    }

    /// Adds the ids of a word to `ids`.
    fn encode(&self, word: &str, Scratch { work, path, .. }: &mut Scratch, ids: &mut Vec<u32>) {
        match self {
            Self::Merges(words) => words.encode(word, work, ids),
            Self::Pieces(pieces) => pieces.encode(word, &mut work.spelled, ids),
            Self::Scores(unigram) => unigram.encode(word, &mut work.spelled, path, ids),
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
        let Recipe { normaliser, splitter, prefix_space, metaspace, before, after, vocab_size, added, .. } = &recipe;
        let (added_normalised, added) = added.iter().cloned().partition(|token| token.normalized);
        Ok(Self {
            added: AddedTokens::new(added)?,
            added_normalised: AddedTokens::new(added_normalised)?,
            normaliser: normaliser.clone(),
            splitter: *splitter,
            prefix_space: *prefix_space,
            metaspace: *metaspace,
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

    /// Returns at most `max_tokens` ids, and whether ids of the text were left out; see
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
        let mut scratch = Scratch::default();
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
                        Part::Text(text) => return self.split(text, &mut scratch, &mut ids, limit),
                    }
                    goes_on(&ids)
                })
            }
        });
        failure.map_or(Ok(ids), Err)
    }

    /// Adds the ids of a text without added tokens; breaks off as soon as there are more than `limit`.
    fn split(&self, text: &str, scratch: &mut Scratch, ids: &mut Vec<u32>, limit: usize) -> ControlFlow<()> {
        let text = match self.prefix_space && !text.starts_with(' ') {
            true => Cow::Owned(format!(" {text}")),
            false => Cow::Borrowed(text),
        };
        let (mut text, classes) = (&*text, Classes::get());
        while !text.is_empty() {
            let (word, rest) = text.split_at(self.splitter.first_word(text, classes));
            match &self.metaspace {
                _ if self.splitter.leaves_out(word) => {}
                Some(metaspace) => self.add_marked(word, *metaspace, scratch, ids, limit)?,
                None => self.add_word(word, scratch, ids, limit)?,
            }
            text = rest;
        }
        ControlFlow::Continue(())
    }

    /// Adds the ids of a word, as [`Compact::split`] does.
    fn add_word(&self, mut word: &str, scratch: &mut Scratch, ids: &mut Vec<u32>, limit: usize) -> ControlFlow<()> {
        while !word.is_empty() {
            let (part, after) = word.split_at(self.model.seam(word));
            self.model.encode(part, scratch, ids);
            if ids.len() > limit {
                return ControlFlow::Break(());
            }
            word = after;
        }
        ControlFlow::Continue(())
    }

    /// Adds the ids of a word whose spaces become marks.
    fn add_marked(
        &self,
        word: &str,
        metaspace: Metaspace,
        scratch: &mut Scratch,
        ids: &mut Vec<u32>,
        limit: usize,
    ) -> ControlFlow<()> {
        let (mut rest, mut is_first) = (word, true);
        while !rest.is_empty() {
            let (part, after) = rest.split_at(metaspace.first_word(rest));
            let mut marked = std::mem::take(&mut scratch.marked);
            metaspace.spell(part, is_first, &mut marked);
            let flow = self.add_word(&marked, scratch, ids, limit);
            scratch.marked = marked;
            flow?;
            (rest, is_first) = (after, false);
        }
        ControlFlow::Continue(())
    }
}
