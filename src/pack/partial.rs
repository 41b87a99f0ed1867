//! The folder of a pack in progress, and those that earlier runs have left.
//!
//! A run that is killed cannot remove its folder; the next run for the same pack does. A lock in each folder, which
//! the system releases when the process that holds it ends, tells whether the folder is still in use:
//!
//! ```text
//! .NAME.partial-0123456789abcdef/
//!     lock    locked for as long as the run lasts
//!     pack/   the files of the pack
//! ```

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};
use crate::source::io_error;

const LOCK: &str = "lock";
const PACK: &str = "pack";
/// Attempts at a name; the first succeeds unless another run takes the folder for one that was left.
const ATTEMPTS: usize = 16;

/// A folder beside the one that is to become a pack. It is removed when dropped.
pub(super) struct Partial {
    parent: PathBuf,
    /// The start of the names of all runs for the same pack.
    start: OsString,
    outer: PathBuf,
    folder: PathBuf,
    /// Held until the folder is removed.
    lock: File,
}

impl Partial {
    /// Creates a folder in `parent`, for a pack that is going to be called `name`.
    pub fn create(parent: &Path, name: &OsStr) -> Result<Self> {
        fs::create_dir_all(parent).map_err(|error| io_error(parent, "create", error))?;
        let mut start = OsString::from(".");
        start.push(name);
        start.push(".partial-");
        for _ in 0..ATTEMPTS {
            let mut own = start.clone();
            // Two runs never have the same name, whatever machines they are on.
            own.push(format!("{:016x}", RandomState::new().build_hasher().finish()));
            let outer = parent.join(own);
            fs::create_dir(&outer).map_err(|error| io_error(&outer, "create", error))?;
            if let Some(lock) = lock_new(&outer)? {
                let folder = outer.join(PACK);
                let partial = Self { parent: parent.to_path_buf(), start, outer, folder, lock };
                fs::create_dir(&partial.folder).map_err(|error| io_error(&partial.folder, "create", error))?;
                return Ok(partial);
            }
        }
        let message = format!("no folder in {} stays; is something else removing them?", parent.display());
        Err(Error::new(Code::Io, message))
    }

    /// Returns where the files of the pack are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the folders that earlier runs for the same pack have left; returns whether another run is in progress.
    pub fn remove_stale(&self) -> bool {
        let mut has_others = false;
        for outer in self.others() {
            match owner_of(&outer) {
                Owner::Running => has_others = true,
                Owner::Gone(lock) => remove(&outer, &lock),
                // Begun a moment ago, or removed except for the folder itself: only what is empty goes.
                Owner::Unknown => drop(fs::remove_dir(&outer)),
            }
        }
        has_others
    }

    /// Returns the folders of other runs for the same pack. A link in place of one leads elsewhere and is left alone.
    fn others(&self) -> Vec<PathBuf> {
        let is_one = |name: &OsStr| {
            let end = name.as_encoded_bytes().strip_prefix(self.start.as_encoded_bytes());
            end.is_some_and(|end| end.len() == 16 && end.iter().all(u8::is_ascii_hexdigit))
        };
        let entries = fs::read_dir(&self.parent).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let others = folders.filter(|entry| is_one(&entry.file_name())).map(|entry| entry.path());
        others.filter(|path| *path != self.outer).collect()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        remove(&self.outer, &self.lock);
    }
}

/// The owner of a folder.
enum Owner {
    Running,
    /// Nobody any more; the lock is now held here.
    Gone(File),
    Unknown,
}

fn owner_of(outer: &Path) -> Owner {
    let Ok(lock) = File::options().read(true).write(true).open(outer.join(LOCK)) else { return Owner::Unknown };
    match lock.try_lock() {
        Ok(()) => Owner::Gone(lock),
        // Also where the file system has no locks: then nobody can tell, and everything stays.
        Err(_) => Owner::Running,
    }
}

