//! Texts to terms: the rule of `pkg/src/search/terms.ts`, which says why.
//!
//! 1. A run is letters, digits and marks; `_` and invisible joiners may stand inside it. It has at least one letter or digit.
//! 2. A run is divided where scripts whose words are not told apart by spaces meet others.
//! 3. Of these scripts each pair of neighbouring characters is a term, or a character that is alone. Of the others a piece is
//!    one term; if `_` or a capital after a small letter divides it, each part is a term too, after the whole.
//! 4. A term is folded, and of a long one the first 64 code points count.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

/// Longest term, in code points.
const LONGEST: usize = 64;

/// A term of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term<'a> {
    /// What the index holds: folded, so that case and accents make no difference.
    pub term: Cow<'a, str>,
    /// Where it starts in the text, in UTF-16 code units.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
}

/// Returns the terms of a text in the order in which they begin.
pub fn terms(text: &str) -> Vec<Term<'_>> {
    let mut found = Found { text, byte: 0, unit: 0, terms: Vec::new() };
    let mut at = 0;
    while let Some(run) = next_run(text, at) {
        at = run.end;
        let own = &text[run.clone()];
        if own.is_ascii() {
            found.word(run);
        } else if own.chars().any(is_letter_or_digit) {
            divide(own, |piece, is_paired| {
                let piece = run.start + piece.start..run.start + piece.end;
                if is_paired { found.pairs(piece) } else { found.word(piece) }
            });
        }
    }
    found.terms
}

/// Returns the first run that begins at byte `from` or later.
fn next_run(text: &str, from: usize) -> Option<Range<usize>> {
    let mut rest = text[from..].char_indices().map(|(at, c)| (from + at, c)).skip_while(|(_, c)| !is_word(*c));
    let (start, first) = rest.next()?;
    let mut end = start + first.len_utf8();
    for (at, c) in rest {
        if is_word(c) {
            end = at + c.len_utf8();
        } else if c != '_' && !is_joiner(c) {
            break;
        }
    }
    Some(start..end)
}

/// Calls `take` with each piece of a run, and whether it is one of paired characters.
fn divide(run: &str, mut take: impl FnMut(Range<usize>, bool)) {
    let (mut start, mut was_paired) = (0, false);
    for (at, c) in run.char_indices() {
        let is_now = is_paired(c) || (was_paired && is_attached(c));
        if is_now != was_paired {
            if at > start {
                take(start..at, was_paired);
            }
            (start, was_paired) = (at, is_now);
        }
    }
    take(start..run.len(), was_paired);
}

/// The terms of a text that have been found so far.
struct Found<'a> {
    text: &'a str,
    /// A place in the text, in bytes and in UTF-16 units.
    byte: usize,
    unit: usize,
    terms: Vec<Term<'a>>,
}

impl Found<'_> {
    /// Adds a piece that is one word, and its parts.
    fn word(&mut self, piece: Range<usize>) {
        self.add(piece.clone());
        let own = &self.text[piece.clone()];
        let mut start = piece.start;
        let mut before = None;
        for (at, c) in own.char_indices().map(|(at, c)| (piece.start + at, c)) {
            let is_hump = before.is_some_and(is_small) && is_capital(c);
            if c == '_' || is_hump {
                if at > start {
                    self.add(start..at);
                }
                start = if c == '_' { at + 1 } else { at };
            }
            before = Some(c);
        }
        if start > piece.start && start < piece.end {
            self.add(start..piece.end);
        }
    }

    /// Adds each pair of neighbouring characters, or the only one.
    fn pairs(&mut self, piece: Range<usize>) {
        let own = &self.text[piece.clone()];
        let starts: Vec<usize> = character_starts(own).into_iter().map(|at| piece.start + at).collect();
        let ends = starts.iter().copied().skip(2).chain([piece.end]);
        match starts.len() {
            1 => self.add(piece),
            _ => starts.iter().zip(ends).for_each(|(start, end)| self.add(*start..end)),
        }
    }

    /// Adds what these bytes of the text are, folded. Starts never go back.
    fn add(&mut self, bytes: Range<usize>) {
        let units = |text: &str| text.chars().map(char::len_utf16).sum::<usize>();
        self.unit += units(&self.text[self.byte..bytes.start]);
        self.byte = bytes.start;
        let own = &self.text[bytes];
        let term = shortened(fold(own));
        if !term.is_empty() {
            self.terms.push(Term { term, start: self.unit, end: self.unit + units(own) });
        }
    }
}

