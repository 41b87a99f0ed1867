//! One word -> ids, by the pieces with the highest sum of scores: Unigram.
//!
//! Of all ways to cut a word into pieces, the one with the highest sum of their scores is taken (Kudo,
//! <https://arxiv.org/abs/1804.10959>), found from left to right (Viterbi). A character that is no piece costs ten more than
//! the worst piece, and neighbours of this kind become one unknown token, or the tokens of their bytes. Sums are f64 in the order of the `tokenizers` crate,
//! and of equal ones the first that is found stays: the piece that starts first.

use super::format::Recipe;
use crate::error::Result;
use crate::tokenizer::models::{LONGEST_PIECE, byte_token};
use crate::tokenizer::vocabulary::{Hashes, Vocabulary};
use crate::tokenizer::{invalid, unsupported};

/// What an unknown character costs more than the worst piece.
const UNKNOWN_PENALTY: f64 = 10.0;

/// Bytes that decide which lengths are looked up; every length below is.
const STEM: usize = 4;
/// Logarithm to base 2 of the number of sets of lengths.
const SETS: u32 = 14;

/// The pieces and their scores.
pub(super) struct Unigram {
    vocabulary: Vocabulary,
    /// A score for each piece.
    scores: Vec<f64>,
    unknown: u32,
    /// Score of an unknown character.
    unknown_score: f64,
    /// With byte fallback, the id of the token of each byte, if there is one.
    bytes: Vec<Option<u32>>,
    /// For each hash of the first [`STEM`] bytes, which lengths the pieces have that start with them: a bit each, the last
    /// for all greater ones.
    lengths: Vec<u64>,
    /// Length of the longest piece in bytes.
    longest: usize,
}

/// The best way to a place in a word, for each byte.
#[derive(Default)]
pub(super) struct Path(Vec<Step>);

#[derive(Clone, Copy)]
struct Step {
    /// Sum of the scores up to here.
    score: f64,
    /// Where the last piece starts, or [`NOWHERE`] if no way has been found.
    start: u32,
    /// Its index, or [`NO_PIECE`] if it is an unknown character.
    piece: u32,
}

const NOWHERE: u32 = u32::MAX;
const NO_PIECE: u32 = u32::MAX;

impl Step {
    const NONE: Self = Self { score: 0.0, start: NOWHERE, piece: NO_PIECE };

    /// Takes a way that is better than the best so far.
    fn improve(&mut self, other: Self) {
        if self.start == NOWHERE || other.score > self.score {
            *self = other;
        }
    }
}