/// Makes the lock of a new folder and takes it; `None` if another run was faster and has removed the folder.
fn lock_new(outer: &Path) -> Result<Option<File>> {
    let path = outer.join(LOCK);
    let lock = match File::options().read(true).write(true).create_new(true).open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(&path, "create", error)),
    };
    match lock.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        // A run that removes a folder holds its lock until the file is gone: if the file is still there, it stays.
        Ok(()) => Ok(path.exists().then_some(lock)),
        // A file system without locks.
        Err(fs::TryLockError::Error(_)) => Ok(Some(lock)),
    }
}

/// Removes a folder whose lock is held. The lock goes last: if the run is killed meanwhile, the next one removes the rest.
fn remove(outer: &Path, _held: &File) {
    // The next run tries again whatever cannot be removed; there is no better use for the error.
    if fs::remove_dir_all(outer.join(PACK)).is_ok() || !outer.join(PACK).exists() {
        let _ = fs::remove_file(outer.join(LOCK));
        let _ = fs::remove_dir(outer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parent: &Path) -> usize {
        fs::read_dir(parent).expect("a folder").count()
    }

    fn partial(parent: &Path, name: &str) -> Partial {
        Partial::create(parent, OsStr::new(name)).expect("a folder")
    }

    /// Makes what a killed run leaves: everything except the lock that it held.
    fn left_by_a_killed_run(parent: &Path, name: &str) -> PathBuf {
        let outer = parent.join(format!(".{name}.partial-{:016x}", names(parent)));
        fs::create_dir_all(outer.join(PACK)).expect("a folder");
        fs::write(outer.join(LOCK), b"").expect("written");
        fs::write(outer.join(PACK).join("shard-0.part"), [0; 100]).expect("written");
        outer
    }

    #[test]
    fn what_a_killed_run_has_left_is_removed_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let stale = left_by_a_killed_run(parent.path(), "a");
        let other = left_by_a_killed_run(parent.path(), "b");
        let (empty, full) = (".a.partial-00000000000000ff", ".a.partial-00000000000000fe");
        fs::create_dir(parent.path().join(empty)).expect("a folder");
        fs::create_dir_all(parent.path().join(full).join("kept")).expect("a folder");
        fs::create_dir_all(parent.path().join(".a.partial-of-somebody-else").join(PACK)).expect("a folder");
        fs::write(parent.path().join(".a.partial-00000000000000fd"), b"a file").expect("written");
        let running = partial(parent.path(), "a");
        fs::write(running.folder().join("x"), b"x").expect("written");
        partial(parent.path(), "a").remove_stale();
        assert!(!stale.exists() && !parent.path().join(empty).exists());
        assert!(other.exists() && running.folder().join("x").exists() && parent.path().join(full).exists());
        assert_eq!(names(parent.path()), 5, "{:?}", fs::read_dir(parent.path()).expect("a folder").collect::<Vec<_>>());
        drop(running);
        assert_eq!(names(parent.path()), 4);
    }

    #[test]
    fn a_running_one_is_seen_by_others() {
        let parent = tempfile::tempdir().expect("a folder");
        let first = partial(parent.path(), "a");
        left_by_a_killed_run(parent.path(), "a");
        let _other = partial(parent.path(), "b");
        assert!(!first.remove_stale());
        let second = partial(parent.path(), "a");
        assert!(first.remove_stale() && second.remove_stale());
        drop(first);
        assert!(!second.remove_stale());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let parent = tempfile::tempdir().expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        let outer = left_by_a_killed_run(elsewhere.path(), "a");
        let link = parent.path().join(".a.partial-0000000000000001");
        std::os::unix::fs::symlink(&outer, &link).expect("a link");
        partial(parent.path(), "a").remove_stale();
        assert!(outer.join(PACK).join("shard-0.part").exists());
    }

    #[test]
    fn many_at_once_do_not_harm_each_other() {
        let parent = tempfile::tempdir().expect("a folder");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let own = partial(parent.path(), "a");
                        own.remove_stale();
                        fs::write(own.folder().join("x"), b"x").expect("the folder stays");
                        own.remove_stale();
                        assert!(own.folder().join("x").exists());
                    }
                });
            }
        });
        assert_eq!(names(parent.path()), 0);
    }
}
