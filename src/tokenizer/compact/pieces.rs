//! One word -> ids, by the longest pieces: WordPiece.
//!
//! A word becomes the longest token that it starts with, the longest one of those for the middle of a word that goes on
//! from there, and so on to its end. If there is a place from which none goes on, the whole word is unknown.

use super::format::{PieceRules, Recipe};
use crate::error::Result;
use crate::tokenizer::invalid;
use crate::tokenizer::vocabulary::{Hashes, Vocabulary};

/// The vocabulary, whole and as it is looked up in the middle of a word.
pub(super) struct Pieces {
    /// All tokens: a word may start with any of them.
    vocabulary: Vocabulary,
    /// Those for the middle of a word, without the prefix that tells them.
    continuing: Vocabulary,
    /// Length of the longest token in bytes.
    longest: usize,
    unknown: u32,
    /// Most characters of a word that is looked at.
    most_chars: usize,
}

impl Pieces {
    pub(super) fn new(recipe: Recipe, rules: PieceRules) -> Result<Self> {
        let vocabulary = Vocabulary::new(recipe.bytes, recipe.ends, recipe.ids)?;
        let unknown = recipe.unknown.filter(|id| vocabulary.index_of_id(*id).is_some());
        let longest = (0..vocabulary.len()).map(|index| vocabulary.token(index).len()).max().unwrap_or(0);
        Ok(Self {
            unknown: unknown.ok_or_else(|| invalid("the unknown token is not in the vocabulary"))?,
            continuing: continuing(&vocabulary, rules.prefix.as_bytes())?,
            longest,
            most_chars: rules.most_chars as usize,
            vocabulary,
        })
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Adds the ids of a word to `ids`.
    pub(super) fn encode(&self, word: &str, spelled: &mut Hashes, ids: &mut Vec<u32>) {
        let before = ids.len();
        let is_short = word.chars().nth(self.most_chars).is_none();
        if !is_short || !self.add_pieces(word, spelled, ids) {
            ids.truncate(before);
            ids.push(self.unknown);
        }
    }

    /// Adds the ids of the pieces of a word, and returns whether they reach its end.
    fn add_pieces(&self, word: &str, spelled: &mut Hashes, ids: &mut Vec<u32>) -> bool {
        spelled.clear();
        spelled.push(word.as_bytes());
        let mut start = 0;
        while start < word.len() {
            let vocabulary = if start == 0 { &self.vocabulary } else { &self.continuing };
            let ends = (start + 1..=word.len().min(start + self.longest)).rev();
            let mut ends = ends.filter(|end| word.is_char_boundary(*end));
            let Some((end, index)) = ends.find_map(|end| Some((end, spelled.find(start, end, vocabulary)?))) else {
                return false;
            };
            ids.push(vocabulary.id(index));
            start = end;
        }
        true
    }
}

/// Returns the tokens that start with `prefix`, without it.
fn continuing(vocabulary: &Vocabulary, prefix: &[u8]) -> Result<Vocabulary> {
    let (mut bytes, mut ends, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..vocabulary.len() {
        if let Some(rest) = vocabulary.token(index).strip_prefix(prefix) {
            bytes.extend_from_slice(rest);
            // No more than all tokens, whose ends fit.
            ends.push(bytes.len() as u32);
            ids.push(vocabulary.id(index));
        }
    }
    Vocabulary::new(bytes, ends, ids)
}
