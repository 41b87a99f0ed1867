//! What BERT's tokenizers do to a text: its normaliser, and its split into words.
//!
//! The tables are those of the `tokenizers` crate, which takes them from a crate of its own with an older version of
//! Unicode; tests compare every code point.

use super::bert_ranges::RANGES;
use super::bert_small_letters::RUNS;
use super::invalid;
use super::normalise::NFC_GROWTH;
use crate::error::Result;
use serde_json::Value;
use unicode_normalization_alignments::UnicodeNormalization;

/// BERT's normaliser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bert {
    /// Whether control characters go, and white space becomes spaces.
    pub(super) clean_text: bool,
    /// Whether Chinese characters get a space on each side.
    pub(super) handle_chinese_chars: bool,
    /// Whether characters are taken apart and lose their accents.
    pub(super) strip_accents: bool,
    /// Whether capitals become small letters.
    pub(super) lowercase: bool,
}

/// What a character is to BERT's tokenizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Other = 0,
    /// A control character.
    Control = 1,
    /// `\p{Mn}`, an accent.
    Accent = 2,
    Punctuation = 3,
}

impl Kind {
    fn of(c: char) -> Self {
        let code = u32::from(c);
        let after = RANGES.partition_point(|entry| entry >> 2 <= code);
        match RANGES[..after].last().copied().unwrap_or(0) & 3 {
            1 => Self::Control,
            2 => Self::Accent,
            3 => Self::Punctuation,
            _ => Self::Other,
        }
    }
}

impl Bert {
    /// Reads a `BertNormalizer`. Where nothing is said of accents, they follow the capitals.
    ///
    /// # Errors
    /// `TokenizerInvalid`, with the field's name, for a flag that is missing or is neither true nor false.
    pub(super) fn read(part: &Value) -> Result<Self> {
        let flag = |name: &str| {
            let expected = || invalid(format!("normalizer.{name} is not true or false"));
            part[name].as_bool().ok_or_else(expected)
        };
        let lowercase = flag("lowercase")?;
        Ok(Self {
            clean_text: flag("clean_text")?,
            handle_chinese_chars: flag("handle_chinese_chars")?,
            strip_accents: if part["strip_accents"].is_null() { lowercase } else { flag("strip_accents")? },
            lowercase,
        })
    }

    /// Returns the flags of the compact form, in their order there.
    pub(super) fn flags(self) -> [bool; 4] {
        [self.clean_text, self.handle_chinese_chars, self.strip_accents, self.lowercase]
    }

    /// Returns what [`Bert::flags`] were made from.
    pub(super) fn of_flags([clean_text, handle_chinese_chars, strip_accents, lowercase]: [bool; 4]) -> Self {
        Self { clean_text, handle_chinese_chars, strip_accents, lowercase }
    }

    /// Returns the largest growth of a text: two spaces for a character of three bytes, its parts, and a small letter that
    /// is longer than its capital.
    pub(super) fn growth(self) -> usize {
        let factor = |set: bool, growth: usize| if set { growth } else { 1 };
        factor(self.handle_chinese_chars, 2) * factor(self.strip_accents, NFC_GROWTH) * factor(self.lowercase, 2)
    }

    /// Passes the characters of the normalised text to `each`, in order.
    pub(super) fn each(self, text: &str, each: &mut dyn FnMut(char)) {
        let cleaned = text.chars().filter(|c| !self.clean_text || !is_removed(*c)).flat_map(|c| self.spaced(c));
        let mut last = |c: char| match self.lowercase {
            // The only capital whose small letter is two characters.
            true if c == '\u{130}' => ['i', '\u{307}'].into_iter().for_each(&mut *each),
            true => each(small_letter(c)),
            false => each(c),
        };
        match self.strip_accents {
            true => cleaned.nfd().map(|(c, _)| c).filter(|c| !is_accent(*c)).for_each(last),
            false => cleaned.for_each(&mut last),
        }
    }

    /// Returns a character with the spaces that it gets, or the space that takes its place.
    fn spaced(self, c: char) -> impl Iterator<Item = char> {
        let c = if self.clean_text && c.is_whitespace() { ' ' } else { c };
        let space = (self.handle_chinese_chars && is_chinese(c)).then_some(' ');
        [space, Some(c), space].into_iter().flatten()
    }
}

