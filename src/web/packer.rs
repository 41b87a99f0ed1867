//! Making packs of checkpoints in a page.

use js_sys::{Map, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::errors::{error_of, to_js};
use crate::config::EmbedderConfig;
use crate::error::{Code, Error, Result};
use crate::pack::{self, PackOptions, SELF_TEST, Shards};
use crate::source::gguf;
use crate::tokenizer::{Tokenizer, TokenizerSettings, compact};
use crate::weights::gguf::{Contents, Header};
use crate::weights::{self, Manifest, SelfTest, dense_weights};

#[wasm_bindgen]
extern "C" {
    /// Destination of the shards that are being written: `Shards` of `pkg/src/checkpoint/scratch.ts`.
    #[derive(Debug)]
    pub type Scratch;

    #[wasm_bindgen(method, catch)]
    fn write(this: &Scratch, shard: usize, offset: f64, bytes: &[u8]) -> std::result::Result<(), JsValue>;
}

struct JsShards<'a>(&'a Scratch);

impl Shards for JsShards<'_> {
    fn write(&mut self, shard: usize, offset: u64, bytes: &[u8]) -> Result<()> {
        self.0.write(shard, offset as f64, bytes).map_err(|reason| error_of(&reason))
    }
}

/// The header of a GGUF file, as far as it has arrived.
#[wasm_bindgen]
pub struct GgufHeader {
    header: Header,
    contents: Option<Contents>,
}

#[wasm_bindgen]
impl GgufHeader {
    /// Begins the header of a file of `length` bytes; the length may be unknown.
    #[wasm_bindgen(constructor)]
    pub fn new(length: Option<f64>) -> Self {
        Self { header: Header::new(length.map(|length| length as u64)), contents: None }
    }

    /// Takes the file's next piece; returns whether the header is complete.
    pub fn take(&mut self, mut piece: &[u8]) -> std::result::Result<bool, JsValue> {
        while self.contents.is_none() && !piece.is_empty() {
            let (taken, contents) = self.header.take(piece).map_err(to_js)?;
            piece = &piece[taken..];
            self.contents = contents;
        }
        Ok(self.contents.is_some())
    }

    /// Returns the files that a checkpoint's folder would have, weights apart: bytes by name.
    pub fn files(&self) -> std::result::Result<Map, JsValue> {
        let truncated = || Error::new(Code::WeightsInvalid, "the GGUF file is truncated");
        let contents = self.contents.as_ref().ok_or_else(truncated).map_err(to_js)?;
        let files = Map::new();
        for (name, bytes) in gguf::files(contents).map_err(to_js)? {
            files.set(&name.into(), &Uint8Array::from(bytes.as_slice()));
        }
        Ok(files)
    }
}

/// Takes a checkpoint's files and makes those of a pack.
#[wasm_bindgen]
pub struct Packer {
    packer: pack::Packer,
    tokenizer: Vec<u8>,
    /// The self-test, without its vectors.
    tests: Vec<SelfTest>,
}

#[wasm_bindgen]
impl Packer {
    /// Returns the next wanted file with a checkpoint's settings, or nothing once all are there. `files` holds those
    /// that have been asked for: bytes by name, or `undefined` for what does not exist.
    #[wasm_bindgen(js_name = nextSettings)]
    pub fn next_settings(files: &Map) -> std::result::Result<Option<String>, JsValue> {
        let mut next = None;
        let mut read = |file: &str| {
            if next.is_none() && !files.has(&file.into()) {
                next = Some(file.to_string());
            }
            Ok(bytes_of(files, file))
        };
        let read = EmbedderConfig::from_files(&mut read)
            .and_then(|config| dense_weights(&config, &mut read))
            .and_then(|_| TokenizerSettings::from_files(&mut read));
        match (next, read) {
            // What is wrong may be wrong only because this file was missing.
            (Some(next), _) => Ok(Some(next)),
            (None, read) => read.map(|_| None).map_err(to_js),
        }
    }

    /// Returns the weight files that `model.safetensors.index.json` lists.
    #[wasm_bindgen(js_name = indexedFiles)]
    pub fn indexed_files(index: &[u8]) -> std::result::Result<Vec<String>, JsValue> {
        weights::indexed_files(index).map_err(to_js)
    }

