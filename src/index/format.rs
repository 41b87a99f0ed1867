//! The files of an index: `index.json`, and the documents of a segment. docs/index-format.md describes them.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};
use crate::tree;

/// Bytes of a block of texts, the smallest part that a page can check.
pub(super) const BLOCK: usize = 16384;
/// Most passages of a segment.
pub(super) const MOST_ROWS: usize = 8192;
/// Most bytes of `index.json`, and of a segment's documents before they are compressed.
pub(super) const MOST_JSON: u64 = 256 << 20;

/// A part of an index in a file of its own; the file's name ends with the section's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Documents,
    Vectors,
    Fine,
    Texts,
    Words,
}

impl Section {
    pub const ALL: [Self; 5] = [Self::Documents, Self::Vectors, Self::Fine, Self::Texts, Self::Words];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Vectors => "vectors",
            Self::Fine => "fine",
            Self::Texts => "texts",
            Self::Words => "words",
        }
    }

    /// Returns the name of the file with this content.
    pub fn file_name(self, sha256: &str) -> String {
        format!("{}.{}", &sha256[..32], self.as_str())
    }

    /// Returns whether a file's name is one that an index gives to its files.
    pub fn is_file_name(name: &str) -> bool {
        let Some((hash, section)) = name.split_once('.') else { return false };
        is_hex(hash, 32) && Self::ALL.into_iter().any(|known| known.as_str() == section)
    }
}

/// The content of `index.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub format: String,
    pub version: u32,
    pub space: String,
    pub model: ModelEntry,
    pub dimensions: usize,
    pub passage: PassageEntry,
    pub documents: usize,
    pub passages: usize,
    pub calibration: Calibration,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    pub segments: Vec<SegmentEntry>,
    pub words: FileEntry,
}

/// The model, for pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelEntry {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The SHA-256 of the pack's manifest as `sha256-` and base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
}

/// How documents were cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PassageEntry {
    pub tokens: usize,
    pub overlap: usize,
}

/// What is usual in the index: the mean cosine of pairs of its passages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calibration {
    pub dimensions: usize,
    pub mean: f64,
    pub count: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SegmentEntry {
    pub rows: usize,
    pub documents: FileEntry,
    pub vectors: FileEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fine: Option<FileEntry>,
    pub texts: TextsEntry,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileEntry {
    pub file: String,
    pub bytes: u64,
    pub sha256: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TextsEntry {
    #[serde(flatten)]
    pub entry: FileEntry,
    /// Bytes of a block; the last may be shorter.
    pub block: usize,
    /// The SHA-256 of each block.
    pub blocks: Vec<String>,
}

/// The documents of a segment. An index never removes or replaces anything; its form is that of stored collections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Documents {
    pub documents: Vec<DocumentEntry>,
    pub removed: Vec<String>,
    pub replaces: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DocumentEntry {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<serde_json::Map<String, serde_json::Value>>,
    pub kind: String,
    pub hash: String,
    pub passages: Vec<PassageLocation>,
}

/// A passage: where it is in its document, and where its text is in `texts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PassageLocation {
    /// UTF-16 offsets in the document's source.
    pub start: usize,
    pub end: usize,
    /// Place and length in bytes.
    pub at: usize,
    pub bytes: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trail: Vec<String>,
    /// What leads to it on its page, behind `#`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// [`short_hash`] of what was embedded.
    pub hash: String,
}

impl Manifest {
    pub const FILE: &'static str = "index.json";
    pub const FORMAT: &'static str = "felsic-index";
    pub const VERSION: u32 = 1;

    /// Reads `index.json` and checks what can be checked without the other files.
    ///
    /// # Errors
    /// [`Code::IndexInvalid`].
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| invalid(format!("{} cannot be read", Self::FILE)).because(error))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<()> {
        if self.format != Self::FORMAT || self.version != Self::VERSION {
            let what = format!("{} is of format {:?}, version {}", Self::FILE, self.format, self.version);
            return Err(invalid(format!("{what}; this felsic reads {}, version {}", Self::FORMAT, Self::VERSION)));
        }
        if self.segments.iter().any(|segment| segment.rows > MOST_ROWS) {
            return Err(invalid(format!("a segment has more than {MOST_ROWS} passages")));
        }
        if self.segments.iter().map(|segment| segment.rows).sum::<usize>() != self.passages {
            return Err(invalid("the segments have more or fewer passages than the index"));
        }
        for (section, entry) in self.entries() {
            let is_sound = is_hex(&entry.sha256, 64) && entry.file == section.file_name(&entry.sha256);
            if !is_sound {
                return Err(invalid(format!("{:?} is not the name of a file of an index", entry.file)));
            }
        }
        Ok(())
    }

    /// Returns all files with their sections.
    pub fn entries(&self) -> impl Iterator<Item = (Section, &FileEntry)> {
        self.segments.iter().flat_map(SegmentEntry::entries).chain([(Section::Words, &self.words)])
    }

    pub fn to_json(&self) -> Result<Vec<u8>> {
        json(self)
    }
}

