//! Markdown: CommonMark's blocks as far as they say where a text may be cut, tables, and front matter.
//!
//! Lines are looked at one by one; containers (quotes, lists) matter only where they hide a fence. What is inside a
//! paragraph stays as it is, since passages are the source's own slices.

use super::anchor::Anchors;
use super::lines::{Line, after_marker, behind, find, indented, is_blank, is_white, line_at, tail, trimmed, within};
use super::outline::{LONGEST_HEADING, Outline};
use super::reading::{Level, Reading, Shape};

/// Reads Markdown.
pub(super) fn read(source: String, title: Option<&str>) -> Reading {
    let mut reader = Reader {
        source: &source,
        outline: Outline::new(title),
        anchors: Anchors::default(),
        open: None,
        in_list: false,
    };
    reader.read();
    let (title, sections) = reader.outline.finish();
    Reading::of_source(source, title, sections)
}

/// The lines of a block so far.
#[derive(Clone, Copy)]
struct Open {
    start: usize,
    end: usize,
    shape: Shape,
    lines: usize,
    /// A quote cannot become a heading.
    quote: bool,
}

struct Reader<'a> {
    source: &'a str,
    outline: Outline,
    anchors: Anchors,
    open: Option<Open>,
    /// The last block was a list: what is indented belongs to it.
    in_list: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        let source = self.source;
        let mut at = self.front_matter();
        let mut comments = find(source.as_bytes(), b"-->").is_some();
        while let Some(line) = line_at(source, at) {
            let text = line.of(source);
            at = line.next;
            if is_blank(text) {
                self.close();
            } else if comments && text.trim_start().starts_with("<!--") {
                match find(tail(source.as_bytes(), line.start), b"-->") {
                    Some(length) => at = self.comment(line, line.start + length + 3),
                    None => {
                        comments = false;
                        self.text(line);
                    }
                }
            } else if let Some(fence) = Fence::of(text) {
                self.close();
                at = self.fenced(line, &fence);
            } else {
                self.line(line);
            }
        }
        self.close();
    }

    /// Leaves out front matter, but for its title; returns where the text starts.
    fn front_matter(&mut self) -> usize {
        let start = if self.source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let Some(first) = line_at(self.source, start) else { return start };
        let (mark, assign) = match first.of(self.source).trim_end() {
            "---" => ("---", ':'),
            "+++" => ("+++", '='),
            _ => return start,
        };
        let mut title = None;
        let mut at = first.next;
        while let Some(line) = line_at(self.source, at) {
            let text = line.of(self.source);
            at = line.next;
            let end = text.trim_end();
            if end == mark || (mark == "---" && end == "...") {
                if let Some(title) = title {
                    self.outline.title(title);
                }
                return at;
            }
            let value = text.strip_prefix("title").and_then(|rest| rest.trim_start().strip_prefix(assign));
            title = title.or(value.map(unquoted));
        }
        start
    }

    /// Leaves out a comment that starts on `line`; what follows it on its last line is read.
    fn comment(&mut self, line: Line, end: usize) -> usize {
        let Some(last) = line_at(self.source, end) else { return end };
        if self.open.is_some() || !is_blank(last.of(self.source)) {
            self.text(Line { start: line.start, ..last });
        }
        last.next
    }

    /// Reads lines of code up to the fence that closes them; returns where the next line starts.
    fn fenced(&mut self, first: Line, fence: &Fence) -> usize {
        let mut end = first.end;
        let mut at = first.next;
        while let Some(line) = line_at(self.source, at) {
            let text = line.of(self.source);
            if fence.is_left_at(text) {
                break;
            }
            at = line.next;
            end = line.end;
            if fence.is_closed_by(text) {
                break;
            }
        }
        self.add(first.start, end, Shape::Lines);
        at
    }

    /// Reads a line that is neither blank nor code between fences.
    fn line(&mut self, line: Line) {
        let text = line.of(self.source);
        let (indent, rest) = indented(text);
        if indent < 4 {
            if let Some((level, words)) = atx(rest) {
                self.close();
                return self.heading(level, words, line.start, line.end);
            }
            if let Some((level, open)) = underline(rest).zip(self.open.filter(Open::may_be_heading)) {
                self.open = None;
                return self.heading(level, within(self.source, open.start, open.end), open.start, line.end);
            }
            if is_rule(rest) {
                self.in_list = false;
                return self.close();
            }
        }
        self.text(line);
    }

    fn heading(&mut self, level: u8, words: &str, start: usize, end: usize) {
        self.in_list = false;
        let (start, end) = trimmed(self.source, start, end);
        // What is far too long is no heading, whatever its marks are.
        if words.len() > 4 * LONGEST_HEADING {
            return self.outline.heading(level, words, "", start, end);
        }
        let text = plain(words);
        let anchor = self.anchors.next(words, &text);
        self.outline.heading(level, &text, &anchor, start, end);
    }

    /// Adds a line to the block that is open, or opens one.
    fn text(&mut self, line: Line) {
        let (indent, rest) = indented(line.of(self.source));
        let is_item = after_marker(rest).is_some();
        // Of numbers, only 1 starts a list below a paragraph: others may be a sentence's.
        let interrupts = is_item && !rest.starts_with(|c: char| c.is_ascii_digit() && c != '1');
        if interrupts && self.open.is_some_and(|open| open.shape == Shape::Prose && !self.in_list) {
            self.close();
        }
        let Some(open) = &mut self.open else {
            let shape = match rest {
                _ if is_item => Shape::List,
                _ if indent >= 4 && !self.in_list => Shape::Lines,
                _ if rest.starts_with('|') => Shape::Lines,
                _ => Shape::Prose,
            };
            self.in_list = is_item || (self.in_list && indent > 0);
            let quote = rest.starts_with('>');
            self.open = Some(Open { start: line.start, end: line.end, shape, lines: 1, quote });
            return;
        };
        if open.lines == 1 && open.shape == Shape::Prose && is_table_rule(rest) {
            open.shape = Shape::Lines;
        }
        open.lines += 1;
        open.end = line.end;
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.add(open.start, open.end, open.shape);
        }
    }

    fn add(&mut self, start: usize, end: usize, shape: Shape) {
        let (start, end) = trimmed(self.source, start, end);
        self.outline.block(start, end, shape, Level::Paragraph);
    }
}

