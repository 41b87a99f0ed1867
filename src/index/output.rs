//! The folder that an index is written to.
//!
//! Files are named by their content, so new ones stand beside old ones until `index.json`, written last, names them. A run
//! that ends before that leaves the old index whole; what it has left is removed by the next run that succeeds.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::format::{FileEntry, Manifest, Section, sha256};
use crate::error::{Code, Error, Result};
use crate::source::{io_error, read_whole};
use crate::tree;

/// The end of the name of a file that is being written.
const PART: &str = ".part";

/// A folder that is to become an index. No other run writes to it meanwhile.
pub(super) struct Output {
    folder: PathBuf,
    /// Held until the run is over.
    _lock: Option<File>,
    /// Bytes written or found in place.
    bytes: u64,
    /// Names of the files of the index.
    names: HashSet<String>,
}

impl Output {
    /// Makes the folder, if it does not exist. One with other files than those of an index is left alone.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for a folder with other files, or one that another run writes to; [`Code::Io`].
    pub fn open(folder: &Path) -> Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(Error::new(
                Code::InputInvalid,
                format!("{} is not a folder; choose another place", folder.display()),
            ));
        }
        fs::create_dir_all(folder).map_err(|error| io_error(folder, "create", error))?;
        let lock = lock(folder)?;
        if !has_index(folder)
            && let Some(other) = names(folder)?.into_iter().find(|name| !is_own(name))
        {
            let message = format!(
                "{} has files of something else, such as {other:?}, and no index; choose another place for it",
                folder.display()
            );
            return Err(Error::new(Code::InputInvalid, message));
        }
        Ok(Self { folder: folder.to_path_buf(), _lock: lock, bytes: 0, names: HashSet::new() })
    }

    /// Writes a file, unless it is there already.
    pub fn add(&mut self, section: Section, bytes: &[u8]) -> Result<FileEntry> {
        let sha256 = sha256(bytes);
        let entry = FileEntry { file: section.file_name(&sha256), bytes: bytes.len() as u64, sha256 };
        let path = self.folder.join(&entry.file);
        let is_there = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() == entry.bytes)
            && read_whole(&path, entry.bytes).is_ok_and(|found| found == bytes);
        if !is_there {
            self.write(&entry.file, bytes)?;
        }
        if self.names.insert(entry.file.clone()) {
            self.bytes += entry.bytes;
        }
        Ok(entry)
    }

    /// Returns the bytes of a file of this index.
    pub fn read(&self, entry: &FileEntry) -> Result<Vec<u8>> {
        read_entry(&self.folder, entry)
    }

    /// Writes `index.json` and removes the files that it does not list; returns the number of files and their bytes.
    pub fn finish(mut self, manifest: &Manifest) -> Result<(usize, u64)> {
        let bytes = manifest.to_json()?;
        // What is written must be readable.
        Manifest::from_json(&bytes)?;
        self.write(Manifest::FILE, &bytes)?;
        self.names.insert(Manifest::FILE.to_string());
        for name in names(&self.folder)?.into_iter().filter(|name| is_own(name) && !self.names.contains(name)) {
            let path = self.folder.join(name);
            fs::remove_file(&path).map_err(|error| io_error(&path, "remove", error))?;
        }
        Ok((self.names.len(), self.bytes + bytes.len() as u64))
    }

    /// Writes a file under another name and gives it its own when all of it is on the disk.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (part, path) = (self.folder.join(format!("{name}{PART}")), self.folder.join(name));
        let write = || {
            let mut file = File::create(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)
        };
        write().map_err(|error| {
            // What is left of it would only be in the way, most of all on a full disk.
            let _ = fs::remove_file(&part);
            io_error(&path, "write", error)
        })
    }
}

