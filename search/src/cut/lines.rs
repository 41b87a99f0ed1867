//! Lines of a text, and what counts as white space.

/// A line: where it starts, where its text ends, and where the next one starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub start: usize,
    pub end: usize,
    pub next: usize,
}

impl Line {
    /// Returns the line's text, without its end.
    pub fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// Returns the line that starts at `at`; lines end with CR LF, LF or CR.
pub(super) fn line_at(text: &str, at: usize) -> Option<Line> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    let length = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
    let end = at + length;
    let next = match (bytes.get(end), bytes.get(end + 1)) {
        (None, _) => end,
        (Some(b'\r'), Some(b'\n')) => end + 2,
        _ => end + 1,
    };
    Some(Line { start: at, end, next })
}

/// Returns the lines of `text` between two offsets.
pub(super) fn lines(text: &str, start: usize, end: usize) -> impl Iterator<Item = Line> {
    let part = &text[..end];
    let mut at = start;
    std::iter::from_fn(move || {
        let line = line_at(part, at)?;
        at = line.next;
        Some(line)
    })
}

/// Returns whether a character is white; a byte order mark is.
pub(super) fn is_white(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// Returns the part of a range that has no white space at either end.
pub(super) fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    let part = &text[start..end];
    let head = part.trim_start_matches(is_white);
    let start = end - head.len();
    (start, start + head.trim_end_matches(is_white).len())
}

/// Returns whether a line has no text.
pub(super) fn is_blank(line: &str) -> bool {
    line.chars().all(is_white)
}

/// Returns how far a line is indented, a tab up to the next multiple of four, and the rest.
pub(super) fn indented(line: &str) -> (usize, &str) {
    let mut columns = 0;
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += 4 - columns % 4,
            _ => return (columns, &line[at..]),
        }
    }
    (columns, "")
}

/// Returns what follows the marker of a list's item (`-`, `*`, `+`, `•`, `1.`, `1)`), if the line starts with one.
pub(super) fn after_marker(line: &str) -> Option<&str> {
    let digits = line.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => line.strip_prefix(['-', '*', '+', '•']),
        _ => line[digits..].strip_prefix(['.', ')']),
    }?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}
