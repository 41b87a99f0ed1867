//! One word -> ids.

use super::format::Recipe;
use crate::error::Result;
use crate::tokenizer::bpe::{Merges, Work};
use crate::tokenizer::invalid;
use crate::tokenizer::models::byte_token;
use crate::tokenizer::normalise::Step;
use crate::tokenizer::split::Splitter;
use crate::tokenizer::vocabulary::Vocabulary;

/// The vocabulary and its merges. Tokens are named by their index in the vocabulary.
pub(super) struct Words {
    vocabulary: Vocabulary,
    merges: Merges,
    /// Which tokens stand directly for a word of the same text, a bit each; `None` for all of them.
    direct: Option<Vec<u8>>,
    /// The single bytes, if tokens are bytes.
    bytes: Option<Box<ByteTokens>>,
    /// `<0x00>` to `<0xFF>`, if there is byte fallback.
    fallback: Option<Box<ByteTokens>>,
    /// What stands for a character without a token; if there is none, such a character vanishes.
    unknown: Option<usize>,
    /// Whether neighbours without tokens become one `unknown`.
    fuse_unknown: bool,
    seam: Option<Seam>,
}

type ByteTokens = [Option<usize>; 256];

/// A character before which a word may be cut without changing its ids.
///
/// With a normaliser that replaces the space and without a splitter, a whole text is one word. Merges would still never
/// join the character for the space to the end of what precedes it, except after a few characters. Since what is joined
/// on one side of such a place does not depend on the other side, the word can be cut there: the heaps stay small,
/// common words are looked up, and a long text need not be read to its end to be truncated.
///
/// Where every token stands directly for a word of the same text, whatever the merges, that is the whole text, and no part of it: there is no seam.
struct Seam {
    mark: char,
    /// Last characters of everything that is ever joined to something that starts with `mark`; ascending.
    joined: Vec<char>,
}

impl Words {
    pub(super) fn new(recipe: Recipe) -> Result<Self> {
        let vocabulary = Vocabulary::new(recipe.bytes, recipe.ends, recipe.ids)?;
        let merges = Merges::new(&recipe.merges, &vocabulary)?;
        let seam = match (recipe.splitter, recipe.byte_level, &recipe.direct) {
            (Splitter::Whole, false, Some(_)) => seam(&recipe.normaliser, &vocabulary, &recipe.merges),
            _ => None,
        };
        let unknown = match recipe.unknown.map(|id| vocabulary.index_of_id(id)) {
            Some(None) => return Err(invalid("the unknown token is not in the vocabulary")),
            known => known.flatten(),
        };
        let table = |name: &dyn Fn(u8) -> Vec<u8>| -> Box<ByteTokens> {
            Box::new(std::array::from_fn(|byte| vocabulary.find(&name(byte as u8))))
        };
        Ok(Self {
            bytes: recipe.byte_level.then(|| table(&|byte| vec![byte])),
            fallback: recipe.byte_fallback.then(|| table(&|byte| byte_token(byte).into_bytes())),
            unknown,
            fuse_unknown: recipe.fuse_unknown,
            direct: recipe.direct,
            vocabulary,
            merges,
            seam,
        })
    }

    /// Returns the length of the first part of `word` that can be encoded on its own; 0 only for an empty word.
    pub(super) fn seam(&self, word: &str) -> usize {
        let Some(Seam { mark, joined }) = &self.seam else { return word.len() };
        let is_seam = |at: &usize| {
            let before = word[..*at].chars().next_back();
            // What stands for a character without a token is not known here, so there is no cut behind one.
            before.is_some_and(|before| joined.binary_search(&before).is_err() && self.find_char(before).is_some())
        };
        word.match_indices(*mark).map(|(at, _)| at).find(is_seam).unwrap_or(word.len())
    }

    /// Adds the ids of a word to `ids`.
    pub(super) fn encode(&self, word: &str, work: &mut Work, ids: &mut Vec<u32>) {
        if let Some(token) = self.vocabulary.find(word.as_bytes())
            && self.is_direct(token)
        {
            return ids.push(self.vocabulary.id(token));
        }
        self.merge(word, work);
        ids.extend(work.symbols.iter().map(|symbol| self.vocabulary.id(symbol.token as usize)));
    }

    /// Leaves the tokens of a word in `work.symbols`, by merges alone.
    pub(super) fn merge(&self, word: &str, work: &mut Work) {
        work.clear();
        match &self.bytes {
            Some(table) => self.spell_bytes(word, table, work),
            None => self.spell_chars(word, work),
        }
        self.merges.apply(&self.vocabulary, work);
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    fn is_direct(&self, token: usize) -> bool {
        self.direct.as_ref().is_none_or(|bits| bits.get(token / 8).is_some_and(|byte| byte >> (token % 8) & 1 == 1))
    }

    fn spell_bytes(&self, word: &str, table: &ByteTokens, work: &mut Work) {
        let mut pending = None;
        for byte in word.bytes() {
            self.spell(table[usize::from(byte)], &mut pending, work);
        }
        self.flush(&mut pending, work);
    }

    fn spell_chars(&self, word: &str, work: &mut Work) {
        let mut pending = None;
        for c in word.chars() {
            let token = self.find_char(c);
            if token.is_none()
                && let Some(table) = &self.fallback
            {
                let mut buffer = [0; 4];
                let bytes = c.encode_utf8(&mut buffer).bytes().map(|byte| table[usize::from(byte)]);
                if bytes.clone().all(|token| token.is_some()) {
                    // A pending unknown stays pending, and so comes out after these, as in the `tokenizers` crate.
                    bytes.flatten().for_each(|token| work.push(token, &self.vocabulary));
                    continue;
                }
            }
            self.spell(token, &mut pending, work);
        }
        self.flush(&mut pending, work);
    }

    /// Adds one symbol, or remembers that the unknown token stands in its place.
    fn spell(&self, token: Option<usize>, pending: &mut Option<usize>, work: &mut Work) {
        if token.is_some() || !self.fuse_unknown {
            self.flush(pending, work);
        }
        match token {
            Some(token) => work.push(token, &self.vocabulary),
            None => *pending = self.unknown,
        }
    }

    fn flush(&self, pending: &mut Option<usize>, work: &mut Work) {
        if let Some(token) = pending.take() {
            work.push(token, &self.vocabulary);
        }
    }

    fn find_char(&self, c: char) -> Option<usize> {
        self.vocabulary.find(c.encode_utf8(&mut [0; 4]).as_bytes())
    }
}

/// Returns the seam at the character that the normaliser puts in the place of the space, if it is a token.
fn seam(normaliser: &[Step], vocabulary: &Vocabulary, merges: &[(u32, u32)]) -> Option<Seam> {
    let name = normaliser.iter().find_map(|step| match step {
        Step::Replace { from, to } if from == " " => Some(to.as_bytes()),
        _ => None,
    })?;
    let mark = std::str::from_utf8(name).ok()?.parse().ok()?;
    vocabulary.find(name)?;
    let mut joined = Vec::new();
    for (made, left) in merges {
        let (left, right) = vocabulary.token(*made as usize).split_at_checked(*left as usize)?;
        if right.starts_with(name) {
            // Left parts that are not UTF-8 have no last character to compare with: then there is no seam.
            joined.push(std::str::from_utf8(left).ok()?.chars().next_back()?);
        }
    }
    joined.sort_unstable();
    joined.dedup();
    Some(Seam { mark, joined })
}
