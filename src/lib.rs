//! Granite text embeddings, light enough for the browser.
//!
//! felsic turns text into embedding vectors with a ModernBERT encoder, natively and in a web page. The
//! modules, in the order in which data flows:
//!
//! | module | duty |
//! | --- | --- |
//! | [`error`] | the one error type, with stable codes |
//! | [`config`] | a checkpoint's settings, checked |
//! | [`tokenizer`] | text -> token ids |
//! | [`weights`] | bytes -> tensors: manifest, shards, quantised formats |
//! | [`source`] | where bytes come from: the page's store, a folder, memory |
//! | [`kernels`] | the hot operations, on CPU and GPU, behind one trait |
//! | [`model`] | token ids -> hidden states -> pooled vectors |
//! | [`embedder`] | texts -> vectors |
//! | `pack` | checkpoint -> pack |
//! | `web` | the wasm-bindgen edge |
//!
//! A module imports only from those above it.

pub mod config;
#[cfg(feature = "engine")]
pub mod embedder;
pub mod error;
#[cfg(feature = "engine")]
pub mod kernels;
#[cfg(feature = "engine")]
pub mod model;
#[cfg(feature = "packer")]
pub mod pack;
pub mod source;
pub mod tokenizer;
#[cfg(all(feature = "web", target_family = "wasm"))]
pub mod web;
pub mod weights;
