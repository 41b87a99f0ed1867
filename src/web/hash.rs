//! SHA-256 for pages in which the browser offers none: those without a secure context.

use sha2::{Digest, Sha256};
use wasm_bindgen::prelude::wasm_bindgen;

/// The SHA-256 of bytes that arrive in pieces, so that a large file need not be in wasm memory as a whole.
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

    /// Returns the hash of all bytes, in lower-case hexadecimal. The hasher cannot be used afterwards.
    pub fn finish(self) -> String {
        format!("{:x}", self.0.finalize())
    }
}
