//! SentencePiece's precompiled map of characters: what a normaliser of type `Precompiled` does to a text.
//!
//! The bytes are those that SentencePiece writes into its models: the length of a trie in bytes, 32 bits, little-endian; the
//! trie, a double array of 32-bit units as Darts-clone has it; and the replacements, UTF-8, each up to a NUL. How the map is
//! applied is that of the `tokenizers` crate: a cluster of characters that a reader takes for one is replaced as a whole
//! if it is shorter than six bytes and starts with a key, and any other character by character.

use super::unsupported;
use crate::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;

/// From this length in bytes on, a cluster is looked up character by character.
const LONG_CLUSTER: usize = 6;

/// A map from characters, or short clusters of them, to strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CharacterMap {
    trie: Vec<u32>,
    /// All replacements; a value of the trie is where one starts.
    replacements: String,
    /// Length in bytes of the longest replacement.
    longest: usize,
}

impl CharacterMap {
    /// Reads a `Precompiled`, which has the bytes in base64.
    ///
    /// # Errors
    /// As [`CharacterMap::read`].
    pub(super) fn of(part: &Value) -> Result<Self> {
        let bytes = STANDARD.decode(part["precompiled_charsmap"].as_str().unwrap_or_default());
        Self::read(&bytes.map_err(|error| malformed().because(error))?)
    }

    /// Reads SentencePiece's bytes.
    ///
    /// # Errors
    /// `TokenizerUnsupported` for bytes that do not follow the layout.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let (length, rest) = bytes.split_first_chunk().ok_or_else(malformed)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (trie, replacements) = rest.split_at_checked(length).ok_or_else(malformed)?;
        let (units, odd) = trie.as_chunks();
        if units.is_empty() || !odd.is_empty() {
            return Err(malformed());
        }
        let replacements = std::str::from_utf8(replacements).map_err(|error| malformed().because(error))?;
        Ok(Self {
            trie: units.iter().map(|unit| u32::from_le_bytes(*unit)).collect(),
            longest: replacements.split('\0').map(str::len).max().unwrap_or(0),
            replacements: replacements.to_owned(),
        })
    }

    /// Returns the bytes that [`CharacterMap::read`] reads.
    pub(super) fn write(&self) -> Vec<u8> {
        let length = (4 * self.trie.len()) as u32;
        let units = [length].into_iter().chain(self.trie.iter().copied()).flat_map(u32::to_le_bytes);
        units.chain(self.replacements.bytes()).collect()
    }

    /// Returns the largest growth of a text: the longest replacement for a byte.
    pub(super) fn growth(&self) -> usize {
        self.longest.max(1)
    }

    /// Passes the parts of the normalised text to `each`, in order.
    pub(super) fn each<'t>(&'t self, text: &'t str, each: &mut dyn FnMut(&'t str)) {
        for cluster in text.graphemes(true) {
            let whole = if cluster.len() < LONG_CLUSTER { self.find(cluster) } else { None };
            match whole {
                Some(replacement) => each(replacement),
                None => {
                    let starts = cluster.char_indices().map(|(at, c)| &cluster[at..at + c.len_utf8()]);
                    starts.for_each(|c| each(self.find(c).unwrap_or(c)));
                }
            }
        }
    }

    /// Returns the replacement of the shortest key that a text starts with.
    fn find(&self, text: &str) -> Option<&str> {
        let mut at = offset(*self.trie.first()?);
        for byte in text.bytes().take_while(|byte| *byte != 0) {
            at ^= usize::from(byte);
            let unit = *self.trie.get(at)?;
            if unit & (1 << 31 | 0xFF) != u32::from(byte) {
                return None;
            }
            at ^= offset(unit);
            if unit >> 8 & 1 == 1 {
                let value = self.trie.get(at)? & !(1 << 31);
                return self.replacements.get(value as usize..)?.split('\0').next();
            }
        }
        None
    }
}

fn malformed() -> Error {
    unsupported("normalizer.precompiled_charsmap is no map of characters as SentencePiece has it")
}

/// Returns where the children of a unit are, as what a place is combined with by exclusive or.
fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 1 << 9) >> 6)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    /// Returns the bytes of a map from `a` to `bc`.
    fn small() -> Vec<u8> {
        // The root's children are at 256 ^ label; that of `a` has a leaf, whose value is at its own place ^ 512.
        let mut trie = vec![0_u32; 1024];
        trie[0] = 256 << 10;
        trie[256 ^ 0x61] = 512 << 10 | 1 << 8 | 0x61;
        trie[256 ^ 0x61 ^ 512] = 1 << 31 | 2;
        let units = [4096].into_iter().chain(trie).flat_map(u32::to_le_bytes);
        units.chain(*b"x\0bc\0").collect()
    }

    fn mapped(map: &CharacterMap, text: &str) -> String {
        let mut out = String::new();
        map.each(text, &mut |part| out.push_str(part));
        out
    }

    #[test]
    fn characters_and_short_clusters_are_replaced() {
        let map = CharacterMap::read(&small()).unwrap();
        assert_eq!(mapped(&map, "a\r\nxa"), "bc\r\nxbc");
        // The whole cluster, accent included, since it starts with a key and is short.
        assert_eq!(mapped(&map, "a\u{301}."), "bc.");
        assert_eq!(mapped(&map, "a\u{301}\u{302}\u{303}"), "bc\u{301}\u{302}\u{303}");
        assert_eq!((map.growth(), map.write()), (2, small()));
    }

    #[test]
    fn bytes_of_another_layout_are_refused_and_damage_is_harmless() {
        let whole = small();
        for bytes in [&whole[..3], &whole[..4000], b"\0\0\0\0abc", b"\x03\0\0\0abcd", b"\x04\0\0\0abcd\xFF"] {
            assert_eq!(CharacterMap::read(bytes).unwrap_err().code(), Code::TokenizerUnsupported);
        }
        for bit in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(map) = CharacterMap::read(&damaged) {
                assert!(mapped(&map, "a\u{301}ab\0a").len() <= 9 * map.growth());
            }
        }
    }
}
