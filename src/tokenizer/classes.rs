//! The Unicode classes that the split patterns and the added tokens ask for.
//!
//! The tables are those of the regular expression engines that the `tokenizers` crate uses
//! (Oniguruma for the patterns, `regex` for `\w` around added tokens), since a character that is a
//! letter here and a symbol there is split differently. A test compares every code point.

use super::class_ranges::RANGES;
use std::sync::OnceLock;

/// What a character is to a split pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// No letter, mark, number or white space, and not part of a word.
    Other = 0,
    /// As `Other`, but `\w`: connectors such as `_`, joiners, circled letters.
    OtherWord = 1,
    /// `\p{Lu}` or `\p{Lt}`.
    Upper = 2,
    /// `\p{Ll}`.
    Lower = 3,
    /// `\p{Lm}` or `\p{Lo}`: a letter without case.
    Caseless = 4,
    /// `\p{M}`.
    Mark = 5,
    /// `\p{N}` that is `\w`: digits and letter numbers.
    Number = 6,
    /// `\p{N}` that is not `\w`: fractions, superscripts.
    OtherNumber = 7,
    /// `\s`.
    Space = 8,
}

impl Class {
    fn from_bits(bits: u32) -> Self {
        match bits & 15 {
            1 => Self::OtherWord,
            2 => Self::Upper,
            3 => Self::Lower,
            4 => Self::Caseless,
            5 => Self::Mark,
            6 => Self::Number,
            7 => Self::OtherNumber,
            8 => Self::Space,
            _ => Self::Other,
        }
    }

    /// Returns whether it is `\p{L}`.
    pub(super) fn is_letter(self) -> bool {
        matches!(self, Self::Upper | Self::Lower | Self::Caseless)
    }

    /// Returns whether it is `\p{N}`.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::OtherNumber)
    }

    /// Returns whether it is `[^\s\p{L}\p{N}]`.
    pub(super) fn is_symbol(self) -> bool {
        matches!(self, Self::Other | Self::OtherWord | Self::Mark)
    }

    /// Returns whether it is `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`.
    pub(super) fn can_be_upper(self) -> bool {
        matches!(self, Self::Upper | Self::Caseless | Self::Mark)
    }

    /// Returns whether it is `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`.
    pub(super) fn can_be_lower(self) -> bool {
        matches!(self, Self::Lower | Self::Caseless | Self::Mark)
    }

    /// Returns whether it is `\w`.
    pub(super) fn is_word(self) -> bool {
        !matches!(self, Self::Other | Self::OtherNumber | Self::Space)
    }
}

/// One class for each code point of the Basic Multilingual Plane (64 KiB); the other planes are searched.
pub(super) struct Classes {
    basic: Box<[Class]>,
}

