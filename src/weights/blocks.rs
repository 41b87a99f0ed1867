//! The blocks in which GGUF files store quantised values, and what each is as f32.
//!
//! A block holds consecutive columns of a row: 32 with one scale (and perhaps one minimum), or 256 whose parts have
//! scales of 6 or 8 bits. Every operation on f32 here is the one that ggml's own widening does, in its order, so that the
//! values are the same to the bit. Source: `ggml/src/ggml-common.h` and `ggml-quants.c` of llama.cpp; the goldens of
//! `tests/formats/gguf.rs` come from the Python package `gguf`.

use half::f16;

use super::quantise::quantise_rows;
use super::{Matrix, Scales};
use crate::error::{Code, Error, Result};

/// Columns of a small block, which are also those of felsic's usual group.
pub const SMALL: usize = 32;
/// Columns of a large block.
const LARGE: usize = 256;

/// A type of block, by its name in ggml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockType {
    /// 32 integers of half a byte, -8..=7, and an f16 scale.
    Q4_0,
    /// 32 integers of half a byte, 0..=15, an f16 scale and an f16 minimum.
    Q4_1,
    /// 32 integers of five bits, -16..=15, and an f16 scale.
    Q5_0,
    /// 32 integers of five bits, 0..=31, an f16 scale and an f16 minimum.
    Q5_1,
    /// 32 integers of a byte and an f16 scale.
    Q8_0,
    /// 256 integers of half a byte; each 32 of them have a scale and a minimum of six bits.
    Q4K,
    /// 256 integers of five bits, otherwise as `Q4K`.
    Q5K,
    /// 256 integers of six bits, -32..=31; each 16 of them have a scale of a byte.
    Q6K,
}