    /// Makes a packer for a checkpoint with the settings in `files` and this `tokenizer.json`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        files: &Map,
        tokenizer_json: Vec<u8>,
        name: String,
        revision: Option<String>,
    ) -> std::result::Result<Packer, JsValue> {
        make(files, tokenizer_json, name, revision).map_err(to_js)
    }

    /// Returns the compact tokenizer, the content of the manifest's file.
    pub fn tokenizer(&self) -> Uint8Array {
        Uint8Array::from(self.tokenizer.as_slice())
    }

    /// Returns the length of each shard.
    pub fn lengths(&self) -> Vec<f64> {
        self.packer.lengths().into_iter().map(|length| length as f64).collect()
    }

    /// Writes what is known before the first weight.
    pub fn begin(&self, out: &Scratch) -> std::result::Result<(), JsValue> {
        self.packer.begin(&mut JsShards(out)).map_err(to_js)
    }

    /// Begins the next weight file; its length may be unknown.
    #[wasm_bindgen(js_name = beginFile)]
    pub fn begin_file(&mut self, length: Option<f64>, is_last: bool) {
        self.packer.begin_file(length.map(|length| length as u64), is_last);
    }

    /// Begins a GGUF file, the only one; its length may be unknown.
    #[wasm_bindgen(js_name = beginGguf)]
    pub fn begin_gguf(&mut self, length: Option<f64>) {
        self.packer.begin_gguf(length.map(|length| length as u64));
    }

    /// Takes the file's next piece.
    pub fn push(&mut self, piece: &[u8], out: &Scratch) -> std::result::Result<(), JsValue> {
        self.packer.push(piece, &mut JsShards(out)).map_err(to_js)
    }

    /// Ends the file.
    #[wasm_bindgen(js_name = endFile)]
    pub fn end_file(&mut self) -> std::result::Result<(), JsValue> {
        self.packer.end_file().map_err(to_js)
    }

    /// Returns the texts of the self-test.
    #[wasm_bindgen(js_name = testTexts)]
    pub fn test_texts(&self) -> Vec<String> {
        self.tests.iter().map(|test| test.text.clone()).collect()
    }

    /// Returns a draft of the manifest, whose self-test vectors are placeholders: it is loaded on the CPU to compute
    /// the real ones. `hashes` are the SHA-256 of the shards.
    pub fn draft(&self, hashes: Vec<String>) -> std::result::Result<Uint8Array, JsValue> {
        self.with_tests(&hashes, self.tests.clone()).map_err(to_js)
    }

    /// Returns the manifest. `vectors` are those of the self-test, one after another.
    pub fn manifest(&self, hashes: Vec<String>, vectors: &[f32]) -> std::result::Result<Uint8Array, JsValue> {
        let width = vectors.len() / self.tests.len().max(1);
        let tests = self.tests.iter().zip(vectors.chunks(width.max(1)));
        let tests = tests.map(|(test, vector)| SelfTest { embedding: vector.to_vec(), ..test.clone() });
        self.with_tests(&hashes, tests.collect()).map_err(to_js)
    }
}

impl Packer {
    fn with_tests(&self, hashes: &[String], tests: Vec<SelfTest>) -> Result<Uint8Array> {
        let bytes = self.packer.manifest(hashes, tests)?.to_json()?;
        // What is written must be readable: the reader's checks are the rest of the packer's.
        Manifest::from_json(&bytes, Manifest::FILE)?;
        Ok(Uint8Array::from(bytes.as_slice()))
    }
}

fn make(files: &Map, tokenizer_json: Vec<u8>, name: String, revision: Option<String>) -> Result<Packer> {
    let config = EmbedderConfig::from_files(|file| Ok(bytes_of(files, file)))?;
    let settings = TokenizerSettings::from_files(|file| Ok(bytes_of(files, file)))?;
    let compact = compact::compile_with(&tokenizer_json, Some(&settings))?;
    drop(tokenizer_json);
    let tokenizer = Tokenizer::from_compact(&compact)?;
    let unknown = vec![0.0; config.width()];
    let test = |text: &&str| {
        let (ids, _) = tokenizer.encode_truncated(text, config.max_tokens)?;
        Ok(SelfTest { text: text.to_string(), ids, embedding: unknown.clone() })
    };
    let tests = SELF_TEST.iter().map(test).collect::<Result<_>>()?;
    let options = PackOptions { name: Some(name), revision, ..PackOptions::default() };
    let dense = dense_weights(&config, |file| Ok(bytes_of(files, file)))?;
    let packer = pack::Packer::new(config, &compact, options)?.with_dense(dense);
    Ok(Packer { packer, tokenizer: compact, tests })
}

/// Returns a file of the map, if it is there.
fn bytes_of(files: &Map, file: &str) -> Option<Vec<u8>> {
    let bytes = files.get(&file.into());
    (!bytes.is_undefined()).then(|| Uint8Array::new(&bytes).to_vec())
}
