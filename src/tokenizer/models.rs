//! The models of a `tokenizer.json`: how a word becomes tokens.

use super::json::{alphabet, kind, sequence};
use super::{invalid, unsupported};
use crate::error::Result;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// Most characters of a word in which WordPiece looks for parts; nearly every model has 100. The `tokenizers` crate's
/// work for a word grows with the third power of its length.
pub(super) const LONGEST_WORD: u64 = 256;

/// Longest piece of Unigram in bytes that the compact form runs. SentencePiece's own limit is 16 characters. It bounds the
/// work for each character of a text.
pub(super) const LONGEST_PIECE: usize = 256;

/// Returns the token that stands for a byte where a model has byte fallback.
pub(super) fn byte_token(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

/// A model that the compact form runs.
pub(super) enum Model {
    Bpe(Bpe),
    WordPiece(WordPiece),
    Unigram(Unigram),
}

impl Model {
    /// Checks that the model refers to tokens of its own vocabulary, and that its ids depend on the text alone.
    ///
    /// # Errors
    /// `TokenizerInvalid` or `TokenizerUnsupported`, with the field's name.
    pub(super) fn check(&self, pre_tokenizer: &Value) -> Result<()> {
        match self {
            Self::Bpe(model) => model.check(pre_tokenizer),
            Self::WordPiece(model) => model.check(),
            // Checked when it was made.
            Self::Unigram(_) => Ok(()),
        }
    }

    /// Returns the ids of all tokens.
    pub(super) fn vocab(&self) -> &HashMap<String, u32> {
        match self {
            Self::Bpe(model) => &model.vocab,
            Self::WordPiece(model) => &model.vocab,
            Self::Unigram(model) => &model.ids,
        }
    }

    /// Returns the id of the token for what no token stands for.
    pub(super) fn unknown(&self) -> Option<u32> {
        let token = match self {
            Self::Bpe(model) => model.unk_token.as_ref()?,
            Self::WordPiece(model) => &model.unk_token,
            Self::Unigram(model) => return Some(model.unknown),
        };
        self.vocab().get(token).copied()
    }
}

/// A model of type WordPiece: the longest token that a word starts with, and so on.
#[derive(Deserialize)]
pub(super) struct WordPiece {
    unk_token: String,
    /// What tokens start with that go on in the middle of a word.
    pub continuing_subword_prefix: String,
    /// A longer word is unknown.
    pub max_input_chars_per_word: u64,
    pub vocab: HashMap<String, u32>,
}

impl WordPiece {
    /// # Errors
    /// As [`Model::check`].
    pub(super) fn check(&self) -> Result<()> {
        if self.max_input_chars_per_word > LONGEST_WORD {
            return Err(unsupported(format!("model.max_input_chars_per_word is more than {LONGEST_WORD}")));
        }
        match self.vocab.contains_key(&self.unk_token) {
            true => Ok(()),
            false => Err(unknown_is_missing(&self.unk_token)),
        }
    }
}

fn unknown_is_missing(token: &str) -> crate::error::Error {
    invalid(format!("model.unk_token {token:?} is not in the vocabulary, and texts need it"))
}

/// A model of type Unigram: the pieces with the highest sum of scores. Its ids are numbers of pieces.
pub(super) struct Unigram {
    ids: HashMap<String, u32>,
    /// A score for each id.
    pub scores: Vec<f64>,
    /// The id for what no piece stands for.
    unknown: u32,
    /// Whether a character that is no piece becomes its bytes.
    pub byte_fallback: bool,
}

/// Its fields in a `tokenizer.json`.
#[derive(Deserialize)]
pub(super) struct UnigramFields {
    pub vocab: Vec<(String, f64)>,
    pub unk_id: Option<u32>,
    #[serde(default)]
    byte_fallback: bool,
}

impl UnigramFields {
    /// Makes the model.
    ///
    /// # Errors
    /// As [`Unigram::new`]; `TokenizerUnsupported` if nothing stands for what no piece stands for.
    pub(super) fn model(self) -> Result<Unigram> {
        let unknown = self.unk_id.ok_or_else(|| unsupported("model.unk_id is missing"))?;
        Ok(Unigram { byte_fallback: self.byte_fallback, ..Unigram::new(self.vocab, unknown)? })
    }
}

impl Unigram {
    /// Makes a model of pieces with their scores, in the order of their ids. `unknown` is the id for what no piece stands
    /// for.
    ///
    /// # Errors
    /// `TokenizerInvalid` if `unknown` is no piece's, a piece is there twice, or a score is not finite.
    pub(super) fn new(pieces: Vec<(String, f64)>, unknown: u32) -> Result<Self> {
        if unknown as usize >= pieces.len() {
            return Err(invalid(format!("model.unk_id is {unknown}, and there are {} pieces", pieces.len())));
        }
        let mut ids = HashMap::with_capacity(pieces.len());
        let mut scores = Vec::with_capacity(pieces.len());
        for (id, (piece, score)) in (0..).zip(pieces) {
            if !score.is_finite() {
                return Err(invalid(format!("model.vocab: the score of {piece:?} is not finite")));
            }
            scores.push(score);
            if let Some((piece, _)) = ids.get_key_value(&piece) {
                return Err(invalid(format!("model.vocab has {piece:?} twice")));
            }
            ids.insert(piece, id);
        }
        Ok(Self { ids, scores, unknown, byte_fallback: false })
    }
}

/// A model of type BPE.
#[derive(Deserialize)]
pub(super) struct Bpe {
    dropout: Option<f32>,
    pub unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    pub end_of_word_suffix: Option<String>,
    pub fuse_unk: Option<bool>,
    pub byte_fallback: Option<bool>,
    pub ignore_merges: Option<bool>,
    pub vocab: HashMap<String, u32>,
    merges: Merges,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merges {
    Pairs(Vec<(String, String)>),
    /// Both parts in one string, with a space between them.
    Lines(Vec<String>),
}

impl Bpe {
    /// # Errors
    /// As [`Model::check`].
    pub(super) fn check(&self, pre_tokenizer: &Value) -> Result<()> {
        if self.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err(unsupported("model.dropout would make ids random"));
        }
        if self.continuing_subword_prefix.as_ref().is_some_and(|prefix| !prefix.is_empty()) {
            return Err(unsupported("model.continuing_subword_prefix is not empty"));
        }
        if let Some(unknown) = &self.unk_token
            && !self.vocab.contains_key(unknown)
            && !self.knows_every_character(pre_tokenizer)?
        {
            return Err(unknown_is_missing(unknown));
        }
        let mut joined = String::new();
        self.merges(|left, right| {
            joined.clear();
            joined.push_str(left);
            joined.push_str(right);
            match [left, right, &joined].into_iter().find(|token| !self.vocab.contains_key(*token)) {
                Some(token) => {
                    Err(invalid(format!("model.merges refers to {token:?}, which is not in the vocabulary")))
                }
                None => Ok(()),
            }
        })
    }

    /// Returns whether there is a token for every byte that UTF-8 has, so that nothing is ever unknown.
    fn knows_every_character(&self, pre_tokenizer: &Value) -> Result<bool> {
        let is_of_utf8 = |byte: u8| byte <= 0xF4 && !matches!(byte, 0xC0 | 0xC1);
        let plain = self.end_of_word_suffix.as_ref().is_none_or(|suffix| suffix.is_empty());
        let byte_level = sequence(pre_tokenizer, "pretokenizers")?.into_iter().any(|part| kind(part) == "ByteLevel");
        let knows = |(symbol, byte): (char, u8)| {
            let spelled = if byte_level { symbol.to_string() } else { byte_token(byte) };
            !is_of_utf8(byte) || self.vocab.contains_key(&spelled)
        };
        Ok(plain && (byte_level || self.byte_fallback == Some(true)) && alphabet().into_iter().all(knows))
    }

    /// Passes the two parts of every merge to `each`, in order of rank.
    ///
    /// # Errors
    /// Those of `each`, and `TokenizerInvalid` for a line that is not two parts.
    pub(super) fn merges(&self, mut each: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        match &self.merges {
            Merges::Pairs(pairs) => pairs.iter().try_for_each(|(left, right)| each(left, right)),
            Merges::Lines(lines) => lines.iter().filter(|line| !line.starts_with("#version")).try_for_each(|line| {
                match line.split_once(' ') {
                    Some((left, right)) if !right.contains(' ') => each(left, right),
                    _ => Err(invalid(format!("model.merges: {line:?} does not have two parts"))),
                }
            }),
        }
    }
}
