//! Opening and reading files of this machine; nothing else here opens a file to read it.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::error::{Code, Error, Result};

/// Largest file that is read as a whole, in bytes; the largest known tokenizer.json has 33 MB.
pub(crate) const MOST_WHOLE: u64 = 256 << 20;

/// Returns an error of the file system, with the path.
pub(crate) fn io_error(path: &Path, doing: &str, error: std::io::Error) -> Error {
    let code = match error.kind() {
        ErrorKind::NotFound => return Error::new(Code::NotFound, format!("{} does not exist", path.display())),
        ErrorKind::OutOfMemory => Code::OutOfMemory,
        _ => Code::Io,
    };
    Error::new(code, format!("cannot {doing} {}", path.display())).because(error)
}

/// Opens a regular file, or a symbolic link to one, and returns it with its length.
///
/// A pipe yields bytes only when somebody writes to it, and a device such as `/dev/zero` yields them for ever; neither
/// is ever read, or even waited for. The path is checked before it is opened, since opening a device may itself have
/// effects. As the file may be another by then, it is opened without waiting, and the open file is checked again.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::Io`], also for what is not a regular file.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    let failed = |error| io_error(path, "read", error);
    let check = |metadata: fs::Metadata| match metadata.is_file() {
        true => Ok(metadata.len()),
        false => Err(Error::new(Code::Io, format!("{} is not a regular file", path.display()))),
    };
    check(fs::metadata(path).map_err(failed)?)?;
    let file = open_without_waiting(path).map_err(failed)?;
    let length = check(file.metadata().map_err(failed)?)?;
    Ok((file, length))
}

/// Opens a file; on Unix, opening a pipe to read it would wait for somebody who writes.
#[cfg(unix)]
fn open_without_waiting(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // For a regular file the flag makes no difference.
    File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

/// Reads a whole file of at most `most` bytes.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::Io`], also for a longer file and for what is not a regular file;
/// [`Code::OutOfMemory`].
pub(crate) fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>> {
    let (file, _) = open(path)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| io_error(path, "read", error))?;
    match bytes.len() as u64 > most {
        true => Err(Error::new(Code::Io, format!("{} is longer than {most} bytes", path.display()))),
        false => Ok(bytes),
    }
}