impl Classes {
    /// Returns the tables, which the first call unpacks.
    pub(super) fn get() -> &'static Self {
        static CLASSES: OnceLock<Classes> = OnceLock::new();
        CLASSES.get_or_init(Self::unpack)
    }

    fn unpack() -> Self {
        let mut basic = vec![Class::Other; 0x1_0000].into_boxed_slice();
        for (i, &entry) in RANGES.iter().enumerate() {
            let end = RANGES.get(i + 1).map_or(u32::MAX, |next| next >> 4).min(0x1_0000) as usize;
            if let Some(range) = basic.get_mut((entry >> 4) as usize..end) {
                range.fill(Class::from_bits(entry));
            }
        }
        Self { basic }
    }

    /// Returns the class of one character.
    pub(super) fn of(&self, c: char) -> Class {
        let code = u32::from(c);
        match self.basic.get(code as usize) {
            Some(class) => *class,
            None => {
                let after = RANGES.partition_point(|entry| entry >> 4 <= code);
                Class::from_bits(RANGES[..after].last().copied().unwrap_or(0))
            }
        }
    }

    /// Returns the class of the first character, and its length in bytes.
    pub(super) fn first(&self, text: &str) -> Option<(Class, usize)> {
        text.chars().next().map(|c| (self.of(c), c.len_utf8()))
    }

    /// Returns the length in bytes of the leading run of characters whose class `wanted` accepts.
    pub(super) fn run(&self, text: &str, wanted: impl Fn(Class) -> bool) -> usize {
        text.char_indices().find(|(_, c)| !wanted(self.of(*c))).map_or(text.len(), |(at, _)| at)
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use tokenizers::tokenizer::pattern::Pattern;
    use tokenizers::utils::SysRegex;

    /// Returns which characters a class of Oniguruma matches, all of them at once.
    fn members(class: &str, all: &str) -> Vec<bool> {
        let mut is_member = vec![false; 0x11_0000];
        let regex = SysRegex::new(&format!("{class}+")).unwrap();
        for ((start, end), matched) in (&regex).find_matches(all).unwrap() {
            all[start..end].chars().for_each(|c| is_member[c as usize] = matched);
        }
        is_member
    }

    /// Returns which characters are `\w` to the added tokens: there, a token that must be a word of its own is not
    /// found.
    fn words(all: &str) -> Vec<bool> {
        let json = r#"{"added_tokens":[{"id":1,"content":"@@","single_word":true,"lstrip":false,"rstrip":false,
            "normalized":false,"special":false}],"model":{"type":"BPE","vocab":{"x":0},"merges":[]}}"#;
        let tokenizer: tokenizers::Tokenizer = json.parse().unwrap();
        let mut is_word = vec![false; 0x11_0000];
        for c in all.chars() {
            let encoding = tokenizer.encode_fast(format!("@@{c}"), false).unwrap();
            is_word[c as usize] = !encoding.get_ids().contains(&1);
        }
        is_word
    }

    fn expected() -> Vec<Class> {
        let all: String = (0..0x11_0000).filter_map(char::from_u32).collect();
        let [upper, lower, caseless, mark, number, space] =
            [r"[\p{Lu}\p{Lt}]", r"\p{Ll}", r"[\p{Lm}\p{Lo}]", r"\p{M}", r"\p{N}", r"\s"].map(|c| members(c, &all));
        let word = words(&all);
        let class = |i: usize| match (upper[i], lower[i], caseless[i], mark[i], number[i], space[i], word[i]) {
            (true, false, false, false, false, false, true) => Class::Upper,
            (false, true, false, false, false, false, true) => Class::Lower,
            (false, false, true, false, false, false, true) => Class::Caseless,
            (false, false, false, true, false, false, true) => Class::Mark,
            (false, false, false, false, true, false, true) => Class::Number,
            (false, false, false, false, true, false, false) => Class::OtherNumber,
            (false, false, false, false, false, true, false) => Class::Space,
            (false, false, false, false, false, false, true) => Class::OtherWord,
            (false, false, false, false, false, false, false) => Class::Other,
            mixed => panic!("U+{i:04X} is in classes that are taken to be disjoint: {mixed:?}"),
        };
        (0..0x11_0000).map(class).collect()
    }

    #[test]
    fn every_code_point_has_the_class_that_the_engines_give_it() {
        let expected = expected();
        for c in (0..0x11_0000).filter_map(char::from_u32) {
            assert_eq!(Classes::get().of(c), expected[c as usize], "U+{:04X}", c as u32);
        }
    }

    /// Rewrites `class_ranges.rs`, for when the `tokenizers` crate moves to a newer Unicode version:
    /// `cargo test write_class_ranges -- --ignored`, then `cargo fmt`.
    #[test]
    #[ignore = "writes a source file"]
    fn write_class_ranges() {
        let mut entries = Vec::new();
        let mut last = Class::Other;
        for (code, class) in expected().into_iter().enumerate() {
            // Surrogates are no characters; they continue whatever stands before them.
            if class != last && char::from_u32(code as u32).is_some() {
                entries.push(format!("{:#X}", (code as u32) << 4 | class as u32));
                last = class;
            }
        }
        let text = format!(
            "//! Where the class of a character changes: `first code point << 4 | class`, in ascending order.\n//!\n\
             //! Written by the test `write_class_ranges` in `classes.rs`; do not edit.\n\n\
             /// Each entry holds until the next; before the first one everything is `Class::Other`.\n\
             pub(super) static RANGES: [u32; {}] = [{}];\n",
            entries.len(),
            entries.join(", ")
        );
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokenizer/class_ranges.rs"), text).unwrap();
    }
}
