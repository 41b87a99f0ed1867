//! What is done to a text before it is split.

use super::bert::Bert;
use super::character_map::CharacterMap;
use super::unsupported;
use crate::error::{Code, Error, Result};
use std::borrow::Cow;
use unicode_normalization_alignments::UnicodeNormalization;

/// One step of a normaliser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Unicode normalisation form C, with the tables of the `tokenizers` crate: Unicode 9. Newer
    /// tables would compose, and thus tokenise, some newer characters differently.
    Nfc,
    /// Replaces every occurrence of a string, which is not empty, by another.
    Replace {
        /// The string that is looked for.
        from: String,
        /// The string that takes its place.
        to: String,
    },
    /// What BERT's tokenizers do.
    Bert(Bert),
    /// What SentencePiece's map of characters does.
    Map(CharacterMap),
    /// Replaces each run of two spaces or more: what a `Replace` of [`SPACES_PATTERN`] does.
    Spaces {
        /// The string that takes their place.
        to: String,
    },
    /// Removes white space from the ends.
    Strip {
        /// Whether it goes from the start.
        left: bool,
        /// Whether it goes from the end.
        right: bool,
    },
}

/// The only regular expression of a `Replace` that is run.
pub(super) const SPACES_PATTERN: &str = " {2,}";

/// Most steps of a normaliser; those of the models that felsic knows have one or two.
pub(super) const MOST_STEPS: usize = 16;

/// Largest growth of a text, which is the length of its normalised form as a multiple of its own, judged from the steps
/// alone. One step that doubles is harmless; thirty of them make a thousand million. NFKC and the replacements of
/// SentencePiece vocabularies come to 66 at most; in any case a text may not become longer than 32 MiB.
pub(super) const MOST_GROWTH: usize = 128;

impl Step {
    /// Returns the largest growth of a text by this step, in bytes.
    fn growth(&self) -> usize {
        match self {
            Self::Nfc => NFC_GROWTH,
            Self::Replace { from, to } => replacement_growth(from, to),
            Self::Bert(bert) => bert.growth(),
            Self::Map(map) => map.growth(),
            Self::Spaces { to } => replacement_growth("  ", to),
            Self::Strip { .. } => 1,
        }
    }
}

/// Largest growth by NFC: U+1D15F and its like turn four bytes into eight or twelve. UAX 15 bounds the growth of NFC in
/// UTF-8 by 3.
pub(super) const NFC_GROWTH: usize = 3;

/// Returns the largest growth of a text when every `from`, which is not empty, becomes `to`.
pub(super) fn replacement_growth(from: &str, to: &str) -> usize {
    to.len().div_ceil(from.len().max(1)).max(1)
}

/// Returns the largest growth of a text by all steps.
///
/// # Errors
/// `TokenizerUnsupported` for too many steps, or if they may make a text too long.
pub(super) fn check(steps: &[Step]) -> Result<usize> {
    check_growth("normalizer", steps.iter().map(Step::growth))
}

/// Returns the product of the growths of all steps of the section `name`.
///
/// # Errors
/// As [`check`].
pub(super) fn check_growth(name: &str, steps: impl ExactSizeIterator<Item = usize>) -> Result<usize> {
    if steps.len() > MOST_STEPS {
        return Err(unsupported(format!("{name} has {} steps, more than {MOST_STEPS}", steps.len())));
    }
    match steps.fold(1, usize::saturating_mul) {
        growth if growth > MOST_GROWTH => {
            Err(unsupported(format!("{name} may make a text more than {MOST_GROWTH} times as long")))
        }
        growth => Ok(growth),
    }
}

/// Applies the steps in order.
///
/// # Errors
/// `InputInvalid` if a step would make the text longer than `limit` bytes; that step is not taken.
pub(super) fn normalise<'t>(steps: &[Step], text: &'t str, limit: usize) -> Result<Cow<'t, str>> {
    let mut text = Cow::Borrowed(text);
    for step in steps {
        // Measured only where the length alone does not decide.
        if text.len().saturating_mul(step.growth()) > limit && length_after(step, &text) > limit {
            return Err(Error::new(
                Code::InputInvalid,
                format!("the text has more than {limit} bytes once it is normalised; cut it into pieces"),
            ));
        }
        match step {
            // No character below U+0300 composes with one of its kind.
            Step::Nfc if text.chars().all(|c| c < '\u{300}') => {}
            Step::Nfc => text = Cow::Owned(text.nfc().map(|(c, _)| c).collect()),
            Step::Replace { from, to } if text.contains(from.as_str()) => text = Cow::Owned(text.replace(from, to)),
            Step::Replace { .. } => {}
            Step::Bert(bert) => {
                let mut made = String::with_capacity(text.len());
                bert.each(&text, &mut |c| made.push(c));
                text = Cow::Owned(made);
            }
            Step::Map(map) => {
                let mut made = String::with_capacity(text.len());
                map.each(&text, &mut |part| made.push_str(part));
                text = Cow::Owned(made);
            }
            Step::Spaces { .. } if !text.contains("  ") => {}
            Step::Spaces { to } => {
                let mut made = String::with_capacity(text.len());
                each_but_spaces(&text, to, &mut |part| made.push_str(part));
                text = Cow::Owned(made);
            }
            Step::Strip { left, right } => {
                let stripped = if *left { text.trim_start() } else { &*text };
                let stripped = if *right { stripped.trim_end() } else { stripped };
                if stripped.len() < text.len() {
                    text = Cow::Owned(stripped.to_owned());
                }
            }
        }
    }
    Ok(text)
}

