//! The wasm-bindgen edge: the same classes with JavaScript's names. What fails is thrown as an `Error` with a `code`.

mod cut;
mod errors;