impl SegmentEntry {
    fn entries(&self) -> impl Iterator<Item = (Section, &FileEntry)> {
        let files = [
            (Section::Documents, &self.documents),
            (Section::Vectors, &self.vectors),
            (Section::Texts, &self.texts.entry),
        ];
        files.into_iter().chain(self.fine.as_ref().map(|fine| (Section::Fine, fine)))
    }
}

impl Documents {
    /// Reads a segment's documents and checks that their passages stand one after another in `texts`.
    ///
    /// # Errors
    /// [`Code::IndexInvalid`].
    pub fn from_gzip(bytes: &[u8], rows: usize, texts: u64) -> Result<Self> {
        let mut json = Vec::new();
        let read = GzDecoder::new(bytes).take(MOST_JSON + 1).read_to_end(&mut json);
        read.map_err(|error| invalid("documents are not compressed as they should be").because(error))?;
        if json.len() as u64 > MOST_JSON {
            return Err(invalid(format!("the documents of a segment have more than {MOST_JSON} bytes")));
        }
        if tree::is_too_large(&json) {
            return Err(invalid("the documents of a segment have more objects and lists than any need"));
        }
        let documents: Self =
            serde_json::from_slice(&json).map_err(|error| invalid("documents cannot be read").because(error))?;
        let mut end = 0;
        for passage in documents.passages() {
            if passage.at != end || !is_hex(&passage.hash, 16) {
                return Err(invalid("a passage's text is not where the one before it ends"));
            }
            end = end.checked_add(passage.bytes).ok_or_else(|| invalid("a passage has no end"))?;
        }
        if documents.passages().count() != rows || end as u64 != texts {
            return Err(invalid("a segment has more or fewer passages than its documents"));
        }
        Ok(documents)
    }

    pub fn passages(&self) -> impl Iterator<Item = &PassageLocation> {
        self.documents.iter().flat_map(|document| &document.passages)
    }

    pub fn to_gzip(&self) -> Result<Vec<u8>> {
        gzip(|out| serde_json::to_writer(out, self).map_err(std::io::Error::from))
    }
}

/// Returns an error about an index that is damaged or that something else has made.
pub(super) fn invalid(what: impl Into<String>) -> Error {
    Error::new(Code::IndexInvalid, what)
}

/// Compresses what `write` writes. The same input gives the same bytes: there is no name and no time in them.
pub(super) fn gzip(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    let written = write(&mut out).and_then(|()| out.finish());
    written.map_err(|error| Error::new(Code::Internal, "a part of the index cannot be compressed").because(error))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|error| Error::new(Code::Internal, "a part of the index cannot be written as JSON").because(error))
}

