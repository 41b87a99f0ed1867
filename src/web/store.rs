//! Files from the page's store, in a browser: its cache, or the network.
//!
//! The store (`pkg/src/store`) decides what is fetched, cached and retried; here its pieces are passed on, and it
//! learns whether they were right.

use js_sys::{Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::errors::error_of;
use crate::error::{Code, Error, Result};
use crate::source::{Sink, Source, Wanted, is_wrong};

/// Bytes copied out of JavaScript at a time.
const PIECE: u32 = 256 << 10;

#[wasm_bindgen]
extern "C" {
    /// The files of one pack: `Files` of `pkg/src/store/types.ts`.
    #[derive(Clone, Debug)]
    pub type Files;

    #[wasm_bindgen(method)]
    fn open(this: &Files, file: &str, entry: &JsValue, again: bool) -> Promise;

    /// `FileReader` of the same file.
    type FileReader;

    #[wasm_bindgen(method)]
    fn read(this: &FileReader) -> Promise;

    /// Closes the reader; `outcome` is one of `ReadOutcome` there.
    #[wasm_bindgen(method)]
    fn close(this: &FileReader, outcome: &str) -> Promise;
}

/// The files of a pack, from the page's store.
#[derive(Clone, Debug)]
pub struct StoreSource {
    files: Files,
    base: String,
}

impl StoreSource {
    /// Takes `files`; `base` is their URL, for messages.
    pub fn new(files: Files, base: String) -> Self {
        Self { files, base }
    }
}

/// Returns what the store wants to know about a file.
fn entry(wanted: &Wanted<'_>) -> JsValue {
    let Some(entry) = wanted.entry else { return JsValue::UNDEFINED };
    let object = Object::new();
    // A fresh object takes properties.
    let _ = Reflect::set(&object, &"bytes".into(), &(entry.bytes as f64).into());
    let _ = Reflect::set(&object, &"sha256".into(), &entry.sha256.as_str().into());
    object.into()
}

/// Passes on what a reader returns.
async fn drain(reader: &FileReader, sink: &mut dyn Sink) -> Result<()> {
    let mut piece = Vec::new();
    loop {
        let step = JsFuture::from(reader.read()).await.map_err(|reason| error_of(&reason))?;
        if step.is_undefined() {
            return sink.finish();
        }
        let chunk: Uint8Array = step.dyn_into().map_err(|_| Error::new(Code::Internal, "a piece that is not bytes"))?;
        let mut from = 0;
        while from < chunk.length() {
            let end = chunk.length().min(from.saturating_add(PIECE));
            piece.resize((end - from) as usize, 0);
            chunk.subarray(from, end).copy_to(&mut piece);
            sink.push(&piece)?;
            from = end;
        }
    }
}

impl Source for StoreSource {
    async fn read(&self, wanted: Wanted<'_>, sink: &mut dyn Sink) -> Result<()> {
        let opened = JsFuture::from(self.files.open(wanted.file, &entry(&wanted), wanted.again)).await;
        let reader: FileReader = opened.map_err(|reason| error_of(&reason))?.unchecked_into();
        let result = drain(&reader, sink).await;
        let outcome = match &result {
            Ok(()) => "verified",
            Err(error) if is_wrong(error.code()) || error.code() == Code::ManifestInvalid => "wrong",
            Err(_) => "unfinished",
        };
        // Whether something was kept makes no difference to what was read.
        let _ = JsFuture::from(reader.close(outcome)).await;
        result
    }

    fn may_change(&self) -> bool {
        true
    }

    fn location(&self, file: &str) -> String {
        format!("{}{file}", self.base)
    }
}
