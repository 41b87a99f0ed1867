//! Headings and blocks to sections.

use super::reading::{Block, Level, Shape};
use std::sync::Arc;

/// The longest heading, in bytes: longer ones are paragraphs. It bounds what passages repeat.
pub(super) const LONGEST_HEADING: usize = 300;

/// The blocks under one heading. Passages never reach from one section into another.
#[derive(Debug)]
pub(super) struct Section {
    /// The headings above, outermost first, without the title.
    pub trail: Arc<[String]>,
    /// What leads to the nearest of them that has an anchor, behind `#`.
    pub anchor: Option<Arc<str>>,
    pub blocks: Vec<Block>,
    /// Made of headings that have no text of their own.
    bare: bool,
}

/// A heading that is above what comes now.
#[derive(Debug)]
struct Heading {
    level: u8,
    text: String,
    anchor: Option<Arc<str>>,
    start: usize,
    end: usize,
    /// The document's title, which is not in the trail.
    is_title: bool,
}

/// Makes sections of headings and blocks that come in their order.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The title that the caller gave.
    given: Option<String>,
    /// The title that the source has.
    found: Option<String>,
    above: Vec<Heading>,
    seen_first: bool,
    /// Nothing has come since the last heading.
    fresh: bool,
    /// Blocks go to the last section.
    open: bool,
    sections: Vec<Section>,
}

impl Outline {
    /// Creates an outline; `given` is the title that the caller knows.
    pub fn new(given: Option<&str>) -> Self {
        Self { given: given.map(str::to_owned), ..Self::default() }
    }

    /// Sets the title that the source has beside its headings.
    pub fn title(&mut self, title: &str) {
        let title = title.trim();
        if self.found.is_none() && !title.is_empty() {
            self.found = Some(title.to_owned());
        }
    }

    /// Adds a heading of a level from 1 on: its words, what leads to it, and where it stands in the text that is read.
    pub fn heading(&mut self, level: u8, text: &str, anchor: &str, start: usize, end: usize) {
        let text = text.trim();
        if text.len() > LONGEST_HEADING {
            return self.block(start, end, Shape::Prose, Level::Paragraph);
        }
        self.leave(level);
        let is_title = level == 1 && !self.seen_first && !text.is_empty() && {
            self.seen_first = true;
            self.title(text);
            self.given.as_ref().or(self.found.as_ref()).is_some_and(|title| title.starts_with(text))
        };
        let anchor = (!anchor.is_empty() && !is_title).then(|| anchor.into());
        self.above.push(Heading { level, text: text.to_owned(), anchor, start, end, is_title });
        self.fresh = true;
        self.open = false;
    }

    /// Adds a block of the text that is read; one without a character is left out.
    pub fn block(&mut self, start: usize, end: usize, shape: Shape, level: Level) {
        if start >= end {
            return;
        }
        if !self.open {
            let (trail, anchor) = (self.trail(), self.anchor());
            self.sections.push(Section { trail, anchor, blocks: Vec::new(), bare: false });
            self.open = true;
        }
        self.fresh = false;
        if let Some(section) = self.sections.last_mut() {
            section.blocks.push(Block { start, end, shape, level });
        }
    }

    /// Makes the next block the first of a section under the same headings.
    pub fn divide(&mut self) {
        self.open = false;
    }

    /// Returns the title that the source has, and the sections.
    pub fn finish(mut self) -> (Option<String>, Vec<Section>) {
        if self.sections.is_empty() {
            self.above.iter_mut().for_each(|heading| heading.is_title = false);
        }
        self.leave(1);
        (self.found, self.sections)
    }

    /// Takes away the headings that a heading of `level` ends.
    fn leave(&mut self, level: u8) {
        while self.above.last().is_some_and(|heading| heading.level >= level) {
            let Some(heading) = self.above.pop() else { return };
            if std::mem::take(&mut self.fresh) && !heading.is_title && !heading.text.is_empty() {
                self.keep(&heading);
            }
        }
    }

    /// Keeps a heading that has no text and none below it: as a text under the headings above it.
    fn keep(&mut self, heading: &Heading) {
        let block = Block { start: heading.start, end: heading.end, shape: Shape::Piece, level: Level::Paragraph };
        let trail = self.trail();
        match self.sections.last_mut() {
            Some(section) if section.bare && section.trail == trail => section.blocks.push(block),
            _ => {
                let anchor = heading.anchor.clone().or_else(|| self.anchor());
                self.sections.push(Section { trail, anchor, blocks: vec![block], bare: true });
            }
        }
        self.open = false;
    }

    /// Returns what leads to the nearest heading above.
    fn anchor(&self) -> Option<Arc<str>> {
        self.above.iter().rev().find_map(|heading| heading.anchor.clone())
    }

    /// Returns the headings above; sections that follow one another share them.
    fn trail(&self) -> Arc<[String]> {
        let trail = || self.above.iter().filter(|heading| !heading.is_title && !heading.text.is_empty());
        match self.sections.last() {
            Some(section) if section.trail.iter().eq(trail().map(|heading| &heading.text)) => section.trail.clone(),
            _ => trail().map(|heading| heading.text.clone()).collect(),
        }
    }
}
