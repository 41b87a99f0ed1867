//! Transfers that go wrong.

use std::cell::Cell;
use std::path::Path;

use felsic::error::{Code, Error, Result};
use felsic::source::{FolderSource, MemorySource, Sink, Source, Wanted, load_pack, open_model};

use crate::sound;
use crate::support::*;

/// What goes wrong, in which file and after how many bytes.
#[derive(Clone, Copy)]
enum Fault {
    Cut,
    Fail(Code),
    /// A server that never stops sending.
    Endless,
}

struct Faulty {
    inner: MemorySource,
    file: String,
    after: usize,
    fault: Fault,
    /// Bytes that the reader took.
    taken: Cell<usize>,
}

impl Source for Faulty {
    async fn read(&self, wanted: Wanted<'_>, sink: &mut dyn Sink) -> Result<()> {
        if wanted.file != self.file {
            return self.inner.read(wanted, sink).await;
        }
        let bytes = &self.inner.files[wanted.file];
        sink.push(&bytes[..self.after.min(bytes.len())])?;
        match self.fault {
            Fault::Cut => sink.finish(),
            Fault::Fail(code) => Err(Error::new(code, "as injected")),
            Fault::Endless => loop {
                sink.push(&[0; 4096])?;
                self.taken.set(self.taken.get() + 4096);
            },
        }
    }

    fn location(&self, file: &str) -> String {
        file.to_string()
    }
}

fn with_fault(start: &str, after: usize, fault: Fault) -> (Code, usize) {
    let inner = sound();
    let file = file_of(&inner, start);
    let source = Faulty { inner, file, after, fault, taken: Cell::new(0) };
    let result = pollster::block_on(load_pack(&source, &mut |_| ()));
    (result.map(|_| ()).expect_err("a fault").code(), source.taken.get())
}

#[test]
fn a_file_that_ends_early_is_told_from_one_that_fails() {
    for start in ["tokenizer-", "layers-", "table-"] {
        for after in [0, 1, 5000] {
            assert_eq!(with_fault(start, after, Fault::Cut).0, Code::FileLength, "{start} {after}");
            for code in [Code::Network, Code::Aborted, Code::Io, Code::NotFound] {
                assert_eq!(with_fault(start, after, Fault::Fail(code)).0, code, "{start} {after}");
            }
        }
    }
    assert_eq!(with_fault("manifest", 0, Fault::Cut).0, Code::ManifestInvalid);
    assert_eq!(with_fault("manifest", 100, Fault::Cut).0, Code::ManifestInvalid);
    assert_eq!(with_fault("manifest", 100, Fault::Fail(Code::Aborted)).0, Code::Aborted);
}

#[test]
fn a_server_that_never_stops_is_stopped() {
    for start in ["tokenizer-", "layers-"] {
        let (code, taken) = with_fault(start, 10, Fault::Endless);
        assert_eq!(code, Code::FileLength);
        assert!(taken <= 160_000, "{start}: the reader took {taken} bytes more than it was told of");
    }
    let (code, taken) = with_fault("manifest", 10, Fault::Endless);
    assert_eq!(code, Code::ManifestInvalid);
    assert!(taken <= 9 << 20, "{taken} bytes of a manifest");
}

#[test]
fn a_missing_file_is_not_found() {
    for start in ["manifest", "tokenizer-", "layers-", "table-"] {
        let mut source = sound();
        source.files.remove(&file_of(&source, start));
        assert_eq!(load_code(&source), Code::NotFound, "{start}");
    }
    let nowhere = Path::new("/nonexistent/pack");
    assert_eq!(
        pollster::block_on(load_pack(&FolderSource::new(nowhere), &mut |_| ())).err().map(|e| e.code()),
        Some(Code::NotFound)
    );
    assert_eq!(pollster::block_on(open_model(nowhere, &mut |_| ())).err().map(|e| e.code()), Some(Code::NotFound));
    let empty = tempfile::tempdir().expect("a folder");
    assert_eq!(pollster::block_on(open_model(empty.path(), &mut |_| ())).err().map(|e| e.code()), Some(Code::NotFound));
}

/// A source that returns wrong bytes of a file the first time, and right ones when it is asked again.
struct Stale {
    inner: MemorySource,
    file: String,
    change: fn(&mut Vec<u8>),
    reads: Cell<usize>,
    may_change: bool,
}

impl Source for Stale {
    async fn read(&self, wanted: Wanted<'_>, sink: &mut dyn Sink) -> Result<()> {
        if wanted.file != self.file || wanted.again {
            return self.inner.read(wanted, sink).await;
        }
        self.reads.set(self.reads.get() + 1);
        let mut bytes = self.inner.files[wanted.file].clone();
        (self.change)(&mut bytes);
        sink.push(&bytes)?;
        sink.finish()
    }

    fn may_change(&self) -> bool {
        self.may_change
    }

    fn location(&self, file: &str) -> String {
        file.to_string()
    }
}

#[test]
fn wrong_bytes_are_read_once_more_where_that_may_help() {
    type Change = fn(&mut Vec<u8>);
    let changes: [(Change, Code); 3] = [
        (|bytes| bytes[1000] ^= 1, Code::FileIntegrity),
        (|bytes| bytes.truncate(1000), Code::FileLength),
        (|bytes| bytes.push(0), Code::FileLength),
    ];
    for start in ["tokenizer-", "layers-", "table-"] {
        for (change, code) in changes {
            let inner = sound();
            let file = file_of(&inner, start);
            let mut source = Stale { inner, file, change, reads: Cell::new(0), may_change: true };
            let mut seen = Vec::new();
            let mut report = |progress: felsic::source::Progress| seen.push(progress);
            pollster::block_on(load_pack(&source, &mut report)).map(|_| ()).expect("the second time");
            assert_eq!(source.reads.get(), 1);
            assert!(seen.is_sorted_by_key(|progress| progress.loaded_bytes));
            assert!(seen.iter().all(|progress| progress.loaded_bytes <= progress.total_bytes));
            source.may_change = false;
            let result = pollster::block_on(load_pack(&source, &mut |_| ()));
            assert_eq!(result.map(|_| ()).expect_err("wrong bytes").code(), code, "{start}");
        }
    }
}
