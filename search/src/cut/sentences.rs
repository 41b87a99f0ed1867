//! Where sentences start.

use super::lines::{after_marker, indented, lines};
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;

/// How long a part is that Unicode's rules are applied to, in bytes.
const WINDOW: usize = 4096;

/// How many characters without a letter end a part: the rules look ahead for the next letter at each of them.
const LETTERLESS: usize = 64;

/// Returns where the sentences of `text` start, in order, the first at 0. White space belongs to the sentence before it.
///
/// The rules are Unicode's (UAX 29), but a line's end is a space: people break lines where they are full. A line that
/// starts like an item of a list starts a sentence.
pub(super) fn sentences(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let flat: Cow<str> = if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text.into() };
    let mut at = 0;
    while at < flat.len() {
        let end = window_end(&flat, at);
        let found = flat[at..end].split_sentence_bound_indices().map(|(start, _)| at + start);
        // A part's own start is the start of a sentence only if the one before ended there, which it did not.
        starts.extend(found.skip(1));
        at = end;
    }
    if flat.len() == text.len() && matches!(flat, Cow::Owned(_)) {
        let items = lines(text, 0, text.len()).skip(1);
        let items = items.filter(|line| after_marker(indented(line.of(text)).1).is_some());
        starts.extend(items.map(|line| line.start));
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// Returns where the part from `start` on ends: between two letters, or after a long run without any.
fn window_end(text: &str, start: usize) -> usize {
    let (mut letterless, mut after_letter) = (0, false);
    for (at, c) in text[start..].char_indices() {
        let is_letter = c.is_alphabetic();
        if (letterless == LETTERLESS && !is_letter) || (at >= WINDOW && is_letter && after_letter) {
            return start + at;
        }
        letterless = if is_letter { 0 } else { (letterless + 1).min(LETTERLESS) };
        after_letter = is_letter;
    }
    text.len()
}
