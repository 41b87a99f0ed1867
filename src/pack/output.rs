//! The folder that a pack is written to.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Shards;
use super::partial::Partial;
use crate::error::{Code, Error, Result};
use crate::source::{io_error, read_whole};
use crate::tree;
use crate::weights::Manifest;

/// A folder beside the final one; its files move there when they are complete. If it is dropped before, it is
/// removed.
pub(super) struct Output {
    partial: Partial,
    target: PathBuf,
    /// Files of the pack that is being replaced.
    stale: Vec<String>,
}

impl Output {
    /// Checks that `target` may become a pack and makes the folder beside it.
    pub fn create(target: &Path) -> Result<Self> {
        let target = std::path::absolute(target).map_err(|error| io_error(target, "find", error))?;
        let occupied = fs::read_dir(&target).is_ok_and(|mut entries| entries.next().is_some());
        if (occupied && !is_pack(&target)) || (target.exists() && !target.is_dir()) {
            let message = format!("{} exists and is not a pack; choose another place", target.display());
            return Err(Error::new(Code::InputInvalid, message));
        }
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(Error::new(Code::InputInvalid, format!("{} cannot be the folder of a pack", target.display())));
        };
        let partial = Partial::create(parent, name)?;
        partial.remove_stale();
        Ok(Self { partial, stale: listed_files(&target), target })
    }

    /// Returns where the files are until [`Self::finish`].
    pub fn folder(&self) -> &Path {
        self.partial.folder()
    }

    /// Returns the shards in progress, in the folder.
    pub fn shards(&self) -> OutputShards {
        OutputShards { folder: self.folder().to_path_buf(), files: Vec::new() }
    }

    /// Gives the shards the names that the manifest lists, and writes the tokenizer's file.
    pub fn name_files(&self, manifest: &Manifest, tokenizer: &[u8]) -> Result<()> {
        for (shard, entry) in manifest.shards.iter().enumerate() {
            let target = self.folder().join(&entry.file);
            let named = fs::rename(self.folder().join(part_name(shard)), &target);
            named.map_err(|error| io_error(&target, "write", error))?;
        }
        write_file(&self.folder().join(&manifest.tokenizer.entry.file), tokenizer)
    }

    /// Adds the manifest and moves everything to its place, the manifest last. A previous pack stays
    /// whole until then, since files of different content have different names.
    pub fn finish(mut self, manifest: &Manifest) -> Result<()> {
        let bytes = manifest.to_json()?;
        // What is written must be readable.
        Manifest::from_json(&bytes, Manifest::FILE)?;
        write_file(&self.folder().join(Manifest::FILE), &bytes)?;
        if !self.target.exists() {
            match fs::rename(self.folder(), &self.target) {
                Ok(()) => return Ok(()),
                // Another run has made it meanwhile.
                Err(_) if self.target.is_dir() => {}
                Err(error) => return Err(io_error(&self.target, "create", error)),
            }
        }
        self.stale.extend(listed_files(&self.target));
        let names: Vec<&str> = manifest.files().map(|entry| entry.file.as_str()).chain([Manifest::FILE]).collect();
        for name in &names {
            let target = self.target.join(name);
            fs::rename(self.folder().join(name), &target).map_err(|error| io_error(&target, "write", error))?;
        }
        self.remove_replaced(&names)
    }

    /// Removes the files of the previous pack except `names`. Another run into the same folder may have put some of them
    /// there again, before its manifest: it then removes, in its turn, the files that it found when it began.
    fn remove_replaced(&self, names: &[&str]) -> Result<()> {
        if self.partial.remove_stale() {
            return Ok(());
        }
        for file in self.stale.iter().filter(|file| !names.contains(&file.as_str())) {
            let path = self.target.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io_error(&path, "remove", error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Shards in progress: files of the folder that do not have their final names yet.
pub(super) struct OutputShards {
    folder: PathBuf,
    files: Vec<(PathBuf, File)>,
}

impl OutputShards {
    /// Returns the SHA-256 of each shard; all of them are written.
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

/// Returns the manifest in `folder`; no bytes if there is none or it cannot be read.
fn manifest_in(folder: &Path) -> Vec<u8> {
    read_whole(&folder.join(Manifest::FILE), Manifest::MOST_BYTES).unwrap_or_default()
}

fn is_pack(folder: &Path) -> bool {
    tree::format_in(&manifest_in(folder)).as_deref() == Some(Manifest::FORMAT)
}

/// Returns the files of the pack in `folder`; none if its manifest is not sound.
fn listed_files(folder: &Path) -> Vec<String> {
    match Manifest::from_json(&manifest_in(folder), Manifest::FILE) {
        Ok(manifest) => manifest.files().map(|entry| entry.file.clone()).collect(),
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
