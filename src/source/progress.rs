//! The progress of a load.

use std::collections::BTreeMap;

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The manifest.
    Manifest,
    /// The tokenizer.
    Tokenizer,
    /// The shards.
    Weights,
}

impl Phase {
    /// All phases, in the order in which they begin.
    pub const ALL: [Self; 3] = [Self::Manifest, Self::Tokenizer, Self::Weights];

    /// Returns the name that the JavaScript API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Manifest => "manifest",
            Phase::Tokenizer => "tokenizer",
            Phase::Weights => "weights",
        }
    }
}

/// The progress of a load. `loaded_bytes` never falls and ends at `total_bytes`, which stays the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being read.
    pub phase: Phase,
    /// The file that is being read.
    pub file: String,
    /// Bytes that have been read.
    pub loaded_bytes: u64,
    /// Bytes that are to be read in total.
    pub total_bytes: u64,
}

/// Counts the bytes of files, several at a time and some more than once, towards a total.
#[derive(Clone, Debug)]
pub struct Meter {
    total: u64,
    files: BTreeMap<String, u64>,
}

impl Meter {
    /// Starts with nothing of `total` bytes.
    pub fn new(total: u64) -> Self {
        Self { total, files: BTreeMap::new() }
    }

    /// Records that `bytes` bytes of `file` have arrived. A smaller number than before means that the file is being
    /// read again, and is ignored.
    pub fn at(&mut self, phase: Phase, file: &str, bytes: u64) -> Progress {
        let most = self.files.entry(file.to_string()).or_default();
        *most = bytes.max(*most);
        let loaded = self.files.values().sum::<u64>();
        Progress { phase, file: file.to_string(), loaded_bytes: loaded.min(self.total), total_bytes: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_falls_and_ends_at_the_total() {
        let mut meter = Meter::new(100);
        let steps = [("a", 10), ("b", 30), ("a", 60), ("b", 5), ("b", 40)];
        let seen: Vec<u64> =
            steps.iter().map(|(file, bytes)| meter.at(Phase::Weights, file, *bytes).loaded_bytes).collect();
        assert_eq!(seen, [10, 40, 90, 90, 100]);
    }
}