impl Unigram {
    pub(super) fn new(recipe: Recipe, scores: Vec<f64>) -> Result<Self> {
        let vocabulary = Vocabulary::new(recipe.bytes, recipe.ends, recipe.ids)?;
        let unknown = recipe.unknown.filter(|id| vocabulary.index_of_id(*id).is_some());
        let unknown = unknown.ok_or_else(|| invalid("the unknown token is not in the vocabulary"))?;
        if scores.len() != vocabulary.len() {
            return Err(invalid("it has not as many scores as pieces"));
        }
        let worst = scores.iter().fold(f64::INFINITY, |worst, score| if *score < worst { *score } else { worst });
        let (mut lengths, mut longest) = (vec![0; 1 << SETS], 0);
        for index in 0..vocabulary.len() {
            let piece = vocabulary.token(index);
            longest = longest.max(piece.len());
            if let Some(set) = set_of(piece) {
                lengths[set] |= 1_u64 << piece.len().min(63);
            }
        }
        if longest > LONGEST_PIECE {
            return Err(unsupported(format!("model.vocab has a piece of more than {LONGEST_PIECE} bytes")));
        }
        let id = |byte: u8| Some(vocabulary.id(vocabulary.find(byte_token(byte).as_bytes())?));
        let bytes = if recipe.byte_fallback { (0..=255).map(id).collect() } else { Vec::new() };
        let unknown_score = worst - UNKNOWN_PENALTY;
        Ok(Self { bytes, vocabulary, scores, unknown, unknown_score, lengths, longest })
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Adds the ids of a word to `ids`.
    pub(super) fn encode(&self, word: &str, spelled: &mut Hashes, path: &mut Path, ids: &mut Vec<u32>) {
        spelled.clear();
        spelled.push(word.as_bytes());
        path.0.clear();
        path.0.resize(word.len() + 1, Step::NONE);
        for (start, c) in word.char_indices() {
            self.go_on(word, start, c.len_utf8(), spelled, path);
        }
        let before = ids.len();
        self.go_back(word.as_bytes(), spelled, path, ids);
        ids[before..].reverse();
    }

    /// Tries all pieces that start at a place, a character of `width` bytes, where the best way to it is known.
    fn go_on(&self, word: &str, start: usize, width: usize, spelled: &Hashes, path: &mut Path) {
        let score = path.0[start].score;
        let set = set_of(&word.as_bytes()[start..]).map_or(0, |set| self.lengths[set]);
        let mut is_piece = false;
        for length in width..=self.longest.min(word.len() - start) {
            let is_possible = length < STEM || set >> length.min(63) & 1 == 1;
            if !is_possible || !word.is_char_boundary(start + length) {
                continue;
            }
            if let Some(piece) = spelled.find(start, start + length, &self.vocabulary) {
                let score = self.scores[piece] + score;
                path.0[start + length].improve(Step { score, start: start as u32, piece: piece as u32 });
                is_piece |= length == width;
            }
        }
        if !is_piece {
            let score = self.unknown_score + score;
            path.0[start + width].improve(Step { score, start: start as u32, piece: NO_PIECE });
        }
    }

    /// Adds the ids of the best way to the end of `word`, the last one first.
    fn go_back(&self, word: &[u8], spelled: &Hashes, path: &Path, ids: &mut Vec<u32>) {
        let mut end = word.len();
        // Where a run of unknown characters ends that has not been added.
        let mut unknown_end = None;
        let add_unknown = |ids: &mut Vec<u32>, start: usize, run: &mut Option<usize>| {
            if let Some(end) = run.take() {
                // The crate looks the whole run up: it might be a piece.
                match spelled.find(start, end, &self.vocabulary) {
                    Some(piece) => ids.push(self.vocabulary.id(piece)),
                    None => self.add_bytes(&word[start..end], ids),
                }
            }
        };
        while end > 0 {
            let Step { start, piece, .. } = path.0[end];
            let id = (piece != NO_PIECE).then(|| self.vocabulary.id(piece as usize));
            match id.filter(|id| *id != self.unknown) {
                Some(id) => {
                    add_unknown(ids, end, &mut unknown_end);
                    ids.push(id);
                }
                None => _ = unknown_end.get_or_insert(end),
            }
            // There is a way to every character, by itself alone if by nothing else.
            end = start as usize;
        }
        add_unknown(ids, 0, &mut unknown_end);
    }

    /// Adds the ids of a run of unknown characters, the last one first: those of its bytes if all have one.
    fn add_bytes(&self, run: &[u8], ids: &mut Vec<u32>) {
        let before = ids.len();
        let id = |byte: &u8| self.bytes.get(usize::from(*byte)).copied().flatten();
        ids.extend(run.iter().rev().map_while(id));
        if ids.len() - before < run.len() {
            ids.truncate(before);
            ids.push(self.unknown);
        }
    }
}

/// Returns the set of lengths of pieces that start like `bytes`; `None` for fewer bytes than decide.
fn set_of(bytes: &[u8]) -> Option<usize> {
    let stem = u32::from_le_bytes(*bytes.first_chunk::<STEM>()?);
    Some((stem.wrapping_mul(0x9E37_79B1) >> (u32::BITS - SETS)) as usize)
}
