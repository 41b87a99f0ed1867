//! Files in memory.

use std::collections::BTreeMap;

use super::{Sink, Source, Wanted};
use crate::error::{Code, Error, Result};

/// Files by name.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    /// The bytes of each file.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Source for MemorySource {
    async fn read(&self, wanted: Wanted<'_>, sink: &mut dyn Sink) -> Result<()> {
        let file = wanted.file;
        let bytes = self.files.get(file);
        sink.push(bytes.ok_or_else(|| Error::new(Code::NotFound, format!("there is no file {file} in memory")))?)?;
        sink.finish()
    }

    fn location(&self, file: &str) -> String {
        file.to_string()
    }
}
