//! Where sentences start.
//!
//! Unicode's own rules (UAX 29) take a table of 15 kB, gzipped, a quarter of what the whole binary may have. These
//! are their core: what ends a sentence, what may follow it, and what a dot does not end.

use super::lines::{after_marker, behind, indented, is_white, within};

/// Returns where the sentences of `text` start, in order, the first at 0. White space belongs to the sentence before it.
///
/// A line's end is a space: people break lines where they are full. A line that starts like an item of a list starts a
/// sentence.
pub(super) fn sentences(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut state = State { text, ..State::default() };
    for (at, c) in text.char_indices() {
        if state.starts_at(at, c) && at > 0 {
            starts.push(at);
        }
    }
    starts
}

/// What has been seen of the sentence so far.
#[derive(Default)]
struct State<'a> {
    text: &'a str,
    end: End,
    /// White space has followed the end.
    spaced: bool,
    /// Only white space has come on this line.
    at_line_start: bool,
    /// Where the word starts that is read, and the last one.
    word: usize,
    in_word: bool,
}

/// What ends a sentence.
#[derive(Clone, Copy, Default, PartialEq)]
enum End {
    #[default]
    None,
    /// A dot, which may also end an abbreviation.
    Dot,
    /// A mark that white space has to follow.
    Mark,
    /// A mark of a script without spaces.
    Wide,
}

impl State<'_> {
    /// Returns whether a sentence starts at the character.
    fn starts_at(&mut self, at: usize, c: char) -> bool {
        if is_white(c) {
            self.spaced = self.end != End::None;
            self.at_line_start |= c == '\n' || c == '\r';
            self.in_word = false;
            return false;
        }
        let line_starts = std::mem::take(&mut self.at_line_start);
        let starts = match self.end {
            End::None => false,
            End::Dot => self.spaced && !c.is_lowercase(),
            End::Mark => self.spaced,
            End::Wide => self.spaced || (end_of(c) == End::None && !closes(c)),
        } || (line_starts && after_marker(indented(first_line(behind(self.text, at))).1).is_some());
        if starts || self.spaced {
            self.end = End::None;
            self.spaced = false;
        }
        match end_of(c) {
            End::Dot if self.is_abbreviation(at) => {}
            End::None if closes(c) => {}
            End::None => self.end = End::None,
            end if self.end == End::None || end == End::Wide => self.end = end,
            End::Mark if self.end == End::Dot => self.end = End::Mark,
            _ => {}
        }
        if !self.in_word {
            self.word = at;
            self.in_word = true;
        }
        starts
    }

    /// Returns whether a dot belongs to an initial (`J.`), an abbreviation (`e.g.`), or the number of an item (`1.`).
    fn is_abbreviation(&self, at: usize) -> bool {
        if !self.in_word {
            return false;
        }
        let word = within(self.text, self.word, at).trim_start_matches(['(', '"', '“', '[']);
        let mut chars = word.chars().rev();
        let (last, before) = (chars.next(), chars.next());
        let is_letter = |c: char| c.is_ascii_alphabetic() || (c > '\u{7f}' && c < '\u{2000}');
        let is_initial = last.is_some_and(|c| is_letter(c) && !c.is_lowercase()) && before.is_none();
        let is_dotted = last.is_some_and(is_letter) && before == Some('.');
        let is_number = self.word == 0 && word.bytes().all(|byte| byte.is_ascii_digit());
        is_initial || is_dotted || is_number
    }
}

fn end_of(c: char) -> End {
    match c {
        '.' | '…' => End::Dot,
        '!' | '?' | '؟' | '۔' | '।' | '॥' | '።' | '፧' | '။' | '។' | '៕' | '‼' | '⁇' | '⁈' | '⁉' => {
            End::Mark
        }
        '。' | '！' | '？' | '｡' | '．' => End::Wide,
        _ => End::None,
    }
}

/// Returns whether a character that follows the end of a sentence still belongs to it.
fn closes(c: char) -> bool {
    matches!(
        c,
        ')' | ']'
            | '}'
            | '"'
            | '\''
            | '”'
            | '’'
            | '»'
            | '›'
            | '」'
            | '』'
            | '）'
            | '】'
            | '》'
            | '〉'
            | '*'
            | '_'
            | '`'
    )
}

/// Returns the start of a text, as much as the marker of an item takes.
fn first_line(text: &str) -> &str {
    within(text, 0, text.floor_char_boundary(16))
}