impl BlockType {
    /// Returns the name in ggml.
    pub fn as_str(self) -> &'static str {
        match self {
            BlockType::Q4_0 => "Q4_0",
            BlockType::Q4_1 => "Q4_1",
            BlockType::Q5_0 => "Q5_0",
            BlockType::Q5_1 => "Q5_1",
            BlockType::Q8_0 => "Q8_0",
            BlockType::Q4K => "Q4_K",
            BlockType::Q5K => "Q5_K",
            BlockType::Q6K => "Q6_K",
        }
    }

    /// Returns the columns of a block, and its bytes.
    pub fn size(self) -> (usize, usize) {
        match self {
            BlockType::Q4_0 => (SMALL, 18),
            BlockType::Q4_1 => (SMALL, 20),
            BlockType::Q5_0 => (SMALL, 22),
            BlockType::Q5_1 => (SMALL, 24),
            BlockType::Q8_0 => (SMALL, 34),
            BlockType::Q4K => (LARGE, 144),
            BlockType::Q5K => (LARGE, 176),
            BlockType::Q6K => (LARGE, 210),
        }
    }

    /// Returns the bytes of a tensor; `None` if its rows are not whole blocks, or there are too many to count.
    pub fn bytes_of(self, shape: &[usize]) -> Option<usize> {
        let (columns, bytes) = self.size();
        let (cols, outer) = shape.split_last()?;
        let row = cols.is_multiple_of(columns).then_some(cols / columns)?.checked_mul(bytes)?;
        outer.iter().try_fold(row, |product, size| product.checked_mul(*size))
    }

    /// Returns whether its integers are kept where a pack has integers of 8 bits, or of 4 with `is_int4`, in groups of 32:
    /// integer and scale are then the same, and nothing is rounded a second time.
    pub fn is_kept(self, is_int4: bool) -> bool {
        matches!((self, is_int4), (BlockType::Q8_0, false) | (BlockType::Q4_0, _))
    }

    /// Returns whole blocks as f32.
    ///
    /// # Errors
    /// [`Code::OutOfMemory`].
    pub fn widen(self, bytes: &[u8]) -> Result<Vec<f32>> {
        let (columns, size) = self.size();
        let mut out = Vec::new();
        out.try_reserve_exact(bytes.len() / size * columns)?;
        bytes.chunks_exact(size).for_each(|block| match self {
            BlockType::Q8_0 => out.extend(block[2..].iter().map(|byte| half(block, 0) * f32::from(*byte as i8))),
            BlockType::Q4_0 | BlockType::Q4_1 | BlockType::Q5_0 | BlockType::Q5_1 => self.widen_small(block, &mut out),
            BlockType::Q4K | BlockType::Q5K => self.widen_large(block, &mut out),
            BlockType::Q6K => widen_six(block, &mut out),
        });
        Ok(out)
    }

    /// Widens 32 values of four or five bits: the first 16 are in the low halves of the bytes, the others in the high
    /// ones, and fifth bits stand before them.
    fn widen_small(self, block: &[u8], out: &mut Vec<f32>) {
        let (with_minimum, offset, fifth) = match self {
            BlockType::Q4_0 => (false, 8, false),
            BlockType::Q4_1 => (true, 0, false),
            BlockType::Q5_0 => (false, 16, true),
            _ => (true, 0, true),
        };
        let (scale, minimum) = (half(block, 0), if with_minimum { half(block, 2) } else { 0.0 });
        let mut rest = &block[if with_minimum { 4 } else { 2 }..];
        let mut fifths = 0;
        if fifth {
            let (bits, halves) = rest.split_at(4);
            fifths = bits.iter().rev().fold(0u32, |all, byte| all << 8 | u32::from(*byte));
            rest = halves;
        }
        for at in 0..SMALL {
            let byte = rest[at % (SMALL / 2)];
            let four = if at < SMALL / 2 { byte & 15 } else { byte >> 4 };
            let integer = i16::from(four) | ((fifths >> at & 1) as i16) << 4;
            let value = scale * f32::from(integer - offset);
            out.push(if with_minimum { value + minimum } else { value });
        }
    }

    /// Widens 256 values of four or five bits: each 32 bytes are two parts, in low halves and in high ones.
    fn widen_large(self, block: &[u8], out: &mut Vec<f32>) {
        let (scale, minimum) = (half(block, 0), half(block, 2));
        let packed = &block[4..16];
        let (fifths, halves) = if self == BlockType::Q5K { block[16..].split_at(32) } else { (&[][..], &block[16..]) };
        for part in 0..8 {
            let (scale_bits, minimum_bits) = six_bits(packed, part);
            let (scale, minimum) = (scale * f32::from(scale_bits), minimum * f32::from(minimum_bits));
            for (at, byte) in halves[part / 2 * 32..][..32].iter().enumerate() {
                let four = if part % 2 == 0 { byte & 15 } else { byte >> 4 };
                let fifth = fifths.get(at).map_or(0, |bits| bits >> part & 1);
                out.push(scale * f32::from(four | fifth << 4) - minimum);
            }
        }
    }

    /// Returns integers and scales of whole blocks as a pack stores them, in groups of 32; see [`Self::is_kept`]. A block
    /// with the integer -128, which no quantiser makes and no pack may have, is rounded again.
    ///
    /// # Errors
    /// [`Code::WeightsInvalid`] for a scale that is not finite.
    pub fn integers(self, bytes: &[u8], is_int4: bool) -> Result<(Vec<u8>, Vec<u8>)> {
        let (mut values, mut scales) = (Vec::new(), Vec::new());
        for block in bytes.chunks_exact(self.size().1) {
            let (scale, stored) = block.split_at(2);
            if !half(scale, 0).is_finite() {
                return Err(Error::new(Code::WeightsInvalid, "a scale that is not finite"));
            }
            let integer = |at: usize| stored[at % 16] >> (at / 16 * 4) & 15;
            match self {
                BlockType::Q8_0 if stored.contains(&0x80) => {
                    let Matrix::Int8 { values: again, scales: scale, .. } =
                        quantise_rows(&self.widen(block)?, 1, SMALL, SMALL)?
                    else {
                        return Err(Error::new(Code::Internal, "quantising did not give integers"));
                    };
                    values.extend(again.into_iter().map(|value| value as u8));
                    scales.extend(scale_bytes(&scale));
                    continue;
                }
                BlockType::Q8_0 => values.extend_from_slice(stored),
                _ if is_int4 => values.extend((0..SMALL / 2).map(|at| integer(2 * at) | integer(2 * at + 1) << 4)),
                _ => values.extend((0..SMALL).map(|at| integer(at).wrapping_sub(8))),
            }
            scales.extend_from_slice(scale);
        }
        Ok((values, scales))
    }
}

/// Returns the one scale of a block that was rounded again.
fn scale_bytes(scales: &Scales) -> [u8; 2] {
    f16::from_f32(scales.at(0)).to_le_bytes()
}

/// Returns the f16 at a position of a block.
fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Returns scale and minimum of a part of a large block: six bits each, the upper two of the last four parts in the upper
/// bits of the first eight bytes.
fn six_bits(packed: &[u8], part: usize) -> (u8, u8) {
    match part {
        0..4 => (packed[part] & 63, packed[part + 4] & 63),
        _ => {
            let low = packed[part + 4];
            (low & 15 | packed[part - 4] >> 6 << 4, low >> 4 | packed[part] >> 6 << 4)
        }
    }
}

/// Widens 256 values of six bits, in two halves: 64 bytes with the lower four bits of 128 values, 32 bytes with the upper two.
fn widen_six(block: &[u8], out: &mut Vec<f32>) {
    let (lower, rest) = block.split_at(128);
    let (upper, rest) = rest.split_at(64);
    let scale = half(rest, 16);
    for at in 0..LARGE {
        let (half, within) = (at / 128, at % 128);
        let four = lower[half * 64 + within % 64] >> (within / 64 * 4) & 15;
        let two = upper[half * 32 + within % 32] >> (within / 32 * 2) & 3;
        let part = scale * f32::from(rest[at / 16] as i8);
        out.push(part * (f32::from(four | two << 4) - 32.0));
    }
}
