//! What is counted when, until the passages are known.

use super::error::{Error, Result};
use super::line::FirstLine;
use super::lines::{is_blank, is_white, trimmed, within};
use super::outline::Section;
use super::pack::{Packed, Room, Unit, WIDEST_GAP, pack};
use super::reading::{Reading, Shape};
use super::split::{Part, split};
use super::{Kind, Options, Passage, code, csv, html, json, markdown, text};
use std::sync::Arc;

/// A part with more bytes than this for each token that a passage may have is divided before it is counted.
const LONGEST_TOKEN: usize = 64;

/// Cuts one document: asks for the tokens of texts until it knows enough.
///
/// Ask [`pieces`](Self::pieces), count, tell [`counted`](Self::counted), until there are no more pieces.
#[derive(Debug)]
pub struct Cutter {
    reading: Reading,
    most: u64,
    overlap: u64,
    lines: Vec<FirstLine>,
    /// The units of all sections, as long as they are divided.
    units: Vec<Counted>,
    /// The passages, once the units are small enough.
    drafts: Vec<Draft>,
    /// The units have become passages.
    is_packed: bool,
}

/// A part whose tokens may not be known yet.
#[derive(Clone, Copy, Debug)]
struct Counted {
    part: Part,
    section: usize,
    /// Position of its first line.
    line: usize,
    tokens: Option<u64>,
    /// It cannot be divided.
    is_whole: bool,
}

/// A passage whose input has still to be counted, or is known to fit.
#[derive(Clone, Debug)]
struct Draft {
    parts: Vec<Part>,
    repeated: usize,
    section: usize,
    line: usize,
    input: String,
    fits: bool,
}

impl Cutter {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// If a passage may have no token, or is to repeat as many as it may have.
    pub fn new(kind: Kind, source: String, options: Options) -> Result<Self> {
        let (most, overlap) = (options.most_tokens, options.overlap_tokens);
        if most == 0 {
            return Err(Error::new("a passage of 0 tokens is none: use 1 or more"));
        }
        if overlap >= most {
            let what = format!("passages of {most} tokens cannot repeat {overlap}: use fewer, such as {}", most / 6);
            return Err(Error::new(what));
        }
        let title = options.title.as_deref();
        let reading = match kind {
            Kind::Text => text::read(source, title),
            Kind::Markdown => markdown::read(source, title),
            Kind::Code => code::read(source, title),
            Kind::Html => html::read(source, title),
            Kind::Csv => csv::read(source, title),
            Kind::Json => json::read(source, title),
        };
        let title = options.title.or(reading.title.clone());
        // Fields of a row are no sentences.
        let overlap = if matches!(kind, Kind::Csv | Kind::Json) { 0 } else { overlap };
        let mut cutter = Self {
            reading,
            most: most.into(),
            overlap: overlap.into(),
            lines: Vec::new(),
            units: Vec::new(),
            drafts: Vec::new(),
            is_packed: false,
        };
        cutter.start(title.as_deref());
        cutter.proceed();
        Ok(cutter)
    }

    /// Returns the title that was found in the source.
    pub fn title(&self) -> Option<&str> {
        self.reading.title.as_deref()
    }

    /// Returns the texts whose tokens have to be counted next; none if the passages are known.
    pub fn pieces(&self) -> Vec<&str> {
        if self.is_packed {
            return self.drafts.iter().filter(|draft| !draft.fits).map(|draft| draft.input.as_str()).collect();
        }
        let lines = self.lines.iter().flat_map(FirstLine::asked).map(String::as_str);
        let units = self.units.iter().filter(|unit| unit.tokens.is_none());
        lines.chain(units.map(|unit| self.asked(unit.part))).collect()
    }

    /// Takes the counts of tokens of the texts that [`pieces`](Self::pieces) returned.
    ///
    /// # Errors
    ///
    /// If there are more or fewer counts than pieces.
    pub fn counted(&mut self, tokens: &[u32]) -> Result<()> {
        let asked = self.pieces().len();
        if tokens.len() != asked {
            let what = format!("there are {asked} pieces to count, not {}: pass a number for each", tokens.len());
            return Err(Error::new(what));
        }
        if self.is_packed {
            self.check(tokens);
            return Ok(());
        }
        let mut tokens = tokens;
        for line in &mut self.lines {
            let (its, rest) = tokens.split_at(line.asked().len());
            line.counted(its, self.most / 4);
            tokens = rest;
        }
        for (unit, &tokens) in self.units.iter_mut().filter(|unit| unit.tokens.is_none()).zip(tokens) {
            unit.tokens = Some(tokens.into());
        }
        self.proceed();
        Ok(())
    }