/// Reads a file of an index and checks it.
///
/// # Errors
/// [`Code::IndexInvalid`] if it is missing or not what `index.json` says; [`Code::Io`].
pub(super) fn read_entry(folder: &Path, entry: &FileEntry) -> Result<Vec<u8>> {
    let path = folder.join(&entry.file);
    let damaged = |how: &str| {
        let message = format!("{} {how}; make the index again, without --update", path.display());
        Error::new(Code::IndexInvalid, message)
    };
    match fs::metadata(&path) {
        Ok(found) if found.len() != entry.bytes => return Err(damaged("has another length than index.json says")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(damaged("is missing")),
        _ => {}
    }
    let bytes = read_whole(&path, entry.bytes)?;
    match sha256(&bytes) == entry.sha256 {
        true => Ok(bytes),
        false => Err(damaged("has another SHA-256 than index.json says")),
    }
}

/// Returns whether a folder has an `index.json` that calls itself an index, of whatever version.
fn has_index(folder: &Path) -> bool {
    let bytes = read_whole(&folder.join(Manifest::FILE), super::format::MOST_JSON).unwrap_or_default();
    tree::format_in(&bytes).as_deref() == Some(Manifest::FORMAT)
}

/// Returns whether a name is one that a run gives to a file; `index.json` apart, which others have too.
fn is_own(name: &str) -> bool {
    let name = match name.strip_suffix(PART) {
        Some(Manifest::FILE) => return true,
        Some(name) => name,
        None => name,
    };
    Section::is_file_name(name)
}

/// Returns the names in a folder, in their order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |error| io_error(folder, "read", error);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<std::io::Result<Vec<String>>>().map_err(failed)?;
    names.sort_unstable();
    Ok(names)
}

/// Keeps other runs out of a folder for as long as the file is open; without effect where folders cannot be locked.
fn lock(folder: &Path) -> Result<Option<File>> {
    let Ok(lock) = File::open(folder) else { return Ok(None) };
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(fs::TryLockError::WouldBlock) => {
            let message = format!("another run writes to {}; try again when it is done", folder.display());
            Err(Error::new(Code::InputInvalid, message))
        }
        Err(fs::TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("photo.png");
        fs::write(&file, "x").expect("written");
        let code = |path: &Path| Output::open(path).map(|_| ()).expect_err("refused").code();
        assert_eq!(code(folder.path()), Code::InputInvalid);
        assert_eq!(code(&file), Code::InputInvalid);
        fs::write(folder.path().join("index.json"), "{\"format\":\"another\"}").expect("written");
        assert_eq!(code(folder.path()), Code::InputInvalid);
        fs::remove_file(folder.path().join("photo.png")).expect("removed");
        assert_eq!(code(folder.path()), Code::InputInvalid, "index.json may be anybody's");
    }

    #[test]
    fn what_a_run_that_ended_early_has_left_is_no_obstacle() {
        let folder = tempfile::tempdir().expect("a folder");
        let first =
            Output::open(folder.path()).and_then(|mut output| output.add(Section::Texts, b"abc")).expect("written");
        fs::write(folder.path().join("index.json.part"), "{").expect("written");
        let mut output = Output::open(folder.path()).expect("a folder");
        assert_eq!(output.read(&first).expect("there"), b"abc");
        assert_eq!(output.add(Section::Texts, b"abc").expect("there"), first);
        assert_eq!(output.bytes, 3);
    }

    #[test]
    fn a_damaged_file_is_written_again_and_never_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut output = Output::open(folder.path()).expect("a folder");
        let entry = output.add(Section::Words, b"abc").expect("written");
        for damage in ["abd", "ab", "abcd"] {
            fs::write(folder.path().join(&entry.file), damage).expect("written");
            assert_eq!(output.read(&entry).expect_err("damaged").code(), Code::IndexInvalid);
            output.add(Section::Words, b"abc").expect("written");
            assert_eq!(output.read(&entry).expect("whole"), b"abc");
        }
        fs::remove_file(folder.path().join(&entry.file)).expect("removed");
        assert_eq!(output.read(&entry).expect_err("missing").code(), Code::IndexInvalid);
    }

    #[cfg(unix)]
    #[test]
    fn two_runs_do_not_write_to_one_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Output::open(folder.path()).expect("a folder");
        assert_eq!(Output::open(folder.path()).map(|_| ()).expect_err("locked").code(), Code::InputInvalid);
        drop(first);
        Output::open(folder.path()).expect("free again");
    }
}