impl Open {
    fn may_be_heading(&self) -> bool {
        self.shape == Shape::Prose && !self.quote
    }
}

/// The line that opens a block of code.
struct Fence {
    mark: u8,
    length: usize,
    indent: usize,
    quotes: usize,
}

impl Fence {
    /// Returns the fence that a line opens, also inside quotes and at the start of a list's item.
    fn of(line: &str) -> Option<Self> {
        let (quotes, rest) = unquote(line, usize::MAX);
        let (indent, mut rest) = indented(rest);
        while let Some(after) = after_marker(rest) {
            rest = after.trim_start();
        }
        let mark = *rest.as_bytes().first().filter(|&&byte| byte == b'`' || byte == b'~')?;
        let length = run(rest, mark);
        let is_fence = length >= 3 && (mark == b'~' || !behind(rest, length).contains('`'));
        is_fence.then_some(Self { mark, length, indent, quotes })
    }

    /// Returns whether a line closes the block.
    fn is_closed_by(&self, line: &str) -> bool {
        let (_, rest) = unquote(line, self.quotes);
        let rest = rest.trim();
        run(rest, self.mark) == rest.len() && rest.len() >= self.length
    }

    /// Returns whether a line is outside of the quote or the list's item that the block is in.
    fn is_left_at(&self, line: &str) -> bool {
        let (quotes, rest) = unquote(line, self.quotes);
        let is_out = self.indent >= 4 && !is_blank(rest) && indented(rest).0 + 3 < self.indent;
        quotes < self.quotes || is_out
    }
}

