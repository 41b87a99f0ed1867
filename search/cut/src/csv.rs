//! Comma-separated values (RFC 4180): a section for each row, `name: value` lines.

use super::lines::{behind, bytes_of, find, tail, within};
use super::outline::Outline;
use super::reading::{Extract, Level, Reading, Shape};

/// The longest name of a column, in bytes: a longer one is a text, and the first row is like the others.
const LONGEST_NAME: usize = 100;

/// A field of a row: where its content stands, without quotes.
struct Field {
    start: usize,
    end: usize,
    is_quoted: bool,
}

/// Reads comma-separated values; semicolons and tabs separate too, if the first row has more of them.
pub(super) fn read(source: String, title: Option<&str>) -> Reading {
    let mut outline = Outline::new(title);
    let mut extract = Extract::default();
    let mut at = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let separator = separator(behind(&source, at));
    let mut fields = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut head = None;
    let mut is_first = true;
    while at < source.len() {
        let start = at;
        at = row(&source, at, separator, &mut fields);
        let is_head =
            std::mem::take(&mut is_first) && fields.iter().all(|field| field.end - field.start <= LONGEST_NAME);
        if is_head {
            names = fields.iter().map(|field| value(&source, field).trim().to_owned()).collect();
            head = Some(start);
        } else if add(&source, &fields, &names, &mut extract, &mut outline) {
            head = None;
        }
    }
    // A table without rows is read as its names.
    if let Some(head) = head {
        row(&source, head, separator, &mut fields);
        add(&source, &fields, &[], &mut extract, &mut outline);
    }
    let (title, sections) = outline.finish();
    Reading::of_extract(source, extract, title, sections)
}

/// Returns what separates the fields of the first line.
fn separator(source: &str) -> u8 {
    let line = source.lines().next().unwrap_or("");
    let count = |separator: u8| line.bytes().filter(|&byte| byte == separator).count();
    [b'\t', b';', b','].into_iter().max_by_key(|&separator| count(separator)).unwrap_or(b',')
}

/// Reads a row; returns where the next one starts.
fn row(source: &str, start: usize, separator: u8, fields: &mut Vec<Field>) -> usize {
    let bytes = source.as_bytes();
    let mut at = start;
    fields.clear();
    loop {
        let is_quoted = bytes.get(at) == Some(&b'"');
        let from = at + usize::from(is_quoted);
        let mut to = None;
        at = from;
        if is_quoted {
            // Two quotes are one that belongs to the value.
            while let Some(length) = tail(bytes, at).iter().position(|&byte| byte == b'"') {
                at += length + 1;
                if bytes.get(at) != Some(&b'"') {
                    to = Some(at - 1);
                    break;
                }
                at += 1;
            }
            if to.is_none() {
                at = bytes.len();
            }
        }
        let end = |byte: &u8| *byte == separator || *byte == b'\n' || *byte == b'\r';
        let rest = tail(bytes, at).iter().position(end).unwrap_or(bytes.len() - at);
        // What follows a closing quote belongs to the value: nothing is lost.
        let end = if rest > 0 { at + rest } else { to.unwrap_or(at) };
        fields.push(Field { start: from, end, is_quoted });
        at += rest;
        match bytes.get(at) {
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => return at + 2,
            Some(byte) if *byte == separator => at += 1,
            Some(_) => return at + 1,
            None => return at,
        }
    }
}

fn value(source: &str, field: &Field) -> String {
    let text = within(source, field.start, field.end);
    let mut after_quote = false;
    let mut is_kept = |c: &char| {
        after_quote = field.is_quoted && *c == '"' && !after_quote;
        *c != '"' || !field.is_quoted || after_quote
    };
    text.chars().filter(|c| is_kept(c)).collect()
}

/// Adds a row as a section; returns whether it has any text.
fn add(source: &str, fields: &[Field], names: &[String], extract: &mut Extract, outline: &mut Outline) -> bool {
    outline.divide();
    let mut has_text = false;
    for (number, field) in fields.iter().enumerate() {
        let text = within(source, field.start, field.end);
        let white = text.len() - text.trim_start().len();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let start = extract.len();
        if let Some(name) = names.get(number).filter(|name| !name.is_empty()) {
            extract.add(name);
            extract.add(": ");
        }
        let mut at = field.start + white;
        let end = at + text.len();
        while let Some(quote) = find(bytes_of(source.as_bytes(), at, end), b"\"\"").filter(|_| field.is_quoted) {
            extract.copy(source, at, at + quote);
            extract.take("\"", at + quote, at + quote + 2);
            at += quote + 2;
        }
        extract.copy(source, at, end);
        outline.block(start, extract.len(), Shape::Prose, if has_text { Level::Item } else { Level::Paragraph });
        extract.add("\n");
        has_text = true;
    }
    has_text
}
