//! Plain text: paragraphs between blank lines.

use super::lines::{is_blank, lines, trimmed};
use super::outline::Outline;
use super::reading::{Level, Reading, Shape};

/// Reads plain text.
pub(super) fn read(source: String, title: Option<&str>) -> Reading {
    let mut outline = Outline::new(title);
    let mut open: Option<(usize, usize)> = None;
    let mut close = |open: &mut Option<(usize, usize)>| {
        if let Some((start, end)) = open.take() {
            let (start, end) = trimmed(&source, start, end);
            outline.block(start, end, Shape::Prose, Level::Paragraph);
        }
    };
    for line in lines(&source, 0, source.len()) {
        if is_blank(line.of(&source)) {
            close(&mut open);
        } else {
            open = Some((open.map_or(line.start, |(start, _)| start), line.end));
        }
    }
    close(&mut open);
    let (title, sections) = outline.finish();
    Reading::of_source(source, title, sections)
}
