//! The files of a checkpoint: those in its folder, or those that a GGUF file stands for.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::checkpoint::{CheckpointWeights, OpenFile};
use super::gguf;
use super::open::{MOST_WHOLE, io_error, open, read_whole};
use crate::config::{EmbedderConfig, ModelConfig};
use crate::error::{Code, Error, Result};
use crate::tokenizer::TokenizerSettings;
use crate::weights::gguf::{Contents, Header};

/// Bytes of a header that are read at a time, at most.
const PIECE: usize = 1 << 20;

/// A checkpoint whose files can be read by name.
pub(crate) struct CheckpointFiles<'p> {
    path: &'p Path,
    gguf: Option<GgufFile>,
}

struct GgufFile {
    contents: Contents,
    length: u64,
    files: BTreeMap<String, Vec<u8>>,
}

/// Returns whether a path is to be read as a GGUF file.
pub(crate) fn is_gguf(path: &Path) -> bool {
    let ends = |ending: &OsStr| ending.eq_ignore_ascii_case(gguf::ENDING.trim_start_matches('.'));
    path.extension().is_some_and(ends) && !path.is_dir()
}

impl<'p> CheckpointFiles<'p> {
    /// Opens a folder, or a file whose name ends in `.gguf`.
    ///
    /// # Errors
    /// [`Code::NotFound`]; those of a GGUF file's header and of [`gguf::files`].
    pub fn open(path: &'p Path) -> Result<Self> {
        if is_gguf(path) {
            return Ok(Self { path, gguf: Some(GgufFile::open(path)?) });
        }
        match path.is_dir() {
            true => Ok(Self { path, gguf: None }),
            false => Err(Error::new(Code::NotFound, format!("{} is neither a folder nor a GGUF file", path.display()))),
        }
    }

    /// Reads a file; `None` where there is none.
    pub fn read(&self, file: &str) -> Result<Option<Vec<u8>>> {
        match self.needed(file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.code() == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a file that must exist.
    pub fn needed(&self, file: &str) -> Result<Vec<u8>> {
        match &self.gguf {
            None => read_whole(&self.path.join(file), MOST_WHOLE),
            Some(gguf) => {
                let missing = || Error::new(Code::NotFound, format!("a GGUF file has no {file}"));
                gguf.files.get(file).cloned().ok_or_else(missing)
            }
        }
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// Those of [`EmbedderConfig::from_files`].
    pub fn config(&self) -> Result<EmbedderConfig> {
        EmbedderConfig::from_files(|file| self.read(file))
    }

    /// Reads what the checkpoint says about its tokenizer beside `tokenizer.json`.
    ///
    /// # Errors
    /// Those of [`TokenizerSettings::from_files`].
    pub fn tokenizer_settings(&self) -> Result<TokenizerSettings> {
        TokenizerSettings::from_files(|file| self.read(file))
    }

    /// Opens the weights and checks them against the config; see [`CheckpointWeights`].
    ///
    /// # Errors
    /// Those of [`CheckpointWeights::open`].
    pub fn weights(&self, config: &ModelConfig) -> Result<CheckpointWeights> {
        let Some(GgufFile { contents, length, .. }) = &self.gguf else {
            return CheckpointWeights::open(self.path, config);
        };
        let (file, now) = open(self.path)?;
        if now != *length {
            return Err(Error::new(Code::Io, format!("{} changes while it is read", self.path.display())));
        }
        let file = OpenFile { path: self.path.to_path_buf(), file, data: contents.length() as u64, length: now };
        CheckpointWeights::of_gguf(file, gguf::coming(contents)?, config)
    }

    /// Returns whether it is a GGUF file.
    pub fn is_gguf(&self) -> bool {
        self.gguf.is_some()
    }

    /// Returns the model's name and revision as its path states them: the name of the folder, or of the file without its
    /// ending; a folder `models--owner--name/snapshots/revision`, the layout of the Hugging Face cache, states both.
    pub fn name(&self) -> (String, Option<String>) {
        if self.gguf.is_none() {
            return name_of(self.path);
        }
        let stem = self.path.file_stem().map(plain).filter(|stem| !stem.is_empty());
        let folder =
            self.path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        let (_, revision) = folder.map(name_of).unwrap_or_default();
        (stem.unwrap_or_else(|| "model".to_string()), revision)
    }
}

impl GgufFile {
    fn open(path: &Path) -> Result<Self> {
        let (mut file, length) = open(path)?;
        let mut header = Header::new(Some(length));
        let named =
            |error: Error| Error::new(error.code(), format!("{} cannot be used", path.display())).because(error);
        let contents = loop {
            let mut piece = Vec::new();
            let wanted = header.missing().min(PIECE);
            let read = (&mut file).take(wanted as u64).read_to_end(&mut piece);
            if read.map_err(|error| io_error(path, "read", error))? < wanted {
                return Err(named(Error::new(Code::WeightsInvalid, "the file is truncated")));
            }
            if let (_, Some(contents)) = header.take(&piece).map_err(named)? {
                break contents;
            }
        };
        let files = gguf::files(&contents)?;
        Ok(Self { contents, length, files })
    }
}

/// Returns a name as a manifest may have it: a path's may have any characters.
fn plain(name: &OsStr) -> String {
    name.to_string_lossy().chars().filter(|c| !c.is_control()).collect()
}

/// Returns what the path of a folder states; see [`CheckpointFiles::name`].
fn name_of(folder: &Path) -> (String, Option<String>) {
    let folder: PathBuf = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let part = |path: Option<&Path>| path.and_then(Path::file_name).map(plain).unwrap_or_default();
    let own = part(Some(&folder));
    let mut above = folder.ancestors().skip(1);
    let (parent, grandparent) = (part(above.next()), part(above.next()));
    let is_revision = own.len() == 40 && own.bytes().all(|byte| byte.is_ascii_hexdigit());
    match grandparent.strip_prefix("models--").and_then(|name| name.rsplit("--").next()) {
        Some(name) if is_revision && parent == "snapshots" && !name.is_empty() => (name.to_string(), Some(own)),
        _ if own.is_empty() => ("model".to_string(), None),
        _ => (own, None),
    }
}
