//! What is done to a text before it is split.

use std::borrow::Cow;
use unicode_normalization_alignments::UnicodeNormalization;

/// One step of a normaliser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Unicode normalisation form C, with the tables of the `tokenizers` crate: Unicode 9. Newer
    /// tables would compose, and thus tokenise, some newer characters differently.
    Nfc,
    /// Every occurrence of a string, which is not empty, becomes another.
    Replace {
        /// What is looked for.
        from: String,
        /// What it becomes.
        to: String,
    },
}

/// Applies the steps in order.
pub(super) fn normalise<'t>(steps: &[Step], text: &'t str) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(text);
    for step in steps {
        match step {
            // No character below U+0300 composes with one of its kind.
            Step::Nfc if text.chars().all(|c| c < '\u{300}') => {}
            Step::Nfc => text = Cow::Owned(text.nfc().map(|(c, _)| c).collect()),
            Step::Replace { from, to } if text.contains(from.as_str()) => text = Cow::Owned(text.replace(from, to)),
            Step::Replace { .. } => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let replace = Step::Replace { from: " ".into(), to: "\u{2581}".into() };
        assert_eq!(normalise(&[replace, Step::Nfc], "a e\u{301}  "), "a\u{2581}\u{e9}\u{2581}\u{2581}");
        assert!(matches!(normalise(&[Step::Nfc], "\u{e9}"), Cow::Borrowed(_)));
    }

    #[test]
    fn characters_newer_than_unicode_9_stay() {
        // U+110A5 U+110BA composes since Unicode 5.2, U+11382 U+113C9 only since Unicode 16.
        assert_eq!(normalise(&[Step::Nfc], "\u{110A5}\u{110BA}"), "\u{110AB}");
        assert_eq!(normalise(&[Step::Nfc], "\u{11382}\u{113C9}"), "\u{11382}\u{113C9}");
    }
}
