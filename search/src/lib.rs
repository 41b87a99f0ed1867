//! What felsic's search computes, natively and in a page: it cuts documents into passages, keeps their vectors as rows of
//! int8, and scans all rows for those that are nearest to a query.
//!
//! It knows neither models nor files: texts and vectors come in, offsets and rows go out.
//!
//! Modules, in the order in which data flows; a module imports only from those above it:
//!
//! - `error`: the one error type;
//! - `cut`: documents to passages;
//! - `words`: texts to the terms of the words index, and the index itself (feature `words`, native);
//! - `rows`: vectors to rows of int8, and back;
//! - `scan`: the rows that are nearest to a query, by the loop of the crate `felsic-scan`;
//! - `web`: the wasm-bindgen edge.

pub mod cut;
pub mod error;
pub mod rows;
pub mod scan;
#[cfg(feature = "web")]
mod web;
#[cfg(feature = "words")]
pub mod words;

pub use error::{Error, Result};
