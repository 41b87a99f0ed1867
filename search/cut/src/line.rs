//! A passage's first line: the title and the headings above it.

use super::lines::{joined, within};
use super::outline::LONGEST_HEADING;

/// What stands between the parts of a first line.
const SEPARATOR: &str = " › ";

/// The first line of the passages of one section or several, and how it is made shorter.
#[derive(Debug)]
pub(super) struct FirstLine {
    /// What may become the line, from the longest to the shortest.
    candidates: Vec<String>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The tokens of the longest candidate are not known.
    Whole,
    /// It is too long: the others are to be counted.
    Shorter,
    /// The candidate at this position it is, with so many tokens.
    Known(usize, u64),
}

impl FirstLine {
    /// Creates the line of a title and headings.
    pub fn new(title: Option<&str>, trail: &[String]) -> Self {
        let title = title.map(|title| start_of(title.trim(), LONGEST_HEADING)).filter(|title| !title.is_empty());
        let parts: Vec<String> = title.into_iter().chain(trail.iter().cloned()).map(|part| one_line(&part)).collect();
        let line = joined(parts.iter().map(String::as_str), SEPARATOR);
        let state = if line.is_empty() { State::Known(0, 0) } else { State::Whole };
        Self { candidates: shortened(&parts, line), state }
    }

    /// Returns the texts whose tokens are to be counted.
    pub fn asked(&self) -> &[String] {
        match self.state {
            State::Whole => &self.candidates[..1],
            State::Shorter => &self.candidates[1..],
            State::Known(..) => &[],
        }
    }

    /// Takes the tokens of what was asked; the line has at most `most`.
    pub fn counted(&mut self, tokens: &[u32], most: u64) {
        let first = match self.state {
            State::Whole => 0,
            State::Shorter => 1,
            State::Known(..) => return,
        };
        let fits = tokens.iter().position(|&tokens| u64::from(tokens) <= most);
        self.state = match fits {
            Some(at) => State::Known(first + at, tokens[at].into()),
            None if first == 0 && self.candidates.len() > 1 => State::Shorter,
            None => State::Known(self.candidates.len(), 0),
        };
    }

    /// Returns the tokens of the line, if they are known.
    pub fn tokens(&self) -> Option<u64> {
        match self.state {
            State::Known(_, tokens) => Some(tokens),
            _ => None,
        }
    }

    /// Returns the line; it may be empty.
    pub fn text(&self) -> &str {
        match self.state {
            State::Known(at, _) => self.candidates.get(at).map_or("", String::as_str),
            _ => "",
        }
    }
}

/// Returns a line and shorter ones: without the outer headings, without the title, and starts of what remains.
fn shortened(parts: &[String], line: String) -> Vec<String> {
    let mut lines = vec![line];
    let Some((last, outer)) = parts.split_last() else { return lines };
    if let Some((first, between)) = outer.split_first() {
        lines.extend((1..=between.len()).map(|left_out| {
            let kept = [first].into_iter().chain(&between[left_out..]).chain([last]);
            joined(kept.map(String::as_str), SEPARATOR)
        }));
        lines.push(last.clone());
    }
    for share in [2, 4, 8, 16] {
        let start = start_of(last, last.len() / share);
        if !start.is_empty() {
            lines.push(start + "…");
        }
    }
    lines
}

/// Returns the words that a text starts with, at most so many bytes; of one long word the start.
fn start_of(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let start = within(text, 0, text.floor_char_boundary(most));
    let words = start.rfind(char::is_whitespace).map_or(start, |at| within(start, 0, at));
    let start = if words.trim().is_empty() { start } else { words };
    start.trim().to_owned()
}

/// Returns a text with each run of white space as one space.
fn one_line(text: &str) -> String {
    joined(text.split_whitespace(), " ")
}
