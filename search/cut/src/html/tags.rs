//! Tags and the texts between them.

use super::super::lines::{bytes_of, find, tail, within};
use std::ops::Range;

/// An element that matters; others are read as if they were not there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub name: &'static str,
    pub number: usize,
    is: u8,
}

/// What an element is: a block, without content, not read, in the margin, main content.
const BLOCK: u8 = 1;
const VOID: u8 = 2;
const HIDDEN: u8 = 4;
const MARGIN: u8 = 8;
const MAIN: u8 = 16;
/// It ends a heading that was not closed.
const ENDS_HEADING: u8 = 32;

/// The elements that matter, by what they are.
const ELEMENTS: [(u8, &[&str]); 9] = [
    (BLOCK | ENDS_HEADING, &["p", "pre", "ul", "ol", "dl", "table", "section", "h1", "h2", "h3", "h4", "h5", "h6"]),
    (BLOCK | ENDS_HEADING | MAIN, &["main"]),
    (BLOCK | ENDS_HEADING | MARGIN, &["nav", "footer", "aside"]),
    (BLOCK | ENDS_HEADING, &["article", "blockquote", "li", "dt", "dd", "tr", "td", "th", "body"]),
    (BLOCK | ENDS_HEADING, &["header", "figure", "details", "form", "fieldset", "address", "hgroup"]),
    (BLOCK, &["div", "figcaption", "summary", "caption", "thead", "tbody", "tfoot", "legend", "center", "search"]),
    (BLOCK | VOID, &["br", "hr"]),
    (MARGIN, &["button", "select", "datalist", "dialog", "menu"]),
    (
        0,
        &[
            "span", "a", "b", "i", "em", "strong", "code", "small", "sup", "sub", "label", "u", "s", "kbd", "mark",
            "time",
        ],
    ),
];

/// Elements whose content is not read, and holds no tags.
const RAW: [&str; 9] = ["script", "style", "template", "noscript", "textarea", "svg", "iframe", "noembed", "noframes"];

/// Returns the element of a name, in any case.
pub(super) fn element(name: &str) -> Option<Element> {
    let mut number = 0;
    for (is, names) in ELEMENTS {
        for &known in names {
            if known.eq_ignore_ascii_case(name) {
                return Some(Element { name: known, number, is });
            }
            number += 1;
        }
    }
    None
}

impl Element {
    pub fn is_block(&self) -> bool {
        self.is & BLOCK != 0
    }

    pub fn is_void(&self) -> bool {
        self.is & VOID != 0
    }

    pub fn is_hidden(&self) -> bool {
        self.is & HIDDEN != 0
    }

    pub fn is_margin(&self) -> bool {
        self.is & MARGIN != 0
    }

    pub fn is_main(&self) -> bool {
        self.is & MAIN != 0
    }

    /// Returns the level of a heading, 0 for other elements.
    pub fn heading(&self) -> u8 {
        match self.name.as_bytes() {
            [b'h', level @ b'1'..=b'6'] => level - b'0',
            _ => 0,
        }
    }

    pub fn ends_heading(&self) -> bool {
        self.is & ENDS_HEADING != 0
    }

    /// Returns the element with what its attributes say.
    pub fn with(mut self, is_main: bool, is_hidden: bool) -> Self {
        self.is |= if is_main { MAIN } else { 0 } | if is_hidden { HIDDEN } else { 0 };
        self
    }
}

/// A tag.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub element: Option<Element>,
    pub closes: bool,
    /// Its id, or the `name` of an `<a>`; empty if it has none.
    pub id: &'a str,
    /// `role=main`.
    pub is_main: bool,
    /// `hidden`, or `aria-hidden=true`.
    pub is_hidden: bool,
}

/// A part of a page.
#[derive(Debug)]
pub(super) enum Token<'a> {
    Text(usize, usize),
    Tag(Tag<'a>),
    Title(usize, usize),
}

/// The tags and texts of a page; comments and what scripts read are left out.
pub(super) struct Tags<'a> {
    source: &'a str,
    at: usize,
    /// Ends that have been looked for and are not there.
    missing: Vec<&'static str>,
    /// A quote has been found that is not closed.
    has_open_quote: bool,
}

impl<'a> Tags<'a> {
    pub fn new(source: &'a str) -> Self {
        Self { source, at: 0, missing: Vec::new(), has_open_quote: false }
    }

    /// Returns the length up to an end, and with it; `None` if there is none.
    fn until(&mut self, from: usize, end: &'static str) -> Option<(usize, usize)> {
        if self.missing.contains(&end) {
            return None;
        }
        let found = find(tail(self.source.as_bytes(), from), end.as_bytes());
        if found.is_none() {
            self.missing.push(end);
        }
        found.map(|length| (from + length, from + length + end.len()))
    }