    /// Returns the passages in the order of the document.
    ///
    /// # Errors
    ///
    /// If there are still pieces to count.
    pub fn passages(&self) -> Result<Vec<Passage>> {
        if !self.is_packed || self.drafts.iter().any(|draft| !draft.fits) {
            return Err(Error::new("the passages are not known yet: count the pieces first"));
        }
        let mut passages = Vec::with_capacity(self.drafts.len());
        let mut offsets = Vec::with_capacity(self.drafts.len());
        for draft in &self.drafts {
            let (start, end) = draft.range(self.reading.text());
            let Some(range) = self.reading.in_source(start, end) else { continue };
            offsets.push(range);
            passages.push(Passage {
                start: 0,
                end: 0,
                text: within(self.reading.text(), start, end).to_owned(),
                trail: self.trail(draft.section),
                anchor: self.reading.sections.get(draft.section).and_then(|section| section.anchor.clone()),
                input: draft.input.clone(),
            });
        }
        self.reading.to_utf16(&mut offsets);
        for (passage, (start, end)) in passages.iter_mut().zip(offsets) {
            (passage.start, passage.end) = (start, end);
        }
        Ok(passages)
    }

    fn trail(&self, section: usize) -> Arc<[String]> {
        self.reading.sections.get(section).map(|section| section.trail.clone()).unwrap_or_default()
    }

    /// Makes a unit of each block and a first line of each trail.
    fn start(&mut self, title: Option<&str>) {
        let mut last: Option<&Section> = None;
        for (at, section) in self.reading.sections.iter().enumerate() {
            if !last.is_some_and(|last| Arc::ptr_eq(&last.trail, &section.trail)) {
                self.lines.push(FirstLine::new(title, &section.trail));
            }
            last = Some(section);
            for (number, block) in section.blocks.iter().enumerate() {
                // White space between a block and the next one is the end of the former.
                let next = section.blocks.get(number + 1).map(|next| next.start);
                let is_near = |&next: &usize| {
                    next - block.end <= WIDEST_GAP && is_blank(within(self.reading.text(), block.end, next))
                };
                let end = next.filter(is_near).unwrap_or(block.end);
                let part = Part { start: block.start, end, shape: block.shape, level: block.level };
                let line = self.lines.len() - 1;
                self.units.push(Counted { part, section: at, line, tokens: None, is_whole: false });
            }
        }
        self.divide(|cutter, unit| {
            let length = unit.part.end - unit.part.start;
            let longest = usize::try_from(cutter.most).unwrap_or(usize::MAX).saturating_mul(LONGEST_TOKEN);
            if length > longest { length / longest + 1 } else { 0 }
        });
    }

    /// Divides what is too long; joins what there is to passages as soon as all counts are known.
    fn proceed(&mut self) {
        if self.lines.iter().all(|line| line.tokens().is_some()) {
            let whole = self.whole_sections();
            self.divide(|cutter, unit| {
                let (Some(tokens), false) = (unit.tokens, unit.is_whole) else { return 0 };
                let most = cutter.room(unit.line).most;
                let is_paragraph = unit.part.shape != Shape::Piece;
                match tokens > most {
                    true => usize::try_from(tokens / most).unwrap_or(usize::MAX).saturating_add(2),
                    // Only sentences can be repeated.
                    false if is_paragraph && cutter.overlap > 0 && !whole[unit.section] => 1,
                    false => 0,
                }
            });
        }
        let is_counted = self.units.iter().all(|unit| unit.tokens.is_some());
        if is_counted && self.lines.iter().all(|line| line.tokens().is_some()) {
            self.pack();
        }
    }

    /// Returns for each section whether it is one passage as it is, as far as that is known.
    fn whole_sections(&self) -> Vec<bool> {
        let mut sums = vec![(0_u64, 0_usize); self.reading.sections.len()];
        for unit in &self.units {
            let (sum, line) = &mut sums[unit.section];
            *sum = sum.saturating_add(unit.tokens.unwrap_or(0));
            *line = unit.line;
        }
        sums.into_iter().map(|(sum, line)| sum <= self.lines.get(line).map_or(0, |_| self.room(line).most)).collect()
    }

    /// Returns how many tokens passages have beside a first line.
    fn room(&self, line: usize) -> Room {
        let line = self.lines.get(line).and_then(FirstLine::tokens).unwrap_or(0);
        // The line's end is a token too.
        let line = if line == 0 { 0 } else { line + 1 };
        Room { most: self.most.saturating_sub(line).max(1), overlap: self.overlap }
    }

    /// Divides units: `pieces` says into about how many, 0 for those that stay, 1 for those that are divided where their
    /// shape says.
    fn divide(&mut self, pieces: impl Fn(&Self, &Counted) -> usize) {
        let mut units = Vec::with_capacity(self.units.len());
        for unit in &self.units {
            let count = pieces(self, unit);
            if count == 0 {
                units.push(*unit);
                continue;
            }
            let parts = split(self.reading.text(), unit.part, count);
            match parts[..] {
                [part] => units.push(Counted { part, is_whole: true, ..*unit }),
                _ => units.extend(parts.into_iter().map(|part| Counted { part, tokens: None, ..*unit })),
            }
        }
        self.units = units;
    }