/// Returns the length in bytes of what a step makes from a text.
fn length_after(step: &Step, text: &str) -> usize {
    match step {
        Step::Nfc => text.nfc().map(|(c, _)| c.len_utf8()).sum(),
        Step::Replace { from, to } => {
            let found = text.matches(from.as_str()).count();
            (text.len() - found * from.len()).saturating_add(found.saturating_mul(to.len()))
        }
        Step::Bert(bert) => {
            let mut length = 0;
            bert.each(text, &mut |c| length += c.len_utf8());
            length
        }
        Step::Map(map) => {
            let mut length = 0;
            map.each(text, &mut |part| length += part.len());
            length
        }
        Step::Spaces { to } => {
            let mut length: usize = 0;
            each_but_spaces(text, to, &mut |part| length = length.saturating_add(part.len()));
            length
        }
        Step::Strip { .. } => text.len(),
    }
}

/// Passes the parts of a text to `each`, and `to` in the place of each run of two spaces or more.
fn each_but_spaces<'t>(mut text: &'t str, to: &'t str, each: &mut dyn FnMut(&'t str)) {
    while let Some(at) = text.find("  ") {
        each(&text[..at]);
        each(to);
        text = text[at..].trim_start_matches(' ');
    }
    each(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(from: &str, to: &str) -> Step {
        Step::Replace { from: from.into(), to: to.into() }
    }

    fn normal(steps: &[Step], text: &str) -> String {
        normalise(steps, text, 1000).unwrap().into_owned()
    }

    #[test]
    fn steps() {
        assert_eq!(normal(&[replace(" ", "\u{2581}"), Step::Nfc], "a e\u{301}  "), "a\u{2581}\u{e9}\u{2581}\u{2581}");
        assert!(matches!(normalise(&[Step::Nfc], "\u{e9}", 2), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn spaces_are_joined_and_ends_stripped() {
        let spaces = |to: &str| Step::Spaces { to: to.into() };
        assert_eq!(normal(&[spaces("_")], "  a b   c  "), "_a b_c_");
        assert_eq!(normalise(&[spaces("xyz")], "a  b  ", 8).unwrap(), "axyzbxyz");
        assert_eq!(normalise(&[spaces("xyz")], "a  b  ", 7).unwrap_err().code(), Code::InputInvalid);
        let strip = |left, right| Step::Strip { left, right };
        assert_eq!(normal(&[strip(true, true)], "\u{3000}a b\n"), "a b");
        assert_eq!(normal(&[strip(false, true)], " a "), " a");
        assert_eq!(normal(&[strip(true, false)], " a "), "a ");
    }

    #[test]
    fn characters_newer_than_unicode_9_stay() {
        // U+110A5 U+110BA composes since Unicode 5.2, U+11382 U+113C9 only since Unicode 16.
        assert_eq!(normal(&[Step::Nfc], "\u{110A5}\u{110BA}"), "\u{110AB}");
        assert_eq!(normal(&[Step::Nfc], "\u{11382}\u{113C9}"), "\u{11382}\u{113C9}");
    }

    #[test]
    fn a_text_may_grow_to_the_limit_and_no_further() {
        let code = |steps: &[Step], text: &str, limit| {
            normalise(steps, text, limit).map(Cow::into_owned).map_err(|error| error.code())
        };
        let steps = [replace("a", "aaa"), replace("aa", "b")];
        assert_eq!(code(&steps, "abba", 8), Ok("babbba".into()));
        assert_eq!(code(&steps, "abba", 7), Err(Code::InputInvalid));
        let notes = "\u{1D160}".repeat(10);
        assert_eq!(code(&[Step::Nfc], &notes, 120).map(|text| text.len()), Ok(120));
        assert_eq!(code(&[Step::Nfc], &notes, 119), Err(Code::InputInvalid));
    }

    #[test]
    fn no_character_grows_more_than_it_is_said_to() {
        let most = (0..0x11_0000).filter_map(char::from_u32).map(|c| {
            let text = c.to_string();
            length_after(&Step::Nfc, &text).div_ceil(text.len())
        });
        assert_eq!(most.max(), Some(NFC_GROWTH));
    }

    #[test]
    fn steps_that_multiply_are_refused() {
        let code = |steps: &[Step]| check(steps).map_err(|error| error.code());
        assert_eq!(code(&[Step::Nfc, replace(" ", "\u{2581}"), replace("ab", "c")]), Ok(9));
        assert_eq!(code(&vec![replace("a", "aa"); 7]), Ok(128));
        assert_eq!(code(&vec![replace("a", "aa"); 8]), Err(Code::TokenizerUnsupported));
        assert_eq!(code(&vec![replace("a", &"a".repeat(1 << 20)); 2]), Err(Code::TokenizerUnsupported));
        assert_eq!(code(&vec![replace("a", "b"); 16]), Ok(1));
        assert_eq!(code(&vec![replace("a", "b"); 17]), Err(Code::TokenizerUnsupported));
    }
}
