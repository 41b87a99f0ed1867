//! The targets, a file each.

pub mod config;
pub mod cut;
pub mod gguf;
pub mod index;
pub mod json_lines;
pub mod manifest;
pub mod pack;
pub mod parquet;
pub mod safetensors;
pub mod texts;
pub mod tokenizer_bytes;
pub mod tokenizer_json;
