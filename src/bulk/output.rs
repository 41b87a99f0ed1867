//! A file of vectors while it is made.
//!
//! `OUT.part` grows by a window at a time, and `OUT.journal` by a line for each. What a run that was interrupted has left of them is checked
//! and continued. `OUT` itself appears when all of it is on the disk, by a rename.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::engine::Answer;
use super::journal::{self, Chunk, Head, Journal, TextHash, VERSION};
use super::records::{Fill, Reading, Records};
use super::{Format, json, json_line, npy, table};
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::{Code, Error, Result};
use crate::source::io_error;

/// A text whose vector tells models apart.
const PROBE: &str = "The quick brown fox jumps over the lazy dog; 12 boxing wizards judge its vow.";

/// How a file is made.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// How texts are embedded.
    pub options: &'a EmbedOptions,
    /// The form of the file.
    pub format: Format,
    /// Whether each vector has its text and its id beside it; not in [`Format::Npy`].
    pub with_text: bool,
    /// Whether a text without a vector has its reason in the file, instead of ending the run; not in [`Format::Npy`].
    pub keep_going: bool,
    /// Whether to go on with what an interrupted run has left.
    pub resume: bool,
}

/// What has been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Texts in the file.
    pub texts: u64,
    /// Those of them that an interrupted run has made.
    pub resumed: u64,
    /// Those of them that have no vector.
    pub failed: u64,
    /// Components of each vector.
    pub dimensions: usize,
    /// Bytes of the file.
    pub bytes: u64,
}

/// A file of vectors that is being made.
pub struct FileOutput {
    out: PathBuf,
    part: PathBuf,
    journal: PathBuf,
    format: Format,
    head: Head,
    data: File,
    log: File,
    /// Where the next window starts in the partial file.
    end: u64,
    /// Windows that an interrupted run has left, until their texts have been seen.
    left: Vec<Chunk>,
    texts: u64,
    resumed: u64,
    failed: u64,
}

impl FileOutput {
    /// Begins a file, or goes on with it.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] if the file exists, another run writes it, or an interrupted run has left what is not to be resumed or was made
    /// with other options; [`Code::VectorsDisagree`] if that was made with another model; [`Code::Io`]; those of [`Embedder::embed_with`].
    pub fn open(out: &Path, embedder: &Embedder, settings: Settings<'_>) -> Result<Self> {
        let options = settings.options;
        let probe = embedder.embed_with(&[PROBE], options)?.into_flat();
        let head = Head {
            version: VERSION,
            space: embedder.info().space,
            format: settings.format.as_str().to_string(),
            dimensions: probe.len(),
            prompt: options.prompt.clone(),
            strip: options.strip,
            with_text: settings.with_text,
            keep_going: settings.keep_going,
            probe,
        };
        is_free(out)?;
        let (part, journal) = (beside(out, ".part"), beside(out, ".journal"));
        let data = open_file(&part)?;
        lock(&data, out)?;
        // Another run may have finished meanwhile.
        is_free(out)?;
        // A header alone is nothing to keep.
        let first = start(settings.format);
        let has_data = data.metadata().map_err(|error| io_error(&part, "read", error))?.len() > first;
        if has_data && !settings.resume {
            let message = format!(
                "{} is left of a run that was interrupted: go on with --resume, or remove it to start again",
                part.display()
            );
            return Err(Error::new(Code::InputInvalid, message));
        }
        if has_data && !journal.exists() {
            let message = format!("{} has no journal beside it: remove it to start again", part.display());
            return Err(Error::new(Code::InputInvalid, message));
        }
        let log = open_file(&journal)?;
        let mut output = Self {
            out: out.to_path_buf(),
            part,
            journal,
            format: settings.format,
            head,
            data,
            log,
            end: first,
            left: Vec::new(),
            texts: 0,
            resumed: 0,
            failed: 0,
        };
        if has_data {
            output.resume()?
        } else {
            output.begin()?
        }
        Ok(output)
    }

