//! The folder that a pack is written to.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Shards;
use crate::error::{Code, Error, Result};
use crate::source::io_error;
use crate::weights::Manifest;

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

    /// Shards in progress, in the folder.
    pub fn shards(&self) -> OutputShards {
        OutputShards { folder: self.partial.clone(), files: Vec::new() }
    }

    /// Gives the shards the names that the manifest lists, and writes the tokenizer's file.
    pub fn name_files(&self, manifest: &Manifest, tokenizer: &[u8]) -> Result<()> {
        for (shard, entry) in manifest.shards.iter().enumerate() {
            let target = self.partial.join(&entry.file);
            let named = fs::rename(self.partial.join(part_name(shard)), &target);
            named.map_err(|error| io_error(&target, "write", error))?;
        }
        write_file(&self.partial.join(&manifest.tokenizer.entry.file), tokenizer)
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

/// Shards in progress, as files of the folder that have no name of their own yet.
pub(super) struct OutputShards {
    folder: PathBuf,
    files: Vec<(PathBuf, File)>,
}

impl OutputShards {
    /// SHA-256 of each shard, all of which are written.
    pub fn hashes(self) -> Result<Vec<String>> {
        let hash = |(path, mut file): (PathBuf, File)| {
            let mut hash = Sha256::new();
            let hashed =
                file.sync_all().and_then(|()| file.rewind()).and_then(|()| std::io::copy(&mut file, &mut hash));
            hashed.map_err(|error| io_error(&path, "read", error))?;
            Ok(format!("{:x}", hash.finalize()))
        };
        self.files.into_iter().map(hash).collect()
    }
}

impl Shards for OutputShards {
    fn write(&mut self, shard: usize, offset: u64, bytes: &[u8]) -> Result<()> {
        while self.files.len() <= shard {
            let path = self.folder.join(part_name(self.files.len()));
            let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
            let file = file.map_err(|error| io_error(&path, "create", error))?;
            self.files.push((path, file));
        }
        let (path, file) = &mut self.files[shard];
        let written = file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes));
        written.map_err(|error| io_error(path, "write", error))
    }
}

fn part_name(shard: usize) -> String {
    format!("shard-{shard}.part")
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
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| io_error(path, "write", error))
}
