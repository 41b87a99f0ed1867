//! Lines of a text, parts of it, and what counts as white space.

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
        within(text, self.start, self.end)
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
    let part = within(text, 0, end);
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
    let part = within(text, start, end);
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
            _ => return (columns, behind(line, at)),
        }
    }
    (columns, "")
}

/// Returns what follows the marker of a list's item (`-`, `*`, `+`, `•`, `1.`, `1)`), if the line starts with one.
pub(super) fn after_marker(line: &str) -> Option<&str> {
    let digits = line.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => line.strip_prefix(['-', '*', '+', '•']),
        _ => behind(line, digits).strip_prefix(['.', ')']),
    }?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

/// Returns a part of a text; nothing if it is not between characters of the text, which would be a mistake here.
pub(super) fn within(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Returns what follows an offset.
pub(super) fn behind(text: &str, start: usize) -> &str {
    text.get(start..).unwrap_or_default()
}

/// Returns the bytes between two offsets.
pub(super) fn bytes_of(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.get(start..end).unwrap_or_default()
}

/// Returns the bytes that follow an offset.
pub(super) fn tail(bytes: &[u8], start: usize) -> &[u8] {
    bytes.get(start..).unwrap_or_default()
}

/// Returns where `what` starts in `bytes`. (The standard library's search for a string is ten times as large.)
pub(super) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Returns texts as one, with `between` between them.
pub(super) fn joined<'a>(texts: impl Iterator<Item = &'a str>, between: &str) -> String {
    let mut all = String::new();
    for text in texts {
        if !all.is_empty() {
            all.push_str(between);
        }
        all.push_str(text);
    }
    all
}
