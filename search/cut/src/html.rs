//! HTML: what a person reads of a page, main content first.
//!
//! Tags are read one by one, without a tree: a stack of the open elements says what is left out and what is main
//! content. Whatever is not closed ends where an element around it does.

use super::lines::{behind, joined, within};
mod entities;
mod tags;

use super::outline::Outline;
use super::reading::{Extract, Level, Reading, Shape};
use entities::decode;
use tags::{Element, Tag, Tags, Token};

/// Where a text stands, from the best to the worst: only the best there is in a page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Main,
    Article,
    Body,
    /// Navigation, headers, footers, asides, forms: read if there is nothing else.
    Margin,
}

/// The longest id that is an anchor, in bytes.
const LONGEST_ANCHOR: usize = 200;

/// Reads HTML.
pub(super) fn read(source: String, title: Option<&str>) -> Reading {
    let best = best_place(&source);
    let mut page = Page::new(&source, Outline::new(title), best);
    page.read();
    let (extract, outline) = (page.extract, page.outline);
    let (title, sections) = outline.finish();
    Reading::of_extract(source, extract, title, sections)
}

/// Returns the best place that has a text.
fn best_place(source: &str) -> Place {
    let mut stack = Stack::default();
    let mut best = Place::Margin;
    for token in Tags::new(source) {
        match token {
            Token::Text(start, end) => {
                if let Some(place) = stack.place().filter(|&place| place < best)
                    && !within(source, start, end).trim().is_empty()
                {
                    best = place;
                }
            }
            Token::Tag(tag) => stack.see(&tag),
            Token::Title(..) => {}
        }
    }
    best
}

/// The open elements.
#[derive(Default)]
struct Stack {
    open: Vec<Element>,
    /// How many of each are open, by their position in the table.
    counts: Vec<u32>,
    mains: u32,
    articles: u32,
    margins: u32,
    hidden: u32,
    pres: u32,
    headers: u32,
}

impl Stack {
    /// Returns where a text stands; `None` if nobody reads it.
    fn place(&self) -> Option<Place> {
        // The header of main content holds its heading.
        let is_header = self.headers > 0 && self.mains + self.articles == 0;
        match self {
            _ if self.hidden > 0 => None,
            _ if self.margins > 0 || is_header => Some(Place::Margin),
            _ if self.mains > 0 => Some(Place::Main),
            _ if self.articles > 0 => Some(Place::Article),
            _ => Some(Place::Body),
        }
    }

    fn see(&mut self, tag: &Tag) {
        let Some(element) = tag.element else { return };
        if element.is_void() {
            return;
        }
        if !tag.closes {
            let element = element.with(tag.is_main, tag.is_hidden);
            self.count(&element, 1);
            self.open.push(element);
        } else if self.counts.get(element.number).is_some_and(|&count| count > 0) {
            while let Some(last) = self.open.pop() {
                self.count(&last, u32::MAX);
                if last.number == element.number {
                    break;
                }
            }
        }
    }

    /// Counts an element that opens (1) or closes (-1, wrapping).
    fn count(&mut self, element: &Element, by: u32) {
        if self.counts.len() <= element.number {
            self.counts.resize(element.number + 1, 0);
        }
        let add = |count: &mut u32, is: bool| *count = count.wrapping_add(if is { by } else { 0 });
        add(&mut self.counts[element.number], true);
        add(&mut self.mains, element.is_main());
        add(&mut self.articles, element.name == "article");
        add(&mut self.margins, element.is_margin());
        add(&mut self.hidden, element.is_hidden());
        add(&mut self.pres, element.name == "pre");
        add(&mut self.headers, element.name == "header");
    }
}

/// A page as it is read.
struct Page<'a> {
    source: &'a str,
    extract: Extract,
    outline: Outline,
    best: Place,
    stack: Stack,
    /// Where the block starts that is read.
    start: usize,
    shape: Shape,
    level: Level,
    /// White space has come that is a space if a text follows.
    space: bool,
    /// The level of the heading that is read, 0 if none is.
    heading: u8,
    /// The last id since a text: what leads to the heading that comes, or is read.
    anchor: &'a str,
    cells: bool,
}

impl<'a> Page<'a> {
    fn new(source: &'a str, outline: Outline, best: Place) -> Self {
        Self {
            source,
            extract: Extract::default(),
            outline,
            best,
            stack: Stack::default(),
            start: 0,
            shape: Shape::Prose,
            level: Level::Paragraph,
            space: false,
            heading: 0,
            anchor: "",
            cells: false,
        }
    }

