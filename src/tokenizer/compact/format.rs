//! The bytes of a compact tokenizer.
//!
//! Version 1. `n` is an unsigned number of at most 32 bits in LEB128 (7 bits a byte, low ones first,
//! the top bit set on all but the last); `string` is `n` and as many bytes of UTF-8.
//!
//! | field | |
//! | --- | --- |
//! | magic | the 8 bytes `felsictk` |
//! | version | `n`, 1 |
//! | flags | a byte: 1 byte level, 2 byte fallback, 4 fuse unknown, 8 every token is direct, 16 word pieces, 32 scores, 64 a space before a text, 128 marks for spaces |
//! | splitter | a byte: 0 whole, 1 GPT-2, 2 o200k, 3 BERT, 4 white space |
//! | marks | only with marks for spaces: `n` code point of the mark, and a byte, 1 if the first word gets one |
//! | unknown | `n`: id + 1, or 0 for none |
//! | largest id + 1 | `n` |
//! | normaliser | `n` steps: a byte 0 for NFC, a byte 1 and the strings from, to, a byte 2 and BERT's flags (1 clean text, 2 spaces around Chinese characters, 4 no accents, 8 lower case), a byte 3 and `n` and the bytes of a map of characters, a byte 4 and the string for two spaces or more, or a byte 5 and the ends that are stripped (1 start, 2 end) |
//! | template | `n` and the ids before a text; `n` and the ids after it |
//! | ids | `n` runs of consecutive ids: `n` ids left out before the run, `n` length of the run |
//! | lengths | for each id `n`, the length of its token |
//! | tokens | the bytes of all tokens, end to end |
//! | pieces | only with word pieces, in the place of the next two: string before tokens for the middle of a word, `n` most characters of a word |
//! | scores | only with scores, in the place of the next two: for each id the nearest f32, little-endian; then for each `n` zigzag steps from it to the score among the numbers of f64 |
//! | direct | unless every token is: a bit a token, low bits first, padded to bytes |
//! | merges | `n`; for each, in order of rank, `n` zigzag step from the index of the token made last (at first 0) to that of the token made now, and `n` length of its left part |
//! | added tokens | `n`; for each `n` id, a byte of flags (1 normalised, 2 lstrip, 4 rstrip, 8 single word), string |
//!
//! Merges need neither names nor ids of their parts: both are tokens, known by their text. That
//! makes the file of 180,000 tokens and 390,000 merges 2.2 MB (0.9 MB with Brotli).

use crate::error::Result;
use crate::tokenizer::added::AddedToken;
use crate::tokenizer::bert::Bert;
use crate::tokenizer::character_map::CharacterMap;
use crate::tokenizer::metaspace::Metaspace;
use crate::tokenizer::models::LONGEST_WORD;
use crate::tokenizer::normalise::{self, Step};
use crate::tokenizer::split::Splitter;
use crate::tokenizer::{MOST_TEMPLATE, invalid, unsupported};

const MAGIC: &[u8; 8] = b"felsictk";
const VERSION: u32 = 1;

/// Ids are below this.
pub(super) const MOST_IDS: u32 = 1 << 30;

/// Everything in the file, unpacked but not yet checked against itself.
#[derive(Clone)]
pub(super) struct Recipe {
    /// Steps before the splitter.
    pub normaliser: Vec<Step>,
    pub splitter: Splitter,
    /// Whether a text that does not start with a space gets one.
    pub prefix_space: bool,
    /// How spaces become marks in the words of the splitter.
    pub metaspace: Option<Metaspace>,
    /// Whether tokens are bytes (else characters).
    pub byte_level: bool,
    /// Whether a character without an id becomes its bytes.
    pub byte_fallback: bool,
    /// What it becomes otherwise.
    pub unknown: Option<u32>,
    pub fuse_unknown: bool,
    /// Special tokens of the template.
    pub before: Vec<u32>,
    pub after: Vec<u32>,
    pub vocab_size: u32,
    /// Tokens end to end, where each ends, and their ascending ids.
    pub bytes: Vec<u8>,
    pub ends: Vec<u32>,
    pub ids: Vec<u32>,
    /// A bit for each token that stands directly for a word of the same text; `None`: all do.
    pub direct: Option<Vec<u8>>,
    /// Index of the token made and length of its left part, in order of rank.
    pub merges: Vec<(u32, u32)>,
    /// Whether words are made of the longest pieces, and not by merges.
    pub pieces: Option<PieceRules>,
    /// A score for each token, if words are made of the pieces with the highest sum.
    pub scores: Option<Vec<f64>>,
    pub added: Vec<AddedToken>,
}

