//! Texts to the terms of the words index, and the index itself.
//!
//! In a page TypeScript does both (`pkg/src/search/terms.ts`, MiniSearch); `tests/fixtures/terms.jsonl` holds the two to
//! one rule.

mod mini_search;
mod terms;

pub use mini_search::Words;
pub use terms::{Term, terms};