/// Returns the small letter of a capital, and any other character as it is. The standard library's table would take 4 kB of a
/// binary, gzipped.
fn small_letter(c: char) -> char {
    let code = u32::from(c);
    let after = RUNS.partition_point(|(first, ..)| *first <= code);
    match RUNS[..after].last() {
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        Some((first, count, stride, delta)) => {
            let (stride, distance) = (u32::from(*stride), code - first);
            let is_in = distance.is_multiple_of(stride) && distance / stride < u32::from(*count);
            let small = code.checked_add_signed(*delta).and_then(char::from_u32);
            small.filter(|_| is_in).unwrap_or(c)
        }
        None => c,
    }
}

/// Returns whether cleaning removes a character.
fn is_removed(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{FFFD}' => true,
        ' '..='~' => false,
        c => Kind::of(c) == Kind::Control,
    }
}

fn is_accent(c: char) -> bool {
    c >= '\u{300}' && Kind::of(c) == Kind::Accent
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || (!c.is_ascii() && Kind::of(c) == Kind::Punctuation)
}

/// Returns whether a character is in one of BERT's blocks of Chinese ones.
fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x2_0000..=0x2_A6DF
            | 0x2_A700..=0x2_B73F
            | 0x2_B740..=0x2_B81F
            | 0x2_B920..=0x2_CEAF
            | 0xF900..=0xFAFF
            | 0x2_F800..=0x2_FA1F
    )
}