/// What WordPiece knows besides its vocabulary.
#[derive(Clone)]
pub(super) struct PieceRules {
    /// What tokens for the middle of a word start with.
    pub prefix: String,
    /// Most characters of a word that is not unknown for its length.
    pub most_chars: u32,
}

impl Recipe {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Writer(MAGIC.to_vec());
        out.number(VERSION);
        let is_direct = self.direct.is_none();
        out.0.push(bits([
            self.byte_level,
            self.byte_fallback,
            self.fuse_unknown,
            is_direct,
            self.pieces.is_some(),
            self.scores.is_some(),
            self.prefix_space,
            self.metaspace.is_some(),
        ]));
        out.0.push(match self.splitter {
            Splitter::Whole => 0,
            Splitter::Gpt2 => 1,
            Splitter::O200k => 2,
            Splitter::Bert => 3,
            Splitter::WhiteSpace => 4,
        });
        if let Some(Metaspace { mark, prepend }) = self.metaspace {
            out.number(mark.into());
            out.0.push(prepend.into());
        }
        out.number(self.unknown.map_or(0, |id| id + 1));
        out.number(self.vocab_size);
        out.number(self.normaliser.len() as u32);
        for step in &self.normaliser {
            match step {
                Step::Nfc => out.0.push(0),
                Step::Replace { from, to } => {
                    out.0.push(1);
                    out.string(from);
                    out.string(to);
                }
                Step::Bert(bert) => out.0.extend([2, bits(bert.flags())]),
                Step::Map(map) => {
                    let bytes = map.write();
                    out.0.push(3);
                    out.number(bytes.len() as u32);
                    out.0.extend(bytes);
                }
                Step::Spaces { to } => {
                    out.0.push(4);
                    out.string(to);
                }
                Step::Strip { left, right } => out.0.extend([5, bits([*left, *right])]),
            }
        }
        for ids in [&self.before, &self.after] {
            out.number(ids.len() as u32);
            ids.iter().for_each(|id| out.number(*id));
        }
        out.vocabulary(self);
        match (&self.pieces, &self.scores) {
            (Some(rules), _) => {
                out.string(&rules.prefix);
                out.number(rules.most_chars);
            }
            (None, Some(scores)) => out.scores(scores),
            (None, None) => {
                out.0.extend(self.direct.iter().flatten());
                out.merges(&self.merges);
            }
        }
        out.number(self.added.len() as u32);
        for token in &self.added {
            out.number(token.id);
            out.0.push(bits([token.normalized, token.lstrip, token.rstrip, token.single_word]));
            out.string(&token.content);
        }
        out.0
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let mut from = Reader(bytes);
        if from.bytes(MAGIC.len())? != MAGIC {
            return Err(invalid("it is not a compact tokenizer"));
        }
        match from.number()? {
            VERSION => {}
            version => {
                return Err(unsupported(format!("it has version {version}; this build reads version {VERSION}")));
            }
        }
        let [byte_level, byte_fallback, fuse_unknown, all_direct, has_pieces, has_scores, prefix_space, has_marks] =
            from.flags()?;
        let splitter = match from.byte()? {
            0 => Splitter::Whole,
            1 => Splitter::Gpt2,
            2 => Splitter::O200k,
            3 => Splitter::Bert,
            4 => Splitter::WhiteSpace,
            other => return Err(unsupported(format!("splitter {other}"))),
        };
        let metaspace = if has_marks { Some(from.metaspace()?) } else { None };
        let unknown = from.number()?.checked_sub(1);
        let vocab_size = from.number()?;
        let normaliser = from.list(|from| {
            Ok(match from.byte()? {
                0 => Step::Nfc,
                1 => Step::Replace { from: from.string()?, to: from.string()? },
                2 => Step::Bert(Bert::of_flags(from.flags()?)),
                3 => {
                    let length = from.number()? as usize;
                    Step::Map(CharacterMap::read(from.bytes(length)?)?)
                }
                4 => Step::Spaces { to: from.string()? },
                5 => {
                    let [left, right] = from.flags()?;
                    Step::Strip { left, right }
                }
                other => return Err(unsupported(format!("normaliser step {other}"))),
            })
        })?;
        let before = from.list(Reader::number)?;
        let after = from.list(Reader::number)?;
        let (ids, ends, bytes) = from.vocabulary()?;
        let pieces = match has_pieces {
            true => Some(PieceRules { prefix: from.string()?, most_chars: from.number()? }),
            false => None,
        };
        let scores = match has_scores {
            true if has_pieces => return Err(invalid("it has both word pieces and scores")),
            true => Some(from.scores(ids.len())?),
            false => None,
        };
        let has_merges = !has_pieces && !has_scores;
        let direct = match has_merges && !all_direct {
            true => Some(from.bytes(ids.len().div_ceil(8))?.to_vec()),
            false => None,
        };
        let merges = if has_merges { from.merges(ids.len())? } else { Vec::new() };
        let added = from.list(|from| {
            let id = from.number()?;
            let [normalized, lstrip, rstrip, single_word] = from.flags()?;
            Ok(AddedToken { id, content: from.string()?, normalized, lstrip, rstrip, single_word })
        })?;
        if !from.0.is_empty() {
            return Err(invalid("bytes follow its end"));
        }
        let recipe = Self {
            normaliser,
            splitter,
            prefix_space,
            metaspace,
            byte_level,
            byte_fallback,
            unknown,
            fuse_unknown,
            before,
            after,
            vocab_size,
            bytes: bytes.to_vec(),
            ends,
            ids,
            direct,
            merges,
            pieces,
            scores,
            added,
        };
        recipe.check()?;
        Ok(recipe)
    }

    /// Checks that every id that can come out is below `vocab_size`, that no step looks for an empty string, and that
    /// neither normaliser nor template makes much out of little.
    fn check(&self) -> Result<()> {
        let ids = self.before.iter().chain(&self.after).chain(&self.unknown).chain(self.ids.last());
        if self.vocab_size > MOST_IDS
            || ids.chain(self.added.iter().map(|token| &token.id)).any(|id| *id >= self.vocab_size)
        {
            return Err(invalid("an id is out of range"));
        }
        if self.normaliser.iter().any(|step| matches!(step, Step::Replace { from, .. } if from.is_empty())) {
            return Err(invalid("a replacement of nothing"));
        }
        if let Some(PieceRules { most_chars, .. }) = &self.pieces
            && u64::from(*most_chars) > LONGEST_WORD
        {
            return Err(unsupported(format!("it looks at words of {most_chars} characters, more than {LONGEST_WORD}")));
        }
        let template = self.before.len() + self.after.len();
        if template > MOST_TEMPLATE {
            return Err(unsupported(format!("its template has {template} tokens, more than {MOST_TEMPLATE}")));
        }
        normalise::check(&self.normaliser).map(drop)
    }
}

