//! Granite text embeddings: texts go in, vectors come out, natively and in web pages.
//!
//! felsic runs ModernBERT encoders such as `ibm-granite/granite-embedding-97m-multilingual-r2`, and BERT encoders, on
//! [burn](https://burn.dev), on the CPU or a GPU, without Python and without a server. Two texts are as near in meaning
//! as their vectors are, measured by the cosine, which for vectors of unit length is their dot product.
//!
//! ```
//! use felsic::Embedder;
//!
//! # fn main() -> felsic::Result<()> {
//! let embedder = Embedder::built_in()?;
//! let texts = ["a pet that rests", "A cat sleeps on the sill.", "Borrowing got dearer."];
//! let vectors = embedder.embed(&texts)?;
//! let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
//! assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]));
//! # Ok(())
//! # }
//! ```
//!
//! # Workflow
//!
//! 1. **Get a model.** [`Embedder::built_in`] is a small English one, to start with. For production download a
//!    ModernBERT or BERT embedding checkpoint in Hugging Face layout; [`Embedder::open`] takes its folder as it is.
//! 2. **Make a pack from it**, once, with the command line (`felsic pack CHECKPOINT PACK`) or with [`pack::pack`]. The
//!    int8 weights of a pack take half the space of bf16 and compute faster than f32; its vectors are very near those of
//!    the checkpoint.
//! 3. **Open it once** and keep the [`Embedder`]: opening reads all weights.
//! 4. **Embed** many texts in a call ([`Embedder::embed`]) and keep [`Info::space`] with the vectors: only vectors of the
//!    same space can be compared.
//!
//! [`index`] makes a whole folder of documents searchable for web pages.
//!
//! Options are per call:
//!
//! ```
//! use felsic::{Code, EmbedOptions, Embedder};
//!
//! # fn main() -> felsic::Result<()> {
//! let embedder = Embedder::open("models/felsic-small-english/pack")?;
//! let short = EmbedOptions { dimensions: Some(64), ..EmbedOptions::default() };
//! let vectors = embedder.embed_with(&["Twelve boxing wizards judge its vow."], &short)?;
//! assert_eq!(vectors[0].len(), 64);
//!
//! let too_many = EmbedOptions { dimensions: Some(10_000), ..EmbedOptions::default() };
//! let error = embedder.embed_with(&["a text"], &too_many).unwrap_err();
//! assert_eq!(error.code(), Code::InputInvalid);
//! println!("{error}"); // dimensions is 10000; this model has 1 to 256
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! An [`Embedder`] is `Send` and `Sync`; put one in an [`Arc`](std::sync::Arc) for all threads of a program. A call blocks
//! and computes on one core, that of its thread, so calls from several threads use several cores. In an asynchronous
//! program make the call where blocking is allowed, such as in tokio's `spawn_blocking`.
//!
//! # Errors
//!
//! Whatever is wrong with a model or a text ends in an [`Error`] with a stable [`Code`] and a message that says what to
//! do. No input is meant to make felsic panic, and a vector that is not finite is never returned. Each file of a pack is
//! checked against the SHA-256 in its manifest.
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `native` | all that this page describes: folders, calls that block, making packs and indexes, the command line `felsic` |
//! | `cpu` | the CPU, with SIMD |
//! | `gpu` | GPUs through wgpu: Vulkan, Metal, DirectX 12 |
//! | `web`, `relaxed`, `packer` | the WebAssembly binaries of the npm package |
//!
//! `native` and `cpu` are on by default. `gpu` takes long to build. `native` builds oniguruma, which needs a C compiler.
//!
//! # Limits
//!
//! - ModernBERT, BERT, RoBERTa and XLM-RoBERTa only. Other encoders are refused with an error that names what is not supported.
//! - A text is cut after [`Info::max_tokens`] tokens; [`Embedding::truncated`] reports it. A text of more than 32 MB is
//!   refused.
//! - One call uses one core.
//! - Modules and items that these pages do not show serve the command line, the npm package and the tests. They are not
//!   part of the API and change without notice.

// The map: the modules in the order in which data flows. A module imports only from those above it.
//
// error      the one error type, with stable codes
// guard      panics of crates that read untrusted files -> errors
// tree       how much memory a tree of JSON would take
// config     a checkpoint's settings, checked
// tokenizer  text -> token ids
// weights    bytes -> tensors: manifest, shards, quantised formats
// source     where bytes come from: folders, memory; `web` adds the page's store
// columns    columns of Parquet files
// kernels    the hot operations, on CPU and GPU, behind one trait
// model      token ids -> hidden states -> pooled vectors
// embedder   texts -> vectors
// pack       checkpoint -> pack
// index      a site's files -> an index that pages search
// bulk       files of texts -> files of vectors
// verify     vectors against goldens and model cards
// web        the wasm-bindgen edge

#[cfg(feature = "native")]
#[doc(hidden)]
pub mod bulk;
#[cfg(feature = "native")]
mod columns;
#[doc(hidden)]
pub mod config;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod embedder;
#[doc(hidden)]
pub mod error;
#[cfg(feature = "native")]
mod guard;
#[cfg(feature = "native")]
pub mod index;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod kernels;
#[cfg(feature = "engine")]
#[doc(hidden)]
pub mod model;
#[cfg(feature = "packer")]
pub mod pack;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod tokenizer;
mod tree;
#[cfg(feature = "native")]
#[doc(hidden)]
pub mod verify;
#[cfg(all(feature = "web", target_family = "wasm"))]
#[doc(hidden)]
pub mod web;
#[doc(hidden)]
pub mod weights;

#[cfg(feature = "engine")]
#[doc(inline)]
pub use embedder::{EmbedOptions, Embedder, Embedding, Embeddings, Info};
#[doc(inline)]
pub use error::{Code, Error, Result};
#[cfg(feature = "engine")]
#[doc(inline)]
pub use model::DeviceKind;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;
