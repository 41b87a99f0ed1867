//! A part of a text that is too long to smaller parts.

use super::lines::{after_marker, behind, indented, is_blank, is_white, lines, trimmed, within};
use super::reading::{Level, Shape};
use super::sentences::sentences;

/// A part of a text, and how good the place before it is for a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
    pub level: Level,
}

/// How many characters a cut moves so as not to fall inside of what a person sees as one.
const LONGEST_GRAPHEME: usize = 32;

/// Divides a part into parts that cover it, at the best places that its shape has. `pieces` says into about how many a
/// sentence is divided; 1 leaves it whole. A part of one character stays whole too.
pub(super) fn split(text: &str, part: Part, pieces: usize) -> Vec<Part> {
    let parts = match part.shape {
        Shape::Prose => of_sentences(text, part),
        Shape::List => of_items(text, part),
        Shape::Lines => of_lines(text, part),
        Shape::Piece => return of_pieces(text, part, pieces),
    };
    if parts.len() > 1 {
        return parts;
    }
    match part.shape {
        Shape::List => split(text, Part { shape: Shape::Prose, ..part }, pieces),
        _ => of_pieces(text, part, pieces),
    }
}

/// Makes parts that start at `starts`, each with the level of that place; the first is the part's own.
fn between(part: Part, starts: impl Iterator<Item = (usize, Level)>, shape: Shape) -> Vec<Part> {
    let mut parts = vec![Part { shape, ..part }];
    for (start, level) in starts.filter(|&(start, _)| start > part.start && start < part.end) {
        if let Some(last) = parts.last_mut() {
            last.end = start;
        }
        parts.push(Part { start, end: part.end, shape, level });
    }
    parts
}

fn of_sentences(text: &str, part: Part) -> Vec<Part> {
    let starts = sentences(within(text, part.start, part.end));
    between(part, starts.into_iter().map(|start| (part.start + start, Level::Sentence)), Shape::Piece)
}

/// Items that are indented like the first one; what is indented deeper belongs to the item above it.
fn of_items(text: &str, part: Part) -> Vec<Part> {
    let is_item = |line: &str| {
        let (indent, rest) = indented(line);
        after_marker(rest).is_some().then_some(indent)
    };
    // The part starts at its first character, wherever that stands on its line.
    let line_start = within(text, 0, part.start).rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let margin = indented(within(text, line_start, part.start)).0;
    let items = lines(text, part.start, part.end);
    let items = items.filter(|line| is_item(line.of(text)).is_some_and(|indent| indent <= margin + 1));
    between(part, items.map(|line| (line.start, Level::Item)), Shape::Prose)
}

fn of_lines(text: &str, part: Part) -> Vec<Part> {
    let mut blank = false;
    let starts = lines(text, part.start, part.end).filter_map(|line| {
        if is_blank(line.of(text)) {
            blank = true;
            return None;
        }
        let level = if std::mem::take(&mut blank) { Level::Item } else { Level::Sentence };
        Some((line.start, level))
    });
    between(part, starts, Shape::Piece)
}

/// Divides a sentence or line into about `pieces` parts of the same length: between words; a single word inside of it.
fn of_pieces(text: &str, part: Part, pieces: usize) -> Vec<Part> {
    if pieces == 1 {
        return vec![Part { shape: Shape::Piece, ..part }];
    }
    // White space at the ends is no place for a cut.
    let (first, end) = trimmed(text, part.start, part.end);
    let target = ((end - first) / pieces.max(2)).max(1);
    let has_words = within(text, first, end).contains(is_white);
    let cut = if has_words { between_words } else { inside_word };
    let mut starts = Vec::new();
    let mut at = first;
    while end - at > target + target / 4 || (starts.is_empty() && at < end) {
        let Some(start) = cut(text, at, at + target, end) else { break };
        starts.push((start, if has_words { Level::Word } else { Level::Character }));
        at = start;
    }
    between(part, starts.into_iter(), Shape::Piece)
}

/// Returns the start of a word or, better, a line near `target`, between `start` and `end`.
fn between_words(text: &str, start: usize, target: usize, end: usize) -> Option<usize> {
    let target = text.floor_char_boundary(target.min(end)).max(start);
    let near = text.floor_char_boundary(start + (target - start) / 2).max(start);
    after_line(text, near, target, end)
        .or_else(|| after_white(text, start, target, end))
        .or_else(|| before_word(text, target, end))
}

/// Returns the best place inside of a word near `target`, between `start` and `end`: behind a comma, between graphemes.
fn inside_word(text: &str, start: usize, target: usize, end: usize) -> Option<usize> {
    let first = start + within(text, start, end).chars().next()?.len_utf8();
    if first >= end {
        return None;
    }
    let target = text.floor_char_boundary(target.clamp(first, end - 1)).max(first);
    let near = text.floor_char_boundary(start + (target - start) / 2).max(first);
    let mark = within(text, near, target).rfind([',', ';', '、', '，', '；', '：', '،', '؛']);
    let behind = mark.and_then(|at| Some(near + at + behind(text, near + at).chars().next()?.len_utf8()));
    Some(behind.unwrap_or_else(|| between_graphemes(text, first, target)))
}

/// Returns the start of the last line that starts between two offsets, behind its white space.
fn after_line(text: &str, near: usize, target: usize, end: usize) -> Option<usize> {
    let at = within(text, near, target).rfind('\n')?;
    past_white(text, near + at, end)
}

/// Returns the start of the last word that starts between two offsets.
fn after_white(text: &str, start: usize, target: usize, end: usize) -> Option<usize> {
    let at = within(text, start, target).rfind(is_white)?;
    past_white(text, start + at, end)
}

/// Returns the start of the next word.
fn before_word(text: &str, target: usize, end: usize) -> Option<usize> {
    let at = within(text, target, end).find(is_white)?;
    past_white(text, target + at, end)
}

/// Returns where white space ends; `None` if only white space follows.
fn past_white(text: &str, start: usize, end: usize) -> Option<usize> {
    let length = within(text, start, end).find(|c| !is_white(c))?;
    Some(start + length)
}

/// Returns a place at or before `target`, not before `first`, that is not inside of what a person sees as one character; if
/// there is none nearby, `target`.
fn between_graphemes(text: &str, first: usize, target: usize) -> usize {
    let mut at = target;
    for _ in 0..LONGEST_GRAPHEME {
        let before = within(text, 0, at).chars().next_back();
        let after = behind(text, at).chars().next();
        let (Some(before), Some(after)) = (before, after) else { break };
        if !joined(before, after) {
            return at;
        }
        at -= before.len_utf8();
        if at < first {
            break;
        }
    }
    target
}

/// Returns whether two neighbouring characters are parts of one grapheme, as far as that takes no table.
fn joined(before: char, after: char) -> bool {
    let regional = '\u{1f1e6}'..='\u{1f1ff}';
    // `escape_debug` escapes what extends a grapheme, and what cannot be seen.
    let extends = |c: char| !c.is_ascii() && c.escape_debug().len() > 1;
    let vowel_or_end = '\u{1160}'..='\u{11ff}';
    extends(after)
        || before == '\u{200d}'
        || ('\u{1f3fb}'..='\u{1f3ff}').contains(&after)
        || (regional.contains(&before) && regional.contains(&after))
        || vowel_or_end.contains(&after)
        || (before == '\r' && after == '\n')
}