/// Returns the length in bytes of the first word: a run of white space, a punctuation mark, or a run of what is
/// neither; 0 only for an empty text.
pub(super) fn first_word(text: &str) -> usize {
    let run = |is_of: fn(char) -> bool| text.find(|c| !is_of(c)).unwrap_or(text.len());
    match text.chars().next() {
        Some(c) if c.is_whitespace() => run(char::is_whitespace),
        Some(c) if is_punctuation(c) => c.len_utf8(),
        Some(_) => run(|c| !c.is_whitespace() && !is_punctuation(c)),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(flags: [bool; 4], text: &str) -> String {
        let mut out = String::new();
        Bert::of_flags(flags).each(text, &mut |c| out.push(c));
        out
    }

    #[test]
    fn each_flag_does_its_part() {
        let text = "A\u{0}\tÉ\u{200b}中\u{fffd}İ";
        assert_eq!(normal([false; 4], text), text);
        assert_eq!(normal([true, false, false, false], text), "A É中İ");
        assert_eq!(normal([false, true, false, false], "a中b"), "a 中 b");
        assert_eq!(normal([false, false, true, false], "Éİx\u{301}"), "EIx");
        assert_eq!(normal([false, false, false, true], "ÉİΣ"), "éi\u{307}σ");
        assert_eq!(normal([true; 4], text), "a e 中 i");
        // What cleaning removes does not part a letter from its accent.
        assert_eq!(normal([true; 4], "e\u{0}\u{301}"), "e");
    }

    #[test]
    fn words() {
        let mut rest = "Hey,  you_2\u{2019}ve\u{3000}¿x";
        let mut words = Vec::new();
        while !rest.is_empty() {
            let (word, after) = rest.split_at(first_word(rest));
            words.push(word);
            rest = after;
        }
        assert_eq!(words, ["Hey", ",", "  ", "you", "_", "2", "\u{2019}", "ve", "\u{3000}", "¿", "x"]);
    }

    #[test]
    fn capitals_become_the_small_letters_of_the_standard_library() {
        for c in (0..0x11_0000).filter_map(char::from_u32) {
            let small = normal([false, false, false, true], c.encode_utf8(&mut [0; 4]));
            assert!(small.chars().eq(c.to_lowercase()), "U+{:04X}: {small:?}", c as u32);
        }
    }

    /// Rewrites `bert_small_letters.rs`, for when the standard library moves to a newer Unicode version:
    /// `cargo test write_bert_small_letters -- --ignored`, then `cargo fmt`.
    #[test]
    #[ignore = "writes a source file"]
    fn write_bert_small_letters() {
        let mut runs: Vec<(u32, u32, u32, i32)> = Vec::new();
        for c in '\u{80}'..=char::MAX {
            let small: Vec<char> = c.to_lowercase().collect();
            let ([small], code) = (small.as_slice(), c as u32) else { continue };
            let delta = *small as i32 - code as i32;
            match runs.last_mut() {
                _ if delta == 0 => {}
                Some((first, count @ 1, stride, same)) if *same == delta && matches!(code - *first, 1 | 2) => {
                    (*stride, *count) = (code - *first, 2);
                }
                Some((first, count @ 2.., stride, same)) if *same == delta && code == *first + *count * *stride => {
                    *count += 1
                }
                _ => runs.push((code, 1, 1, delta)),
            }
        }
        let runs: Vec<String> = runs.iter().map(|(f, n, s, d)| format!("({f:#X}, {n}, {s}, {d})")).collect();
        let text = format!(
            "//! Which capitals have which small letter: first code point, count, distance between them, distance to the small one.\n\
             //!\n//! Written by the test `write_bert_small_letters` in `bert.rs`; do not edit.\n\n\
             /// In ascending order; none overlap. Capitals of ASCII are not among them, nor the one whose small letter is two characters.\n\
             pub(super) static RUNS: [(u32, u16, u8, i32); {}] = [{}];\n",
            runs.len(),
            runs.join(", ")
        );
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokenizer/bert_small_letters.rs"), text).unwrap();
    }

    #[test]
    fn no_character_grows_more_than_it_is_said_to() {
        for flags in (0..16).map(|bits: u32| std::array::from_fn(|at| bits >> at & 1 == 1)) {
            let bert = Bert::of_flags(flags);
            for c in (0..0x11_0000).filter_map(char::from_u32) {
                let mut length = 0;
                bert.each(c.encode_utf8(&mut [0; 4]), &mut |c| length += c.len_utf8());
                assert!(length <= bert.growth() * c.len_utf8(), "U+{:04X} with {flags:?}", c as u32);
            }
        }
    }
}

#[cfg(all(test, feature = "native"))]
mod oracle {
    use super::*;
    use tokenizers::normalizers::BertNormalizer;
    use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
    use tokenizers::{NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    fn normal(normaliser: BertNormalizer, text: &str) -> String {
        let mut text = NormalizedString::from(text);
        normaliser.normalize(&mut text).unwrap();
        text.get().to_owned()
    }

    fn is_split_off(c: char) -> bool {
        let mut text = PreTokenizedString::from(format!("a{c}b").as_str());
        BertPreTokenizer.pre_tokenize(&mut text).unwrap();
        text.get_splits(OffsetReferential::Normalized, OffsetType::Byte).len() == 3
    }

    /// Returns what the crate takes a character for.
    fn expected(c: char) -> Kind {
        let text = c.to_string();
        let is_whole = text.nfd().map(|(c, _)| c).eq([c]);
        let is_control = normal(BertNormalizer::new(true, false, Some(false), false), &text).is_empty();
        let is_accent = is_whole && normal(BertNormalizer::new(false, false, Some(true), false), &text).is_empty();
        match (is_control, is_accent, is_split_off(c)) {
            (true, false, false) => Kind::Control,
            (false, true, false) => Kind::Accent,
            (false, false, true) => Kind::Punctuation,
            (false, false, false) => Kind::Other,
            mixed => panic!("U+{:04X} is of kinds that are taken to be disjoint: {mixed:?}", c as u32),
        }
    }

    #[test]
    fn every_code_point_is_what_the_crate_takes_it_for() {
        for c in (0..0x11_0000).filter_map(char::from_u32) {
            let found =
                [(is_removed(c), Kind::Control), (is_accent(c), Kind::Accent), (is_punctuation(c), Kind::Punctuation)];
            let found = found.into_iter().find(|(is, _)| *is).map_or(Kind::Other, |(_, kind)| kind);
            assert_eq!(found, expected(c), "U+{:04X}", c as u32);
        }
    }

    /// Rewrites `bert_ranges.rs`, for when the `tokenizers` crate moves to other tables:
    /// `cargo test write_bert_ranges -- --ignored`, then `cargo fmt`.
    #[test]
    #[ignore = "writes a source file"]
    fn write_bert_ranges() {
        let mut entries = Vec::new();
        let mut last = Kind::Other;
        for c in (0..0x11_0000).filter_map(char::from_u32) {
            let kind = expected(c);
            if kind != last {
                entries.push(format!("{:#X}", (c as u32) << 2 | kind as u32));
                last = kind;
            }
        }
        let text = format!(
            "//! Where the kind of a character changes: `first code point << 2 | kind`, in ascending order.\n//!\n\
             //! Written by the test `write_bert_ranges` in `bert.rs`; do not edit.\n\n\
             /// Each entry holds until the next; before the first one everything is `Kind::Other`.\n\
             pub(super) static RANGES: [u32; {}] = [{}];\n",
            entries.len(),
            entries.join(", ")
        );
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tokenizer/bert_ranges.rs"), text).unwrap();
    }
}
