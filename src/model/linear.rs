//! A linear layer without bias, in the format its weights have.

use burn::tensor::{DType, Int, Tensor, TensorData};

use super::{Device, DeviceKind};
use crate::error::{Code, Error, Result};
use crate::kernels;
use crate::weights::Matrix;

/// Weights [out, in] on a device.
#[allow(clippy::large_enum_variant, reason = "there are five a layer, which tensors of their own hold")]
pub(super) enum Linear {
    F32(Tensor<2>),
    Int8 { weight: Tensor<2, Int>, scales: Tensor<2> },
}

impl Linear {
    /// Moves a matrix to the device.
    ///
    /// # Errors
    /// [`Code::ConfigUnsupported`] for int8 rows that do not fill whole words on a GPU.
    pub fn new(matrix: Matrix, device: &Device) -> Result<Self> {
        match matrix {
            Matrix::Int8 { rows, cols, group, values, scales } => {
                let scales = TensorData::new(scales, [rows, cols / group]);
                Ok(Self::Int8 {
                    weight: int8_tensor(values, rows, cols, device)?,
                    scales: Tensor::from_data(scales, &device.burn),
                })
            }
            other => {
                let (rows, cols) = (other.rows(), other.cols());
                Ok(Self::F32(Tensor::from_data(TensorData::new(other.into_f32(), [rows, cols]), &device.burn)))
            }
        }
    }

    /// `x` [n, in] -> [n, out].
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::F32(weight) => kernels::linear(x, weight.clone()),
            Self::Int8 { weight, scales } => kernels::linear_int8(x, weight.clone(), scales.clone()),
        }
    }
}

/// Int8 weights as the device's kernels read them: bytes on the CPU, four to a word on a GPU, whose
/// shading language has no smaller type.
fn int8_tensor(values: Vec<i8>, rows: usize, cols: usize, device: &Device) -> Result<Tensor<2, Int>> {
    match device.kind {
        DeviceKind::Cpu => Ok(Tensor::from_data(TensorData::new(values, [rows, cols]), (&device.burn, DType::I8))),
        DeviceKind::Gpu if cols.is_multiple_of(4) => {
            let words: Vec<i32> = values
                .chunks_exact(4)
                .map(|four| i32::from_le_bytes([four[0] as u8, four[1] as u8, four[2] as u8, four[3] as u8]))
                .collect();
            Ok(Tensor::from_data(TensorData::new(words, [rows, cols / 4]), (&device.burn, DType::I32)))
        }
        DeviceKind::Gpu => Err(Error::new(
            Code::ConfigUnsupported,
            format!(
                "int8 weights of width {cols} cannot go to a GPU (not a multiple of 4); use the CPU or an f32 pack"
            ),
        )),
    }
}