    /// Returns the text of a part whose tokens are counted: with some of the white space at its end.
    fn asked(&self, part: Part) -> &str {
        let text = within(self.reading.text(), part.start, part.end);
        let length = text.trim_end_matches(is_white).len();
        within(text, 0, text.floor_char_boundary(length + WIDEST_GAP))
    }

    /// Joins the units to passages.
    fn pack(&mut self) {
        self.is_packed = true;
        let mut rest = self.units.as_slice();
        let mut drafts = Vec::new();
        while let Some(first) = rest.first() {
            let count = rest.iter().position(|unit| unit.section != first.section).unwrap_or(rest.len());
            let (section, behind) = rest.split_at(count);
            let units: Vec<Unit> = section
                .iter()
                .map(|unit| Unit { part: unit.part, tokens: unit.tokens.unwrap_or(u64::from(u32::MAX)) })
                .collect();
            for Packed { units, repeated } in pack(&units, self.room(first.line)) {
                let parts = section[units].iter().map(|unit| unit.part).collect();
                drafts.extend(self.draft(parts, repeated, (first.section, first.line), true));
            }
            rest = behind;
        }
        self.units = Vec::new();
        self.drafts = drafts;
    }

    /// Makes a draft of parts; `None` if those that are not repeated are white.
    fn draft(&self, parts: Vec<Part>, repeated: usize, of: (usize, usize), with_line: bool) -> Option<Draft> {
        let mut draft = Draft { parts, repeated, section: of.0, line: of.1, input: String::new(), fits: false };
        let (start, end) = draft.range(self.reading.text());
        let line = self.lines.get(of.1).map_or("", FirstLine::text);
        if with_line && !line.is_empty() {
            draft.input.push_str(line);
            draft.input.push('\n');
        }
        draft.input.push_str(within(self.reading.text(), start, end));
        let own = draft.parts.get(repeated).map_or(end, |part| part.start);
        (own < end).then_some(draft)
    }

    /// Takes the tokens of inputs; makes those shorter that have too many.
    fn check(&mut self, tokens: &[u32]) {
        let mut tokens = tokens.iter();
        let drafts = std::mem::take(&mut self.drafts);
        let mut checked = Vec::with_capacity(drafts.len());
        for mut draft in drafts {
            if !draft.fits {
                draft.fits = tokens.next().is_some_and(|&tokens| u64::from(tokens) <= self.most);
                if !draft.fits {
                    self.shorten(draft, &mut checked);
                    continue;
                }
            }
            checked.push(draft);
        }
        self.order(&mut checked);
        self.drafts = checked;
    }

    /// Makes each passage start behind the start of the one before, which may have become shorter.
    fn order(&self, drafts: &mut [Draft]) {
        for at in 1..drafts.len() {
            let (before, behind) = drafts.split_at_mut(at);
            let (Some(before), Some(draft)) = (before.last().and_then(|draft| draft.parts.first()), behind.first_mut())
            else {
                continue;
            };
            let repeated = &draft.parts[..draft.repeated];
            let late = repeated.iter().take_while(|part| part.start <= before.start).count();
            if late > 0 {
                let of = (draft.section, draft.line);
                let shorter = self.draft(draft.parts[late..].to_vec(), draft.repeated - late, of, true);
                *draft = shorter.unwrap_or_else(|| draft.clone());
            }
        }
    }

    /// Makes a passage shorter that has too many tokens: it repeats nothing, or becomes two. One character stays, without
    /// a first line.
    fn shorten(&self, draft: Draft, drafts: &mut Vec<Draft>) {
        let of = (draft.section, draft.line);
        let own = draft.parts[draft.repeated..].to_vec();
        if draft.repeated > 0 {
            drafts.extend(self.draft(own, 0, of, true));
            return;
        }
        let halves = match own[..] {
            [part] => split(self.reading.text(), part, 2),
            _ => own,
        };
        if halves.len() > 1 {
            let (first, second) = halves.split_at(middle(&halves));
            drafts.extend(self.draft(first.to_vec(), 0, of, true));
            drafts.extend(self.draft(second.to_vec(), 0, of, true));
        } else if let Some(mut bare) = self.draft(halves, 0, of, false) {
            bare.fits = true;
            drafts.push(bare);
        }
    }
}

impl Draft {
    /// Returns where it stands in the text that is read, without white space at its ends.
    fn range(&self, text: &str) -> (usize, usize) {
        match (self.parts.first(), self.parts.last()) {
            (Some(first), Some(last)) => trimmed(text, first.start, last.end),
            _ => (0, 0),
        }
    }
}

/// Returns where parts are best divided into two: at the best place that leaves a quarter on either side, near the middle.
fn middle(parts: &[Part]) -> usize {
    let half = parts.len() / 2;
    let quarter = (parts.len() / 4).max(1);
    let place = |&at: &usize| (parts[at].level, at.abs_diff(half));
    (quarter..=parts.len() - quarter).filter(|&at| at < parts.len()).min_by_key(place).unwrap_or(half.max(1))
}
