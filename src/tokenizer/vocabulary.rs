//! Token strings and their ids, in flat arrays.

use super::{invalid, unsupported};
use crate::error::Result;

/// Longest token in bytes; those of the models that felsic knows stay below 130.
pub(super) const LONGEST_TOKEN: usize = 1024;

/// Longest run of occupied slots that an insertion may walk. A sound table has runs of a few dozen;
/// the limit keeps a file made of colliding strings from stalling the reader.
const LONGEST_PROBE: usize = 1024;

/// Token strings (any bytes) in ascending order of their ids, found by an open-addressing table.
///
/// 180,000 tokens take about 7 MB: the strings themselves, 8 bytes a token, and 12 to 24 bytes a
/// token for the table.
pub(super) struct Vocabulary {
    bytes: Vec<u8>,
    /// Where each string ends in `bytes`.
    ends: Vec<u32>,
    ids: Vec<u32>,
    /// 0, or the upper half of the mixed hash and the index + 1 as the lower half.
    slots: Vec<u64>,
}

impl Vocabulary {
    /// Takes the strings end to end; `ends` ascends within `bytes`, and `ids` has as many entries as `ends`.
    ///
    /// # Errors
    /// `TokenizerInvalid` if a string is a duplicate, or if the arrays contradict each other;
    /// `TokenizerUnsupported` if a string is too long.
    pub(super) fn new(bytes: Vec<u8>, ends: Vec<u32>, ids: Vec<u32>) -> Result<Self> {
        let sound = ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == bytes.len();
        if !sound || ends.len() != ids.len() {
            return Err(invalid("the vocabulary's arrays contradict each other"));
        }
        let slots = vec![0; (ends.len() + ends.len() / 2 + 1).next_power_of_two()];
        let mut vocabulary = Self { bytes, ends, ids, slots };
        for index in 0..vocabulary.ends.len() {
            vocabulary.enter(index)?;
        }
        Ok(vocabulary)
    }

    fn enter(&mut self, index: usize) -> Result<()> {
        let token = self.token(index);
        if token.len() > LONGEST_TOKEN {
            return Err(unsupported(format!("model.vocab has a token of more than {LONGEST_TOKEN} bytes")));
        }
        let hash = mix(hash(token));
        let mask = self.slots.len() - 1;
        for step in 0..LONGEST_PROBE {
            let at = (hash as usize).wrapping_add(step) & mask;
            match self.slots[at] {
                0 => {
                    self.slots[at] = hash >> 32 << 32 | (index as u64 + 1);
                    return Ok(());
                }
                slot if slot >> 32 == hash >> 32 && self.token(index_of(slot)) == token => {
                    return Err(invalid("the vocabulary lists a token twice"));
                }
                _ => {}
            }
        }
        Err(invalid("the vocabulary's tokens collide"))
    }

    /// Returns the number of tokens.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the string of the token at `index`, which is below `len`.
    pub(super) fn token(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start as usize..self.ends[index] as usize]
    }

    /// Returns the id of the token at `index`, which is below `len`.
    pub(super) fn id(&self, index: usize) -> u32 {
        self.ids[index]
    }

    /// Returns the index of the token with an id.
    pub(super) fn index_of_id(&self, id: u32) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// Returns the index of a string.
    pub(super) fn find(&self, token: &[u8]) -> Option<usize> {
        self.find_hashed(token, hash(token))
    }

    /// Returns the index of a string whose [`hash`] is known.
    pub(super) fn find_hashed(&self, token: &[u8], hash: u64) -> Option<usize> {
        let hash = mix(hash);
        let mask = self.slots.len() - 1;
        for step in 0..LONGEST_PROBE {
            let slot = self.slots[(hash as usize).wrapping_add(step) & mask];
            if slot == 0 {
                return None;
            }
            if slot >> 32 == hash >> 32 && self.token(index_of(slot)) == token {
                return Some(index_of(slot));
            }
        }
        None
    }
}

fn index_of(slot: u64) -> usize {
    (slot as u32 - 1) as usize
}

