//! A linear layer without bias, in the format of its weights.

use burn::tensor::{Int, Tensor};

use super::Device;
#[cfg(feature = "gpu")]
use super::DeviceKind;
use crate::error::{Code, Error, Result};
use crate::kernels::{self, Int8Matrix};
use crate::weights::Matrix;

/// Weights [out, in] on a device.
#[allow(clippy::large_enum_variant, reason = "there are five a layer, which tensors of their own hold")]
pub(super) enum Linear {
    F32(Tensor<2>),
    Int8(Int8Matrix),
}

impl Linear {
    /// Moves a matrix to the device.
    ///
    /// # Errors
    /// [`Code::ConfigUnsupported`] for an int8 matrix that does not fill the device's words or registers.
    pub fn new(matrix: Matrix, device: &Device) -> Result<Self> {
        match matrix {
            Matrix::Int8 { rows, cols, group, values, scales } => {
                let scales = scales.into_f32();
                // A build without the GPU does not hold what it takes.
                #[cfg(feature = "gpu")]
                if device.kind == DeviceKind::Gpu {
                    return words(&values, &scales, [rows, cols], group, device).map(Self::Int8);
                }
                let (weight, scales) = ordered_bytes(values, scales, [rows, cols], group, device)?;
                let groups = scales.len() / rows.max(1);
                let scales = kernels::floats(scales, [rows, groups], &device.burn);
                Ok(Self::Int8(Int8Matrix { weight, scales }))
            }
            other => {
                let (rows, cols) = (other.rows(), other.cols());
                Ok(Self::F32(kernels::floats(other.into_f32(), [rows, cols], &device.burn)))
            }
        }
    }

    /// Returns f32 weights that are on a GPU, whose kernels take several of them through a part of a layer.
    #[cfg(feature = "gpu")]
    pub fn float_on_gpu(&self, device: DeviceKind) -> Option<Tensor<2>> {
        match (self, device) {
            (Self::F32(weight), DeviceKind::Gpu) => Some(weight.clone()),
            _ => None,
        }
    }

    /// Multiplies `x` by the weights: [n, in] -> [n, out].
    // One copy for all of a layer's calls: a binary for pages has to be small.
    #[inline(never)]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::F32(weight) => kernels::linear(x, weight.clone()),
            Self::Int8(matrix) => kernels::linear_int8(x, matrix.clone()),
        }
    }
}

/// Orders int8 weights and their scales for the CPU's kernels. No weight is copied.
fn ordered_bytes(
    mut values: Vec<i8>,
    scales: Vec<f32>,
    [rows, cols]: [usize; 2],
    group: usize,
    device: &Device,
) -> Result<(Tensor<2, Int>, Vec<f32>)> {
    if !kernels::simd::is_ordered(rows, group) {
        let message = format!(
            "an int8 matrix of {rows} rows in groups of {group} does not suit the CPU's kernels, which take \
             rows in eights and groups in fours; use an f32 pack"
        );
        return Err(Error::new(Code::ConfigUnsupported, message));
    }
    let scales = kernels::simd::order(&mut values, scales, cols, group);
    Ok((kernels::integers(values, [rows, cols], &device.burn), scales))
}

/// Orders int8 weights and their scales for a GPU: four weights to a word, since its shading language has no smaller
/// type, and column by column, so that neighbouring threads read neighbouring words.
#[cfg(feature = "gpu")]
fn words(values: &[i8], scales: &[f32], [rows, cols]: [usize; 2], group: usize, device: &Device) -> Result<Int8Matrix> {
    if ![rows, cols, group].iter().all(|count| count.is_multiple_of(4)) {
        let message = format!(
            "int8 weights [{rows}, {cols}] in groups of {group} cannot go to a GPU (not multiples of 4); use the CPU \
             or an f32 pack"
        );
        return Err(Error::new(Code::ConfigUnsupported, message));
    }
    let word = |four: &[i8; 4]| i32::from_le_bytes(four.map(|byte| byte as u8));
    let words = columns(&values.as_chunks().0.iter().map(word).collect::<Vec<_>>(), rows);
    let weight = kernels::integers(words, [cols / 4, rows], &device.burn);
    let scales = kernels::floats(columns(scales, rows), [cols / group, rows], &device.burn);
    Ok(Int8Matrix { weight, scales })
}

/// Returns the entries of a matrix of `rows` rows, column by column.
#[cfg(feature = "gpu")]
fn columns<T: Copy>(entries: &[T], rows: usize) -> Vec<T> {
    let width = entries.len() / rows.max(1);
    (0..width).flat_map(|column| entries.iter().skip(column).step_by(width)).copied().collect()
}
