//! The index that is being updated: the vectors that need not be computed again.

use std::collections::HashMap;
use std::path::Path;

use super::format::{Documents, Manifest, SegmentEntry, invalid};
use super::output::read_entry;
use super::segment::Row;
use crate::error::{Code, Error, Result};
use crate::source::read_whole;

/// The rows of an index, by the hash of what was embedded.
#[derive(Default)]
pub(super) struct Previous {
    rows: HashMap<String, Row>,
}

impl Previous {
    /// Reads the index in `folder` and checks all that it takes of it. A folder without one gives no rows. `fine` says whether
    /// the new index has the fine halves too: without them, rows of an older one are of no use then.
    ///
    /// # Errors
    /// [`Code::NeedsReindex`] if its vectors are of another space, [`Code::IndexInvalid`] if it is damaged, [`Code::Io`].
    pub fn read(folder: &Path, space: &str, dimensions: usize, fine: bool) -> Result<Self> {
        let path = folder.join(Manifest::FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let manifest = Manifest::from_json(&read_whole(&path, super::format::MOST_JSON)?)?;
        if manifest.space != space || manifest.dimensions != dimensions {
            let message = format!(
                "the index in {} has vectors of {}, and this model makes those of {space}: open the model that it was made with, \
                 or run again without --update to embed everything anew",
                folder.display(),
                manifest.space
            );
            return Err(Error::new(Code::NeedsReindex, message));
        }
        let mut previous = Self::default();
        for segment in manifest.segments.iter().filter(|segment| !fine || segment.fine.is_some()) {
            previous.add(folder, segment, dimensions, fine)?;
        }
        Ok(previous)
    }

    fn add(&mut self, folder: &Path, segment: &SegmentEntry, dimensions: usize, fine: bool) -> Result<()> {
        let documents = read_entry(folder, &segment.documents)?;
        let documents = Documents::from_gzip(&documents, segment.rows, segment.texts.entry.bytes)?;
        let vectors = read_entry(folder, &segment.vectors)?;
        let fine = match segment.fine.as_ref().filter(|_| fine) {
            Some(fine) => Some(read_entry(folder, fine)?),
            None => None,
        };
        let rows = Row::all(&vectors, fine.as_deref(), segment.rows, dimensions)
            .ok_or_else(|| invalid("a segment has more or fewer vectors than passages"))?;
        for (passage, row) in documents.passages().zip(rows) {
            row.check()?;
            self.rows.insert(passage.hash.clone(), row);
        }
        Ok(())
    }

    /// Returns the number of different rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the row of what has this hash.
    pub fn row(&self, hash: &str) -> Option<&Row> {
        self.rows.get(hash)
    }
}
