//! SHA-256 for pages in which the browser computes none: those without a secure context.

use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::wasm_bindgen;

/// The SHA-256 of bytes that come in pieces, so that a large file need not be in wasm memory as a whole.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Hasher(Sha256);

#[wasm_bindgen]
impl Hasher {
    /// Begins with no bytes.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all bytes, in lower-case hexadecimal. The hasher is of no use afterwards.
    pub fn finish(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}