/// Returns where the characters of a piece start: each with what is attached to it; the letters of a Korean syllable are one.
fn character_starts(piece: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    // The place in a Korean syllable: its first consonant is 1, its vowel 2, its last consonant 3.
    let mut place = 0;
    for (at, c) in piece.char_indices() {
        let next = match (place, c) {
            (1, '\u{1160}'..='\u{11a7}') => 2,
            (2, '\u{11a8}'..='\u{11ff}') => 3,
            (_, '\u{1100}'..='\u{115f}') => 1,
            _ => 0,
        };
        if at == 0 || !(next > 1 || is_attached(c)) {
            starts.push(at);
        }
        place = next;
    }
    starts
}

/// Folds a text: compatibility forms, case, and the marks of Latin, Greek, Cyrillic, Hebrew and Arabic make no difference.
fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    let plain: String = text.nfkd().filter(|c| !is_left_out(*c)).nfkc().collect();
    let mut folded = String::with_capacity(plain.len());
    for c in plain.to_lowercase().chars() {
        match written_otherwise(c) {
            Some(written) => folded.push_str(written),
            None => folded.push(c),
        }
    }
    Cow::Owned(folded)
}

/// Returns what is written for a small letter where it cannot be had; one form of sigma stands for both.
fn written_otherwise(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ı' => "i",
        'þ' => "th",
        'ς' => "σ",
        _ => return None,
    })
}

fn shortened(term: Cow<'_, str>) -> Cow<'_, str> {
    match term.char_indices().nth(LONGEST).filter(|_| term.len() > LONGEST) {
        Some((end, _)) => Cow::Owned(term[..end].to_string()),
        None => term,
    }
}

/// Returns whether a character is a letter, a digit or a mark.
fn is_word(c: char) -> bool {
    match c.is_ascii() {
        true => c.is_ascii_alphanumeric(),
        false => is_letter_or_digit(c) || is_mark(c),
    }
}

fn is_letter_or_digit(c: char) -> bool {
    matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

fn is_small(c: char) -> bool {
    c.general_category() == GeneralCategory::LowercaseLetter
}

fn is_capital(c: char) -> bool {
    c.general_category() == GeneralCategory::UppercaseLetter
}

/// Returns whether a character is a soft hyphen, a zero-width non-joiner or joiner, or a word joiner.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}')
}

/// Returns whether a character stays with the one before it: marks, joiners, the half-width voiced marks of katakana.
fn is_attached(c: char) -> bool {
    is_mark(c) || is_joiner(c) || matches!(c, '\u{ff9e}' | '\u{ff9f}')
}

/// Returns whether a character is of a script that is cut into pairs.
fn is_paired(c: char) -> bool {
    // The first of these scripts' characters in the order of code points; most texts have none at all.
    if c < '\u{b7}' {
        return false;
    }
    if matches!(c.script(), Script::Hangul | Script::Thai | Script::Lao | Script::Khmer | Script::Myanmar) {
        return true;
    }
    // What belongs to every script counts as none of these.
    let scripts = c.script_extension();
    !scripts.is_common()
        && !scripts.is_inherited()
        && [Script::Han, Script::Hiragana, Script::Katakana].into_iter().any(|script| scripts.contains_script(script))
}

/// Returns whether a character of a decomposed text makes no difference: accents, points and vowel signs that are left out, the
/// stroke that widens Arabic words, variants, joiners.
fn is_left_out(c: char) -> bool {
    is_joiner(c)
        || matches!(c, '\u{300}'..='\u{36f}'
            | '\u{591}'..='\u{5c7}'
            | '\u{640}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, usize, usize)> {
        terms(text).into_iter().map(|term| (term.term.into_owned(), term.start, term.end)).collect()
    }

    /// The same lines hold `terms.ts` to the same rule.
    #[test]
    fn the_terms_are_those_that_a_page_finds() {
        let lines = include_str!("../../../tests/fixtures/terms.jsonl");
        let mut count = 0;
        for line in lines.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let text = line["text"].as_str().expect("a text");
            let wanted: Vec<(String, usize, usize)> = serde_json::from_value(line["terms"].clone()).expect("terms");
            assert_eq!(found(text), wanted, "{text:?}");
            count += 1;
        }
        assert!(count >= 60, "{count} lines");
    }

    #[test]
    fn a_long_term_is_cut_between_code_points() {
        assert_eq!(terms(&"ab".repeat(100))[0].term.len(), 64);
        assert_eq!(terms(&"é".repeat(100))[0].term, "e".repeat(64));
        assert_eq!(terms(&"ж".repeat(100))[0].term.chars().count(), 64);
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_in_order_and_on_borders_of_characters(text in "\\PC{0,40}") {
            let units: Vec<u16> = text.encode_utf16().collect();
            let mut start = 0;
            for term in terms(&text) {
                assert!(start <= term.start && term.start < term.end && term.end <= units.len());
                assert!(String::from_utf16(&units[term.start..term.end]).is_ok());
                start = term.start;
            }
        }
    }
}