fn bits<const N: usize>(flags: [bool; N]) -> u8 {
    flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag))
}

/// Returns how many numbers of f64 a score is above the nearest f32, or below it where that is negative.
fn steps_from_f32(score: f64) -> i64 {
    // Both have one sign, and so their bits are in the order of their magnitudes.
    score.to_bits() as i64 - f64::from(score as f32).to_bits() as i64
}

/// Returns whether a score can be written: whether it is within the range of f32, and not so small that its precision is
/// less.
pub(super) fn is_near_f32(score: f64) -> bool {
    (score as f32).is_finite() && (-(1 << 30)..1 << 30).contains(&steps_from_f32(score))
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn string(&mut self, text: &str) {
        self.number(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn vocabulary(&mut self, recipe: &Recipe) {
        let mut next = 0;
        let runs: Vec<&[u32]> = recipe.ids.chunk_by(|a, b| a + 1 == *b).collect();
        self.number(runs.len() as u32);
        for run in runs {
            self.number(run[0] - next);
            self.number(run.len() as u32);
            next = run[0] + run.len() as u32;
        }
        let mut start = 0;
        for end in &recipe.ends {
            self.number(end - start);
            start = *end;
        }
        self.0.extend_from_slice(&recipe.bytes);
    }

    /// Each score must be near to an f32; see [`is_near_f32`].
    fn scores(&mut self, scores: &[f64]) {
        self.0.extend(scores.iter().flat_map(|score| (*score as f32).to_le_bytes()));
        for score in scores {
            let step = steps_from_f32(*score);
            self.number((step << 1 ^ step >> 63) as u32);
        }
    }

    fn merges(&mut self, merges: &[(u32, u32)]) {
        self.number(merges.len() as u32);
        let mut last = 0;
        for (made, left) in merges {
            let step = *made as i32 - last;
            self.number((step << 1 ^ step >> 31) as u32);
            self.number(*left);
            last = *made as i32;
        }
    }
}

/// The rest of the bytes.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn bytes(&mut self, count: usize) -> Result<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(|| invalid("it is truncated"))?;
        self.0 = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    fn flags<const N: usize>(&mut self) -> Result<[bool; N]> {
        match self.byte()? {
            byte if u16::from(byte) >> N == 0 => Ok(std::array::from_fn(|i| byte >> i & 1 == 1)),
            byte => Err(unsupported(format!("flags {byte:#x}"))),
        }
    }

    fn number(&mut self) -> Result<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| invalid("a number is too large"));
            }
        }
        Err(invalid("a number is too long"))
    }

    /// Reads a count of things that take at least `least` bytes each: never more than can follow, so that memory may be
    /// reserved for it.
    fn count(&mut self, least: usize) -> Result<usize> {
        match self.number()? as usize {
            count if count <= self.0.len() / least => Ok(count),
            _ => Err(invalid("it is truncated")),
        }
    }

    fn string(&mut self) -> Result<String> {
        let length = self.number()? as usize;
        let text = std::str::from_utf8(self.bytes(length)?).map_err(|e| invalid("a string is not UTF-8").because(e))?;
        Ok(text.to_owned())
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.count(1)?).map(|_| item(self)).collect()
    }

    fn vocabulary(&mut self) -> Result<(Vec<u32>, Vec<u32>, &'b [u8])> {
        let runs = self.list(|from| Ok((from.number()?, from.number()?)))?;
        let total: u64 = runs.iter().map(|(gap, length)| u64::from(*gap) + u64::from(*length)).sum();
        let count: u64 = runs.iter().map(|(_, length)| u64::from(*length)).sum();
        if total > u64::from(MOST_IDS) || count > self.0.len() as u64 {
            return Err(invalid("it has more ids than tokens"));
        }
        let mut next = 0;
        let mut ids = Vec::with_capacity(count as usize);
        for (gap, length) in runs {
            next += gap;
            ids.extend(next..next + length);
            next += length;
        }
        let mut end = 0_u32;
        let mut ends = Vec::with_capacity(ids.len());
        for _ in &ids {
            end = end.checked_add(self.number()?).ok_or_else(|| invalid("its tokens are too long"))?;
            ends.push(end);
        }
        Ok((ids, ends, self.bytes(end as usize)?))
    }

    fn metaspace(&mut self) -> Result<Metaspace> {
        let mark = char::from_u32(self.number()?).ok_or_else(|| invalid("the mark for a space is no character"))?;
        let [prepend] = self.flags()?;
        Ok(Metaspace { mark, prepend })
    }

    fn scores(&mut self, pieces: usize) -> Result<Vec<f64>> {
        let (near, _) = self.bytes(pieces.saturating_mul(4))?.as_chunks();
        let scores = near.iter().map(|bytes| {
            let step = self.number()?;
            let step = i64::from(step >> 1) ^ -i64::from(step & 1);
            let near = f64::from(f32::from_le_bytes(*bytes)).to_bits();
            let score = f64::from_bits(near.wrapping_add_signed(step));
            score.is_finite().then_some(score).ok_or_else(|| invalid("a score is not finite"))
        });
        scores.collect()
    }

    fn merges(&mut self, tokens: usize) -> Result<Vec<(u32, u32)>> {
        let count = self.count(2)?;
        let mut merges = Vec::with_capacity(count);
        let mut made = 0_i64;
        for _ in 0..count {
            let step = self.number()?;
            made += i64::from(step >> 1) ^ -i64::from(step & 1);
            let index = u32::try_from(made).ok().filter(|index| (*index as usize) < tokens);
            merges.push((index.ok_or_else(|| invalid("a merge makes no token"))?, self.number()?));
        }
        Ok(merges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn numbers() {
        for value in [0, 1, 127, 128, 300, 1 << 21, u32::MAX] {
            let mut out = Writer(Vec::new());
            out.number(value);
            let mut from = Reader(&out.0);
            assert_eq!(from.number().unwrap(), value);
            assert!(from.0.is_empty());
        }
        let too_long = Reader(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]).number();
        let too_large = Reader(&[0xFF, 0xFF, 0xFF, 0xFF, 0x7F]).number();
        let too_short = Reader(&[0x80]).number();
        for result in [too_long, too_large, too_short] {
            assert_eq!(result.unwrap_err().code(), Code::TokenizerInvalid);
        }
    }

    #[test]
    fn scores_keep_their_bits() {
        let scores = [0.0, -0.0, -3.929_970_502_853_393_6, 1e-3, -12.345_678_9, 3.4e38, -f64::from(f32::MIN_POSITIVE)];
        assert!(scores.iter().all(|score| is_near_f32(*score)));
        let mut out = Writer(Vec::new());
        out.scores(&scores);
        let read = Reader(&out.0).scores(scores.len()).unwrap();
        let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&scores));
        for far in [1e39, 1e-60, f64::MAX, -1e-310] {
            assert!(!is_near_f32(far), "{far}");
        }
    }

    #[test]
    fn another_version_is_unsupported() {
        let error = Recipe::read(b"felsictk\x02").err().unwrap();
        assert_eq!(error.code(), Code::TokenizerUnsupported);
    }
}