/// Takes up to `most` markers of quotes away; returns how many there were, and the rest.
fn unquote(line: &str, most: usize) -> (usize, &str) {
    let (mut quotes, mut rest) = (0, line);
    while quotes < most {
        let Some(after) = rest.trim_start_matches(' ').strip_prefix('>') else { break };
        rest = after.strip_prefix(' ').unwrap_or(after);
        quotes += 1;
    }
    (quotes, rest)
}

/// Returns how many bytes equal to `mark` a line starts with.
fn run(line: &str, mark: u8) -> usize {
    line.bytes().take_while(|&byte| byte == mark).count()
}

/// Returns the level and the words of a heading that starts with `#`.
fn atx(line: &str) -> Option<(u8, &str)> {
    let level = run(line, b'#');
    let rest = behind(line, level);
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let words = rest.trim();
    let open = words.trim_end_matches('#');
    let words = if open.is_empty() || open.ends_with([' ', '\t']) { open.trim_end() } else { words };
    Some((level as u8, words))
}

/// Returns the level of the heading that a line makes of the paragraph above it.
fn underline(line: &str) -> Option<u8> {
    let line = line.trim_end();
    let mark = *line.as_bytes().first()?;
    let level = match mark {
        b'=' => 1,
        b'-' => 2,
        _ => return None,
    };
    (run(line, mark) == line.len()).then_some(level)
}

/// Returns whether a line is only there to divide: `***`, `- - -`, `___`.
fn is_rule(line: &str) -> bool {
    let Some(mark) = line.chars().next().filter(|mark| "*-_".contains(*mark)) else { return false };
    line.chars().all(|c| c == mark || c == ' ' || c == '\t') && line.chars().filter(|&c| c == mark).take(3).count() == 3
}

/// Returns whether a line divides the head of a table from its rows.
fn is_table_rule(line: &str) -> bool {
    line.contains('|') && line.contains('-') && line.bytes().all(|byte| b"|-: \t".contains(&byte))
}

/// Returns a value of front matter without quotes.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let inner = |quote| value.strip_prefix(quote).and_then(|value: &str| value.strip_suffix(quote));
    inner('"').or(inner('\'')).unwrap_or(value)
}

/// Returns the words of a heading without the marks of Markdown: of links and pictures the text, no emphasis, no tags, no
/// `{#id}`.
fn plain(words: &str) -> String {
    let words = match words.rfind('{').filter(|&at| words.ends_with('}') && behind(words, at).starts_with("{#")) {
        Some(at) => within(words, 0, at),
        None => words,
    };
    let mut plain = String::with_capacity(words.len());
    let mut rest = words;
    let mut code = false;
    while let Some(c) = rest.chars().next() {
        let after = behind(rest, c.len_utf8());
        let next = after.chars().next();
        rest = after;
        match c {
            '`' => code = !code,
            _ if code => plain.push(c),
            '\\' if next.is_some_and(|c| c.is_ascii_punctuation()) => {
                plain.extend(next);
                rest = behind(after, 1);
            }
            '*' | '[' => {}
            '!' if next == Some('[') => {}
            '_' if !plain.ends_with(is_of_word) || !next.is_some_and(is_of_word) => {}
            ']' => rest = skipped(after, '(', ')').unwrap_or(after),
            '<' if next.is_some_and(|c| c.is_ascii_alphabetic() || c == '/') => {
                match after.split_once('>').filter(|(tag, _)| !tag.contains(':')) {
                    Some((_, behind)) => rest = behind,
                    None => plain.push(c),
                }
            }
            _ if c.is_whitespace() => plain.push(' '),
            _ => plain.push(c),
        }
    }
    plain.trim().to_owned()
}

/// Returns whether a character belongs to a word, as far as that matters for `_`.
fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || (!c.is_ascii() && !is_white(c))
}

/// Returns what follows a part between two marks that a text starts with.
fn skipped(text: &str, open: char, close: char) -> Option<&str> {
    text.strip_prefix(open)?.split_once(close).map(|(_, behind)| behind)
}
