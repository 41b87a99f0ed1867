//! Files in a folder.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::checkpoint_files::is_gguf;
use super::open::{io_error, open};
use super::{Parts, Progress, Sink, Source, Wanted, load_pack, open_checkpoint};
use crate::config::CONFIG_FILE;
use crate::error::{Code, Error, Result};
use crate::weights::Manifest;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// A folder, typically of a pack.
#[derive(Clone, Debug)]
pub struct FolderSource {
    folder: PathBuf,
}

impl FolderSource {
    /// Takes the files of `folder`.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

impl Source for FolderSource {
    async fn read(&self, wanted: Wanted<'_>, sink: &mut dyn Sink) -> Result<()> {
        let path = self.folder.join(wanted.file);
        let (mut file, _) = open(&path)?;
        let mut piece = vec![0; PIECE];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return sink.finish(),
                Ok(count) => sink.push(&piece[..count])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(io_error(&path, "read", error)),
            }
        }
    }

    fn location(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }
}

/// Reads a pack or a checkpoint, whichever the folder holds; or a GGUF file.
///
/// # Errors
/// [`Code::NotFound`] for a path that is none of them; otherwise those of [`load_pack`] and
/// [`open_checkpoint`].
pub async fn open_model(folder: &Path, on_progress: &mut dyn FnMut(Progress)) -> Result<Parts> {
    if folder.join(Manifest::FILE).exists() {
        return load_pack(&FolderSource::new(folder), on_progress).await;
    }
    if folder.join(CONFIG_FILE).exists() || is_gguf(folder) {
        return open_checkpoint(folder);
    }
    let message = match folder.is_dir() {
        true => "has neither a manifest.json (a pack) nor a config.json (a checkpoint)",
        false => "is neither a folder nor a GGUF file",
    };
    Err(Error::new(Code::NotFound, format!("{} {message}", folder.display())))
}
