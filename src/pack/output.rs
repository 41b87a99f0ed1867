//! The folder that a pack is written to.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Code, Error, Result};
use crate::source::io_error;
use crate::weights::{FileEntry, Manifest};

/// A folder beside the final one that takes its place when it is complete. Dropped before, it is removed.
pub(super) struct Output {
    partial: PathBuf,
    target: PathBuf,
}

impl Output {
    /// Looks whether `target` may become a pack and makes the folder beside it.
    pub fn create(target: &Path) -> Result<Self> {
        let target = std::path::absolute(target).map_err(|error| io_error(target, "find", error))?;
        let occupied = fs::read_dir(&target).is_ok_and(|mut entries| entries.next().is_some());
        if (occupied && !is_pack(&target)) || (target.exists() && !target.is_dir()) {
            let message = format!("{} exists and is not a pack; choose another place", target.display());
            return Err(Error::new(Code::InputInvalid, message));
        }
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(Error::new(Code::InputInvalid, format!("{} cannot become a pack", target.display())));
        };
        let mut partial = OsString::from(".");
        partial.push(name);
        partial.push(format!(".partial-{}", std::process::id()));
        let partial = parent.join(partial);
        fs::create_dir_all(&partial).map_err(|error| io_error(&partial, "create", error))?;
        Ok(Self { partial, target })
    }

    /// Where the files are until [`Self::finish`].
    pub fn folder(&self) -> &Path {
        &self.partial
    }

    /// Writes a file that is named by `kind` and its content's hash.
    pub fn write(&self, kind: &str, extension: &str, bytes: &[u8]) -> Result<FileEntry> {
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        let file = format!("{kind}-{}.{extension}", &sha256[..16]);
        write_file(&self.partial.join(&file), bytes)?;
        Ok(FileEntry { file, bytes: bytes.len() as u64, sha256 })
    }

    /// Adds the manifest and puts everything in its place, the manifest last. A pack that was there stays
    /// whole until then, since files of different content have different names.
    pub fn finish(self, manifest: &Manifest) -> Result<()> {
        write_file(&self.partial.join(Manifest::FILE), &manifest.to_json()?)?;
        if !self.target.exists() {
            return fs::rename(&self.partial, &self.target).map_err(|error| io_error(&self.target, "create", error));
        }
        let stale = listed_files(&self.target);
        let names: Vec<&str> = manifest.files().map(|entry| entry.file.as_str()).chain([Manifest::FILE]).collect();
        for name in &names {
            let target = self.target.join(name);
            fs::rename(self.partial.join(name), &target).map_err(|error| io_error(&target, "write", error))?;
        }
        for file in stale.iter().filter(|file| !names.contains(&file.as_str())) {
            let path = self.target.join(file);
            fs::remove_file(&path).map_err(|error| io_error(&path, "remove", error))?;
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Nothing is left to remove after a success; after a failure the first error is the one to tell.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

fn is_pack(folder: &Path) -> bool {
    let manifest = fs::read(folder.join(Manifest::FILE)).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    manifest.get("format").and_then(serde_json::Value::as_str) == Some(Manifest::FORMAT)
}

/// The files of the pack in `folder`, as far as its manifest is sound.
fn listed_files(folder: &Path) -> Vec<String> {
    let manifest = fs::read(folder.join(Manifest::FILE)).unwrap_or_default();
    match Manifest::from_json(&manifest, Manifest::FILE) {
        Ok(manifest) => {
            manifest.files().map(|entry| entry.file.clone()).filter(|file| folder.join(file).exists()).collect()
        }
        Err(_) => Vec::new(),
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut file = fs::File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| io_error(path, "write", error))
}