    fn read(&mut self) {
        for token in Tags::new(self.source) {
            match token {
                Token::Title(start, end) => {
                    let mut title = String::new();
                    decode(self.source, start, end, |text, _, _| title.push_str(text));
                    self.outline.title(&joined(title.split_whitespace(), " "));
                }
                Token::Text(start, end) => {
                    if self.heading == 0 && !within(self.source, start, end).trim().is_empty() {
                        self.anchor = "";
                    }
                    // In a page with nothing but margins they are read.
                    if self.stack.place() == Some(self.best) || self.best == Place::Margin && self.stack.hidden == 0 {
                        self.text(start, end);
                    }
                }
                Token::Tag(tag) => {
                    self.tag(&tag);
                    self.see_anchor(&tag);
                    self.stack.see(&tag);
                }
            }
        }
        self.close(Level::Paragraph);
    }

    /// Takes the id of an element. That of the heading itself counts, then the last one before it, then the first one inside of it.
    fn see_anchor(&mut self, tag: &Tag<'a>) {
        let is_heading = tag.element.is_some_and(|element| element.heading() > 0);
        let is_late = self.heading > 0 && !is_heading && !self.anchor.is_empty();
        let is_anchor = tag.id.len() <= LONGEST_ANCHOR && !tag.id.contains(|c: char| c.is_whitespace() || c == '&');
        if !tag.id.is_empty() && is_anchor && !tag.is_hidden && self.stack.hidden == 0 && !is_late {
            self.anchor = tag.id;
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let Some(element) = tag.element else { return };
        match element.name {
            "br" => self.line(),
            "td" | "th" => self.cells = true,
            "tr" => self.close(Level::Item),
            "li" | "dd" | "dt" => self.close(Level::Item),
            "pre" => {
                self.close(Level::Paragraph);
                self.shape = if tag.closes { Shape::Prose } else { Shape::Lines };
            }
            _ if element.heading() > 0 => {
                self.close(Level::Paragraph);
                self.heading = if tag.closes { 0 } else { element.heading() };
            }
            // A block inside of a heading does not end it, but for those that cannot be there.
            _ if element.is_block() && (self.heading == 0 || element.ends_heading()) => self.close(Level::Paragraph),
            _ if element.is_block() => self.space = true,
            _ => {}
        }
    }

    /// Adds a text to the block that is read.
    fn text(&mut self, start: usize, end: usize) {
        let is_pre = self.stack.pres > 0;
        let source = self.source;
        decode(source, start, end, |text, from, to| {
            if is_pre && self.heading == 0 {
                return self.extract.take(text, from, to);
            }
            let is_copy = text.len() == to - from;
            let mut at = 0;
            while at < text.len() {
                let rest = behind(text, at);
                let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
                if word > 0 {
                    self.before_word();
                    let (from, to) = if is_copy { (from + at, from + at + word) } else { (from, to) };
                    self.extract.take(within(rest, 0, word), from, to);
                }
                let white = behind(rest, word).find(|c: char| !c.is_whitespace()).unwrap_or(rest.len() - word);
                self.space |= white > 0;
                at += word + white;
            }
        });
    }

    /// Adds what stands between the last word and the next one.
    fn before_word(&mut self) {
        if self.extract.len() > self.start && !self.extract.text().ends_with('\n') {
            if self.cells {
                self.extract.add(" | ");
            } else if self.space {
                self.extract.add(" ");
            }
        }
        self.cells = false;
        self.space = false;
    }

    /// Ends a line inside of a block.
    fn line(&mut self) {
        if self.extract.len() > self.start {
            self.extract.add("\n");
        }
        self.space = false;
    }

    /// Ends the block that is read; `level` is that of the next one.
    fn close(&mut self, level: Level) {
        let (start, end) = super::lines::trimmed(self.extract.text(), self.start, self.extract.len());
        if start < end {
            if self.heading > 0 {
                let words = within(self.extract.text(), start, end)
                    .trim_end_matches(['¶', '#', '§', ' ', '\u{f0c1}'])
                    .to_owned();
                self.outline.heading(self.heading, &words, self.anchor, start, end);
                self.anchor = "";
            } else {
                self.outline.block(start, end, self.shape, self.level);
            }
            self.level = level;
        } else {
            self.level = self.level.min(level);
        }
        if self.extract.len() > self.start {
            let is_ended = self.extract.text().ends_with('\n');
            self.extract.add(if self.level == Level::Paragraph && !is_ended { "\n\n" } else { "\n" });
        }
        self.start = self.extract.len();
        self.heading = 0;
        self.space = false;
        self.cells = false;
    }
}