/// Returns the SHA-256 of bytes in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Returns the first 16 hexadecimal digits of the SHA-256 of parts. The length of each goes before it, so that no two
/// lists of parts are the same bytes.
pub(super) fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        if parts.len() > 1 {
            hash.update((part.len() as u64).to_le_bytes());
        }
        hash.update(part.as_bytes());
    }
    let mut hash = format!("{:x}", hash.finalize());
    hash.truncate(16);
    hash
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(section: Section) -> FileEntry {
        let sha256 = sha256(section.as_str().as_bytes());
        FileEntry { file: section.file_name(&sha256), bytes: 1, sha256 }
    }

    fn manifest() -> Manifest {
        let texts = TextsEntry { entry: entry(Section::Texts), block: BLOCK, blocks: vec![sha256(b"")] };
        let segment = SegmentEntry {
            rows: 3,
            documents: entry(Section::Documents),
            vectors: entry(Section::Vectors),
            fine: None,
            texts,
        };
        Manifest {
            format: Manifest::FORMAT.into(),
            version: 1,
            space: "m@1/int8/4".into(),
            model: ModelEntry { name: "m".into(), revision: None, url: None, integrity: None },
            dimensions: 4,
            passage: PassageEntry { tokens: 200, overlap: 30 },
            documents: 1,
            passages: 3,
            calibration: Calibration { dimensions: 4, mean: 0.5, count: 3 },
            base: None,
            segments: vec![segment],
            words: entry(Section::Words),
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let manifest = manifest();
        assert_eq!(Manifest::from_json(&manifest.to_json().expect("JSON")).expect("sound"), manifest);
        assert_eq!(manifest.entries().count(), 4);
    }

    #[test]
    fn a_file_of_an_index_cannot_be_another() {
        let changes: [fn(&mut Manifest); 6] = [
            |manifest| manifest.words.file = "../../etc/passwd".into(),
            |manifest| manifest.words.file = "index.html".into(),
            |manifest| manifest.words.sha256 = "0".repeat(64),
            |manifest| manifest.segments[0].rows = 4,
            |manifest| manifest.segments[0].texts.entry.sha256.push('0'),
            |manifest| manifest.version = 2,
        ];
        for change in changes {
            let mut manifest = manifest();
            change(&mut manifest);
            let json = manifest.to_json().expect("JSON");
            assert_eq!(Manifest::from_json(&json).expect_err("refused").code(), Code::IndexInvalid);
        }
        for bytes in [&b""[..], b"[]", b"{}", b"{\"format\":\"felsic-index\"}"] {
            assert_eq!(Manifest::from_json(bytes).expect_err("refused").code(), Code::IndexInvalid);
        }
    }

    #[test]
    fn only_names_of_an_index_are_its_own() {
        assert!(Section::is_file_name(&format!("{}.words", "0a".repeat(16))));
        for name in
            ["index.json", "a.words", &format!("{}.png", "0a".repeat(16)), &format!("{}.words.x", "0a".repeat(16))]
        {
            assert!(!Section::is_file_name(name), "{name}");
        }
    }

    #[test]
    fn documents_must_fit_their_texts() {
        let passage = |at, bytes| PassageLocation {
            start: 0,
            end: 1,
            at,
            bytes,
            trail: vec![],
            anchor: None,
            hash: "0".repeat(16),
        };
        let document = |passages| DocumentEntry {
            id: "a".into(),
            title: None,
            url: None,
            tags: None,
            meta: None,
            kind: "text".into(),
            hash: "0".repeat(16),
            passages,
        };
        let documents = |passages| Documents { documents: vec![document(passages)], removed: vec![], replaces: vec![] };
        let sound = documents(vec![passage(0, 4), passage(4, 2)]);
        let bytes = sound.to_gzip().expect("compressed");
        assert_eq!(Documents::from_gzip(&bytes, 2, 6).expect("sound"), sound);
        assert_eq!(bytes, sound.to_gzip().expect("compressed"));
        let refused = |bytes: &[u8], rows, texts| Documents::from_gzip(bytes, rows, texts).expect_err("refused").code();
        assert_eq!(refused(&bytes, 3, 6), Code::IndexInvalid);
        assert_eq!(refused(&bytes, 2, 7), Code::IndexInvalid);
        assert_eq!(refused(&bytes[..bytes.len() - 9], 2, 6), Code::IndexInvalid);
        let overlapping = documents(vec![passage(0, 4), passage(3, 2)]).to_gzip().expect("compressed");
        assert_eq!(refused(&overlapping, 2, 5), Code::IndexInvalid);
    }

    #[test]
    fn documents_whose_meta_would_fill_the_memory_are_refused() {
        let read = |fields: usize| {
            let meta = format!("{{\"a\":[{}0]}}", "{},".repeat(fields));
            let hash = "0".repeat(16);
            let document =
                format!("{{\"id\":\"a\",\"kind\":\"text\",\"hash\":\"{hash}\",\"meta\":{meta},\"passages\":[]}}");
            let json = format!("{{\"documents\":[{document}],\"removed\":[],\"replaces\":[]}}");
            Documents::from_gzip(&gzip(|out| out.write_all(json.as_bytes())).expect("compressed"), 0, 0)
        };
        assert!(read(40_000).is_ok());
        assert_eq!(read(2_000_000).expect_err("refused").code(), Code::IndexInvalid);
    }

    #[test]
    fn hashes_tell_lists_of_parts_apart() {
        assert_eq!(short_hash(&["felsic"]), sha256(b"felsic")[..16]);
        assert_ne!(short_hash(&["a", "bc"]), short_hash(&["ab", "c"]));
    }
}