    /// Writes what stands before the first window: the journal's first line, before anything else is in the partial file.
    fn begin(&mut self) -> Result<()> {
        self.truncate_log(0)?;
        write(&mut self.log, &self.journal, &json::line(&self.head)?)?;
        self.write_header()
    }

    /// Takes over what an interrupted run has left, and cuts off what is not whole.
    fn resume(&mut self) -> Result<()> {
        let Journal { head, end: first, chunks } = journal::read(&self.log, &self.journal)?;
        head.check(&self.head, &self.part)?;
        let (mut log_end, mut end) = (first, self.end);
        seek(&mut self.data, &self.part, end)?;
        for (chunk, line_end) in chunks {
            if !self.is_whole(&chunk, end)? {
                break;
            }
            (end, log_end) = (chunk.end, line_end);
            self.texts += chunk.texts;
            self.failed += chunk.failed;
            self.left.push(chunk);
        }
        self.resumed = self.texts;
        self.end = end;
        self.truncate_log(log_end)?;
        self.data.set_len(end).map_err(|error| io_error(&self.part, "write", error))?;
        self.write_header()
    }

    /// Returns whether a window is in the partial file, which is at its start, `start`.
    fn is_whole(&mut self, chunk: &Chunk, start: u64) -> Result<bool> {
        let Some(length) = chunk.end.checked_sub(start).filter(|_| chunk.failed <= chunk.texts) else {
            return Ok(false);
        };
        let (mut hash, mut lines, mut left) = (Sha256::new(), 0, length);
        let mut buffer = vec![0; 1 << 16];
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = self.data.read(&mut buffer[..most]).map_err(|error| io_error(&self.part, "read", error))?;
            if read == 0 {
                return Ok(false);
            }
            hash.update(&buffer[..read]);
            lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
            left -= read as u64;
        }
        let has_texts = match self.format {
            Format::Npy => Some(length) == chunk.texts.checked_mul(self.head.dimensions as u64 * 4),
            Format::JsonLines | Format::Parquet => lines == chunk.texts,
        };
        Ok(has_texts && format!("{:x}", hash.finalize()) == chunk.output)
    }

    /// Reads over the texts that an interrupted run has embedded.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] if they are others; those of reading.
    pub fn skip(&mut self, records: &mut Records<'_>, on_progress: &dyn Fn(Reading)) -> Result<()> {
        let mut before = 0;
        for chunk in std::mem::take(&mut self.left) {
            let (window, failure) = records.window(Fill::Whole);
            if let Some(error) = failure {
                return Err(error);
            }
            if TextHash::of_records(&window) != chunk.input {
                let message = format!(
                    "the input is not the one that {} was begun with: its texts {} to {} differ; give the same input, or remove that file to \
                     start again",
                    self.part.display(),
                    before + 1,
                    before + chunk.texts
                );
                return Err(Error::new(Code::InputInvalid, message));
            }
            before += chunk.texts;
            on_progress(records.reading());
        }
        Ok(())
    }

    /// Adds a window.
    ///
    /// # Errors
    /// [`Code::Io`]: what has been added before remains, to be resumed.
    pub fn add(&mut self, answers: &[Answer]) -> Result<()> {
        let mut bytes = Vec::new();
        for answer in answers {
            bytes.extend(self.encode(answer)?);
        }
        let failed = answers.iter().filter(|answer| answer.made.is_err()).count() as u64;
        seek(&mut self.data, &self.part, self.end)?;
        write(&mut self.data, &self.part, &bytes)?;
        self.end += bytes.len() as u64;
        self.texts += answers.len() as u64;
        self.failed += failed;
        self.write_header()?;
        let chunk = Chunk {
            texts: answers.len() as u64,
            failed,
            end: self.end,
            input: TextHash::of_answers(answers),
            output: format!("{:x}", Sha256::digest(&bytes)),
        };
        write(&mut self.log, &self.journal, &json::line(&chunk)?)
    }

    fn encode(&self, answer: &Answer) -> Result<Vec<u8>> {
        match (self.format, &answer.made) {
            (Format::JsonLines, _) => json_line(answer, self.head.with_text),
            (Format::Npy, Ok(made)) => npy::row(&made.vector, self.head.dimensions),
            (Format::Npy, Err(_)) => Err(Error::new(Code::Internal, "an array has no place for an error")),
            (Format::Parquet, _) => table::line(answer, self.head.with_text.then(|| json::id(answer))),
        }
    }

    /// Ends the run before all of the input has been added. What there is remains, to be resumed; if there is nothing, it is removed.
    pub fn interrupt(self) {
        if self.texts == 0 {
            for left in [&self.part, &self.journal] {
                // What remains is overwritten by the next run.
                let _ = fs::remove_file(left);
            }
        }
    }

    /// Gives the file its name. All of the input has been added.
    ///
    /// # Errors
    /// [`Code::Io`]: what has been added remains, to be resumed.
    pub fn finish(mut self) -> Result<Summary> {
        let whole = match self.format {
            Format::Parquet => {
                let whole = beside(&self.out, ".whole");
                table::write(&mut self.data, &self.part, &whole, &self.head)?;
                whole
            }
            Format::JsonLines | Format::Npy => self.part.clone(),
        };
        self.data.sync_all().map_err(|error| io_error(&self.part, "write", error))?;
        let failed = |error| io_error(&self.out, "write", error);
        is_free(&self.out)?;
        fs::rename(&whole, &self.out).map_err(failed)?;
        let bytes = fs::metadata(&self.out).map_err(failed)?.len();
        for left in [&self.part, &self.journal] {
            // One of them has got its name. What cannot be removed says by its name that it is of no use any more.
            let _ = fs::remove_file(left);
        }
        let Self { texts, resumed, failed, head, .. } = self;
        Ok(Summary { texts, resumed, failed, dimensions: head.dimensions, bytes })
    }

    /// Writes how many vectors there are, where the format says it first: also a partial array is one of whole rows.
    fn write_header(&mut self) -> Result<()> {
        if self.format != Format::Npy {
            return Ok(());
        }
        seek(&mut self.data, &self.part, 0)?;
        write(&mut self.data, &self.part, &npy::header(self.texts, self.head.dimensions))
    }

    fn truncate_log(&mut self, length: u64) -> Result<()> {
        self.log.set_len(length).map_err(|error| io_error(&self.journal, "write", error))?;
        seek(&mut self.log, &self.journal, length)
    }
}