/// Returns a polynomial in [`BASE`] with the bytes (+ 1) as coefficients, modulo 2^64. Thus the hash of a part of a
/// string follows from those of two beginnings of it: see [`Hashes`].
fn hash(token: &[u8]) -> u64 {
    token.iter().fold(0, |sum, byte| append(sum, *byte))
}

const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

fn append(hash: u64, byte: u8) -> u64 {
    hash.wrapping_mul(BASE).wrapping_add(u64::from(byte) + 1)
}

/// Spreads every bit over all others.
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    hash ^ hash >> 32
}

/// A string with the hash of every part of it.
#[derive(Default)]
pub(super) struct Hashes {
    bytes: Vec<u8>,
    /// Hash of the first `i` bytes.
    beginnings: Vec<u64>,
    /// `BASE` to the power of `i`.
    powers: Vec<u64>,
}

impl Hashes {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.beginnings.clear();
        self.beginnings.push(0);
        if self.powers.is_empty() {
            self.powers
                .extend(std::iter::successors(Some(1_u64), |p| Some(p.wrapping_mul(BASE))).take(LONGEST_TOKEN + 1));
        }
    }

    /// Adds a string at the end.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let mut hash = self.beginnings.last().copied().unwrap_or(0);
        self.beginnings.extend(bytes.iter().map(|byte| {
            hash = append(hash, *byte);
            hash
        }));
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the index in `vocabulary` of the part from `start` to `end`.
    pub(super) fn find(&self, start: usize, end: usize, vocabulary: &Vocabulary) -> Option<usize> {
        let power = self.powers.get(end - start)?;
        let hash = self.beginnings[end].wrapping_sub(self.beginnings[start].wrapping_mul(*power));
        vocabulary.find_hashed(&self.bytes[start..end], hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn vocabulary(tokens: &[&str]) -> Result<Vocabulary> {
        let ends = tokens.iter().scan(0, |end, token| {
            *end += token.len() as u32;
            Some(*end)
        });
        let ids = (0..tokens.len() as u32).map(|index| index * 10).collect();
        Vocabulary::new(tokens.concat().into_bytes(), ends.collect(), ids)
    }

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let tokens: Vec<String> = (0..5000).map(|i| format!("{i}").repeat(i % 7 + 1)).collect();
        let mut unique: Vec<&str> = tokens.iter().map(String::as_str).collect();
        unique.sort_unstable();
        unique.dedup();
        let vocabulary = vocabulary(&unique).unwrap();
        for (index, token) in unique.iter().enumerate() {
            assert_eq!(vocabulary.find(token.as_bytes()), Some(index));
            assert_eq!(vocabulary.id(index), index as u32 * 10);
            assert_eq!(vocabulary.index_of_id(index as u32 * 10), Some(index));
            assert_eq!(vocabulary.find(format!("{token}x").as_bytes()), None);
        }
    }

    #[test]
    fn finds_parts() {
        let vocabulary = vocabulary(&["b", "bc", "abcd", ""]).unwrap();
        let mut hashes = Hashes::default();
        hashes.clear();
        hashes.push(b"ab");
        hashes.push(b"cdb");
        let found: Vec<_> =
            [(1, 2), (1, 3), (0, 4), (4, 5), (0, 5), (2, 2)].map(|(s, e)| hashes.find(s, e, &vocabulary)).into();
        assert_eq!(found, [Some(0), Some(1), Some(2), Some(0), None, Some(3)]);
    }

    #[test]
    fn refuses_a_token_twice_and_an_endless_one() {
        let code = |tokens: &[&str]| vocabulary(tokens).err().map(|error| error.code());
        assert_eq!(code(&["a", "b", "a"]), Some(Code::TokenizerInvalid));
        assert_eq!(code(&[&"a".repeat(LONGEST_TOKEN + 1)]), Some(Code::TokenizerUnsupported));
        assert!(vocabulary(&[]).unwrap().find(b"a").is_none());
    }
}
