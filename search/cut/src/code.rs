//! Source code: groups of lines between blank lines; where a group at the left margin starts, a definition does.

use super::lines::{is_blank, lines, trimmed};
use super::outline::Outline;
use super::reading::{Level, Reading, Shape};

/// Reads source code.
pub(super) fn read(source: String, title: Option<&str>) -> Reading {
    let mut outline = Outline::new(title);
    let mut open: Option<(usize, usize, Level)> = None;
    let mut blank = true;
    let mut close = |open: &mut Option<(usize, usize, Level)>| {
        if let Some((start, end, level)) = open.take() {
            let (start, end) = trimmed(&source, start, end);
            outline.block(start, end, Shape::Lines, level);
        }
    };
    for line in lines(&source, 0, source.len()) {
        let text = line.of(&source);
        if is_blank(text) {
            close(&mut open);
            blank = true;
            continue;
        }
        let (start, level) = match open {
            Some((start, _, level)) => (start, level),
            None => (line.start, if blank && at_margin(text) { Level::Paragraph } else { Level::Item }),
        };
        open = Some((start, line.end, level));
        blank = false;
    }
    close(&mut open);
    let (title, sections) = outline.finish();
    Reading::of_source(source, title, sections)
}

/// Returns whether a line starts at the left margin, and does not end what is above it.
pub(super) fn at_margin(line: &str) -> bool {
    !line.starts_with([' ', '\t', '}', ')', ']'])
}
