//! Element types and how each widens to f32.

use half::{bf16, f16};
use serde::{Deserialize, Serialize};

/// The type of a stored tensor's elements; all are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    BF16,
    /// Two's complement.
    I8,
    /// Half bytes, two columns to a byte: see [`quantise_rows_int4`](super::quantise_rows_int4). A safetensors
    /// file calls them U8, half as many, since most tools know no smaller type.
    Int4,
}

impl ElementType {
    /// Returns the bytes of a tensor, whose rows begin at whole bytes; `None` if there are too many to count.
    pub fn bytes_of(self, shape: &[usize]) -> Option<usize> {
        let (outer, cols) = match shape {
            [outer @ .., cols] => (outer, *cols),
            [] => (shape, 1),
        };
        let row = match self {
            ElementType::F32 => cols.checked_mul(4)?,
            ElementType::F16 | ElementType::BF16 => cols.checked_mul(2)?,
            ElementType::I8 => cols,
            ElementType::Int4 => cols.div_ceil(2),
        };
        outer.iter().try_fold(row, |product, size| product.checked_mul(*size))
    }

    /// Returns whether the elements are values by themselves, and not integers that need a scale.
    pub fn is_float(self) -> bool {
        !matches!(self, ElementType::I8 | ElementType::Int4)
    }

    /// Returns the type for that of a safetensors file, if felsic reads it.
    pub(super) fn from_dtype(dtype: ::safetensors::Dtype) -> Option<Self> {
        match dtype {
            ::safetensors::Dtype::F32 => Some(ElementType::F32),
            ::safetensors::Dtype::F16 => Some(ElementType::F16),
            ::safetensors::Dtype::BF16 => Some(ElementType::BF16),
            ::safetensors::Dtype::I8 => Some(ElementType::I8),
            ::safetensors::Dtype::U8 => Some(ElementType::Int4),
            _ => None,
        }
    }

    /// Returns the type as safetensors names it.
    pub(super) fn dtype(self) -> ::safetensors::Dtype {
        match self {
            ElementType::F32 => ::safetensors::Dtype::F32,
            ElementType::F16 => ::safetensors::Dtype::F16,
            ElementType::BF16 => ::safetensors::Dtype::BF16,
            ElementType::I8 => ::safetensors::Dtype::I8,
            ElementType::Int4 => ::safetensors::Dtype::U8,
        }
    }

    /// Appends `bytes` as f32 to `out`; int8 values as they are. Every value is exact. Half bytes append nothing:
    /// `int4::widen` expands them, with their scales.
    pub(super) fn widen(self, bytes: &[u8], out: &mut Vec<f32>) {
        match self {
            ElementType::F32 => out.extend(bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four))),
            ElementType::F16 => out.extend(bytes.as_chunks().0.iter().map(|two| f16::from_le_bytes(*two).to_f32())),
            ElementType::BF16 => out.extend(bytes.as_chunks().0.iter().map(|two| bf16::from_le_bytes(*two).to_f32())),
            ElementType::I8 => out.extend(bytes.iter().map(|byte| f32::from(*byte as i8))),
            ElementType::Int4 => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widened(element: ElementType, bytes: &[u8]) -> Vec<f32> {
        let mut out = Vec::new();
        element.widen(bytes, &mut out);
        out
    }

    #[test]
    fn every_half_widens_exactly() {
        for bits in 0..=u16::MAX {
            let bytes = bits.to_le_bytes();
            let [upper] = widened(ElementType::BF16, &bytes)[..] else { panic!("one value") };
            let wanted = f32::from_bits(u32::from(bits) << 16);
            // A signalling NaN becomes a quiet one.
            assert!(upper.to_bits() == wanted.to_bits() || (upper.is_nan() && wanted.is_nan()), "{bits:#06x}");
            let [half] = widened(ElementType::F16, &bytes)[..] else { panic!("one value") };
            // Binary16 by its definition: sign, 5 bits of exponent (bias 15), 10 of fraction.
            let (exponent, fraction) = (i32::from(bits >> 10) & 31, f64::from(bits & 1023));
            let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
            let value = match exponent {
                0 => fraction * 2f64.powi(-24),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
            };
            assert!(f64::from(half) == sign * value || (half.is_nan() && value.is_nan()), "{bits:#06x}");
        }
    }

    #[test]
    fn int8_and_f32_keep_their_values() {
        assert_eq!(widened(ElementType::I8, &[0x80, 0xff, 0x00, 0x7f]), [-128.0, -1.0, 0.0, 127.0]);
        assert_eq!(widened(ElementType::F32, &1.5f32.to_le_bytes()), [1.5]);
    }
}