    /// Reads a tag, a comment or a declaration at a `<`; `None` if it is a text.
    fn tag(&mut self) -> Option<Option<Token<'a>>> {
        let bytes = self.source.as_bytes();
        let start = self.at + 1;
        let first = *bytes.get(start)?;
        if first == b'!' || first == b'?' {
            let end = if tail(bytes, start).starts_with(b"!--") { "-->" } else { ">" };
            self.at = self.until(start, end)?.1;
            return Some(None);
        }
        let closes = first == b'/';
        let name_start = start + usize::from(closes);
        if !bytes.get(name_start)?.is_ascii_alphabetic() {
            return None;
        }
        let first_end = self.until(name_start, ">")?.1;
        let is_name = |byte: &u8| !byte.is_ascii_whitespace() && *byte != b'>' && *byte != b'/';
        let length = tail(bytes, name_start).iter().take_while(|byte| is_name(byte)).count();
        let name = within(self.source, name_start, name_start + length);
        let attributes = if self.has_open_quote { None } else { Attributes::read(bytes, name_start + length) };
        // In a tag whose quotes are not closed, and all that follow it, quotes mean nothing.
        self.has_open_quote |= attributes.is_none();
        let attributes = attributes.unwrap_or(Attributes { end: first_end, ..Attributes::default() });
        let Attributes { end, is_main, is_hidden, mut id, name: other } = attributes;
        self.at = end;
        if id.is_empty() && name.eq_ignore_ascii_case("a") {
            id = other;
        }
        let id = if closes { "" } else { within(self.source, id.start, id.end) };
        let is_raw = |raw: &&&str| !closes && raw.eq_ignore_ascii_case(name);
        if let Some(raw) = RAW.iter().chain(&["title"]).find(is_raw) {
            return Some(self.raw(raw));
        }
        Some(Some(Token::Tag(Tag { element: element(name), closes, id, is_main, is_hidden })))
    }

    /// Passes over the content of an element that holds no tags. If it is not closed, what follows is read.
    fn raw(&mut self, name: &'static str) -> Option<Token<'a>> {
        if self.missing.contains(&name) {
            return None;
        }
        let from = self.at;
        let bytes = self.source.as_bytes();
        let mut at = from;
        while let Some(length) = find(tail(bytes, at), b"</") {
            let start = at + length;
            let end = start + 2 + name.len();
            if bytes.get(start + 2..end).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())) {
                self.at = end + find(tail(bytes, end), b">").map_or(bytes.len() - end, |length| length + 1);
                return (name == "title").then_some(Token::Title(from, start));
            }
            at = start + 2;
        }
        self.missing.push(name);
        None
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.source.as_bytes();
        while self.at < bytes.len() {
            let start = self.at;
            if bytes[start] == b'<' {
                match self.tag() {
                    Some(Some(token)) => return Some(token),
                    Some(None) => continue,
                    None => self.at = start + 1,
                }
            }
            let rest = tail(bytes, self.at);
            self.at += rest.iter().position(|&byte| byte == b'<').unwrap_or(rest.len());
            return Some(Token::Text(start, self.at));
        }
        None
    }
}

/// What the attributes of a tag say.
#[derive(Default)]
struct Attributes {
    /// Where the tag ends.
    end: usize,
    is_main: bool,
    is_hidden: bool,
    /// Where the values of `id` and `name` stand.
    id: Range<usize>,
    name: Range<usize>,
}

impl Attributes {
    /// Reads the attributes of a tag, up to its end; `None` if it does not end.
    fn read(bytes: &[u8], from: usize) -> Option<Self> {
        let mut found = Self::default();
        let mut at = from;
        loop {
            at += tail(bytes, at).iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'/').count();
            if *bytes.get(at)? == b'>' {
                found.end = at + 1;
                return Some(found);
            }
            let name = at;
            at += 1;
            at +=
                tail(bytes, at).iter().take_while(|byte| !byte.is_ascii_whitespace() && !b"=>/".contains(byte)).count();
            let name = bytes_of(bytes, name, at);
            let white = tail(bytes, at).iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let mut value = at..at;
            if bytes.get(at + white) == Some(&b'=') {
                at += white + 1;
                at += tail(bytes, at).iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                let quote = *bytes.get(at)?;
                let is_quoted = quote == b'"' || quote == b'\'';
                at += usize::from(is_quoted);
                let is_end =
                    |byte: u8| if is_quoted { byte == quote } else { byte.is_ascii_whitespace() || byte == b'>' };
                let length = tail(bytes, at).iter().position(|&byte| is_end(byte))?;
                value = at..at + length;
                at += length + usize::from(is_quoted);
            }
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            let says = |known: &[u8]| bytes_of(bytes, value.start, value.end).eq_ignore_ascii_case(known);
            found.is_main |= is("role") && says(b"main");
            found.is_hidden |= is("hidden") || is("aria-hidden") && says(b"true");
            // Of several attributes with one name the first counts.
            if is("id") && found.id.is_empty() {
                found.id = value;
            } else if is("name") && found.name.is_empty() {
                found.name = value;
            }
        }
    }
}
