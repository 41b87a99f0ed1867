//! Parquet: a row for each text, columns with the names of the fields of JSON lines.

use std::path::Path;

use super::{Line, wrong};
use crate::columns::{Cell, Names, Rows, Text};
use crate::error::Result;
use crate::tree;

/// Columns that are read; of `vector` and `embedding` a file has one.
const COLUMNS: [&str; 13] =
    ["id", "text", "embedding", "vector", "title", "url", "tags", "meta", "kind", "start", "end", "trail", "anchor"];

/// Calls `take` with each row of a file, and where it is.
pub(super) fn read(path: &Path, take: &mut dyn FnMut(Line, &str) -> Result<()>) -> Result<()> {
    let name = path.display().to_string();
    let mut rows = Rows::open(path, &COLUMNS)?;
    let mut first = 1;
    while let Some(batch) = rows.next(&|names| check(&name, names))? {
        let mut columns: Vec<_> = batch.columns.into_iter().map(|(name, cells)| (name, cells.into_iter())).collect();
        for row in (first..).take(batch.count) {
            let (mut line, place) = (Line::default(), place(&name, row));
            for (column, cells) in &mut columns {
                let cell = cells.next().unwrap_or(Cell::Nothing);
                line.set(column, cell).map_err(|what| wrong(&place, &what))?;
            }
            take(line, &place)?;
        }
        first += batch.count;
    }
    Ok(())
}

fn place(name: &str, row: usize) -> String {
    format!("{name}, row {row}")
}

/// Checks that a row group has the columns that are needed.
fn check(name: &str, names: Names<'_>) -> Result<()> {
    if let Some(column) = ["id", "text"].into_iter().find(|column| !names.has(column)) {
        return Err(wrong(name, &format!("has no column \"{column}\"")));
    }
    match (names.has("embedding"), names.has("vector")) {
        (true, true) => Err(wrong(name, "has the columns \"embedding\" and \"vector\": keep one")),
        (false, false) => Err(wrong(name, "has no column \"embedding\"")),
        _ => Ok(()),
    }
}

impl Line {
    /// Sets the field of a name.
    fn set(&mut self, name: &str, cell: Cell) -> std::result::Result<(), String> {
        let all = |texts: &[Text]| texts.iter().map(Text::read).collect::<std::result::Result<Vec<_>, _>>();
        let offset = |number| usize::try_from(number).map_err(|_| format!("has a negative \"{name}\""));
        match (name, cell) {
            (_, Cell::Nothing) => {}
            // Tables often number their rows.
            ("id", Cell::Number(number)) => self.id = number.to_string(),
            ("id", Cell::Text(text)) => self.id = text.read()?,
            ("text", Cell::Text(text)) => self.text = text.read()?,
            ("title", Cell::Text(text)) => self.title = Some(text.read()?),
            ("url", Cell::Text(text)) => self.url = Some(text.read()?),
            ("kind", Cell::Text(text)) => self.kind = Some(text.read()?),
            ("anchor", Cell::Text(text)) => self.anchor = Some(text.read()?),
            ("tags", Cell::Texts(texts)) => self.tags = Some(all(&texts)?),
            ("trail", Cell::Texts(texts)) => self.trail = Some(all(&texts)?),
            ("start", Cell::Number(number)) => self.start = Some(offset(number)?),
            ("end", Cell::Number(number)) => self.end = Some(offset(number)?),
            ("embedding" | "vector", Cell::Numbers(numbers)) => self.embedding = numbers,
            ("meta", Cell::Text(json)) => {
                let json = json.read()?;
                if tree::is_too_large(json.as_bytes()) {
                    return Err("has more objects and lists in \"meta\" than any text needs".to_string());
                }
                let meta = serde_json::from_str(&json).map_err(|_| "has a \"meta\" that is not an object in JSON")?;
                self.meta = Some(meta);
            }
            _ => return Err(format!("has a value of another type in \"{name}\"")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::error::Code;

    fn fixture(name: &str) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "tests/fixtures/search", name].iter().collect()
    }

    /// Returns the rows of a file, with the numbers that their places have.
    fn rows(path: &Path) -> Result<Vec<(Line, String)>> {
        let mut rows = Vec::new();
        read(path, &mut |line, place| {
            rows.push((line, place.rsplit(' ').next().unwrap_or_default().to_string()));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn columns_of_all_forms_are_read() {
        let rows = rows(&fixture("vectors-list.parquet")).expect("sound");
        assert_eq!(rows.iter().map(|(_, number)| number.as_str()).collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
        let (first, _) = &rows[0];
        assert_eq!((first.id.as_str(), first.title.as_deref()), ("0", Some("Title 0")));
        assert_eq!(first.tags.as_deref(), Some(&["even".to_string(), "small".to_string()][..]));
        assert_eq!(first.meta.as_ref().and_then(|meta| meta["page"].as_u64()), Some(0));
        assert_eq!((first.embedding.len(), first.start), (256, None));
        assert!(rows[3].0.tags.is_none() && rows[3].0.title.is_none());
        let fixed = super::tests::rows(&fixture("vectors-fixed.parquet")).expect("sound");
        let length = |line: &Line| line.embedding.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!(fixed.len() == 5 && fixed.iter().all(|(line, _)| (length(line) - 2.5).abs() < 1e-4));
    }

    #[test]
    fn whatever_byte_is_wrong_a_file_is_refused_or_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("damaged.parquet");
        let (mut refused, mut state) = (0, 7u64);
        let mut below = |most: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % most
        };
        // Set to try more.
        let rounds = std::env::var("FELSIC_MUTATIONS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(400);
        for name in ["vectors-list.parquet", "vectors-fixed.parquet"] {
            let sound = fs::read(fixture(name)).expect("a fixture");
            for round in 0..rounds {
                let mut damaged = sound.clone();
                for _ in 0..1 + below(3) {
                    // Half of them in the metadata at the end, where everything else is described.
                    let at = if round % 2 == 0 { sound.len() - 1 - below(2500) } else { below(sound.len()) };
                    damaged[at] ^= 1 << below(8);
                }
                fs::write(&file, &damaged).expect("written");
                if let Err(error) = rows(&file) {
                    assert_eq!(error.code(), Code::InputInvalid, "{error}");
                    refused += 1;
                }
            }
        }
        assert!(refused > rounds / 4, "{refused}");
    }
}