/// Returns where the first window starts in the partial file.
fn start(format: Format) -> u64 {
    if format == Format::Npy { npy::HEADER as u64 } else { 0 }
}

/// Returns the path with something at the end of its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}

/// Refuses a path where there is something already.
fn is_free(out: &Path) -> Result<()> {
    match out.symlink_metadata() {
        Ok(_) => {
            let message = format!("{} exists; remove it or choose another name", out.display());
            Err(Error::new(Code::InputInvalid, message))
        }
        Err(_) => Ok(()),
    }
}

/// Opens a file to read and write it, and makes it if need be; anything but a file is refused, before it is opened.
fn open_file(path: &Path) -> Result<File> {
    let refused = || Error::new(Code::Io, format!("{} is not a regular file; choose another name", path.display()));
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(refused());
    }
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let message = format!("{} cannot be made, since its folder does not exist", path.display());
            Error::new(Code::NotFound, message)
        }
        _ => io_error(path, "write", error),
    })
}

/// Keeps other runs away for as long as the file is open; without effect where files cannot be locked.
fn lock(file: &File, out: &Path) -> Result<()> {
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => {
            let message = format!("another run writes {}; choose another name, or wait for it", out.display());
            Err(Error::new(Code::InputInvalid, message))
        }
        Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(()),
    }
}

fn seek(file: &mut File, path: &Path, to: u64) -> Result<()> {
    file.seek(SeekFrom::Start(to)).map(drop).map_err(|error| io_error(path, "write", error))
}

fn write(file: &mut File, path: &Path, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes).map_err(|error| io_error(path, "write", error))
}
