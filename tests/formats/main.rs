//! Formats: configs, weights, packs. What goes in comes out, bit-for-bit identical or within a stated bound.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/gguf.rs"]
mod gguf_file;

mod bert;
mod border;
mod checkpoint;
mod config;
mod dense;
mod documented;
mod gguf;
mod int4;
mod packer;
mod packs;
mod quantise;
mod tensors;

use felsic::pack::{PackOptions, WeightFormat};
use felsic::weights::{ElementType, StoredTensor};
use half::{bf16, f16};

fn f32_options() -> PackOptions {
    PackOptions { weights: WeightFormat::F32, table: WeightFormat::F32, ..PackOptions::default() }
}

fn stored(element: ElementType, shape: &[usize], values: &[f32]) -> StoredTensor {
    let bytes = match element {
        ElementType::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ElementType::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
        ElementType::BF16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
        ElementType::I8 => values.iter().map(|v| *v as i8 as u8).collect(),
        ElementType::Int4 => panic!("a matrix of them is quantised as a whole"),
    };
    StoredTensor { element, shape: shape.to_vec(), bytes }
}
