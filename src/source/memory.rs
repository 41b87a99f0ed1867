//! Files in memory.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Sink, Source};
use crate::error::{Code, Error, Result};

/// Files by name.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    /// The bytes of each file.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Source for MemorySource {
    async fn read(&self, file: &str, range: Option<Range<u64>>, sink: Sink<'_>) -> Result<()> {
        let bytes = self.files.get(file);
        let bytes = bytes.ok_or_else(|| Error::new(Code::NotFound, format!("there is no file {file} in memory")))?;
        let range = range.unwrap_or(0..u64::MAX);
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        sink(bytes.get(place(range.start)..place(range.end)).unwrap_or_default())
    }

    fn location(&self, file: &str) -> String {
        file.to_string()
    }
}
