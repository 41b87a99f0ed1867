//! Activations as bytes, as `bytes.wgsl` describes them.

use burn::backend::wgpu::CubeTensor;
use burn::tensor::{DType, Shape};

use super::shader::Shader;
use super::{run, size};
use crate::kernels::simd;

/// Columns that have a step together.
pub const GROUP: usize = 32;

/// Rows of activations as bytes.
pub struct Bytes {
    /// The words, then the steps.
    pub words: CubeTensor,
    /// How many rows there are.
    pub rows: usize,
    /// 2 if the bytes of what was rounded away follow those of a row, for a pack's self-test, or 1.
    pub levels: usize,
}

impl Bytes {
    /// Creates `rows` rows of `k` on the device of another tensor, their values still to be made.
    pub fn empty(like: &CubeTensor, [rows, k]: [usize; 2]) -> Self {
        let levels = simd::passes();
        // Words are also read in quads.
        let count = (rows * levels * (k / 4 + k / GROUP)).next_multiple_of(4);
        let buffer = like.client.empty(count * size_of::<u32>());
        let (client, device) = (like.client.clone(), like.device.clone());
        let words = CubeTensor::new_contiguous(client, device, Shape::from(vec![count]), buffer, DType::U32);
        Self { words, rows, levels }
    }

    /// Rounds the rows of `x`, [n, k], after their norm if one is given by gain and epsilon.
    pub fn of(x: &CubeTensor, norm: Option<(&CubeTensor, f32)>) -> Self {
        let [rows, k] = size(x);
        let made = Self::empty(x, [rows, k]);
        let (gain, eps) = norm.unzip();
        let none = super::empty(x, [1, 4]);
        let numbers = [rows, k, made.levels, usize::from(norm.is_some())].map(|number| number as u32);
        let parameters = [&numbers[..], &[eps.unwrap_or(0.0).to_bits(), 0, 0, 0]].concat();
        run(Shader::Round, [rows, 1], vec![x, gain.unwrap_or(&none), &made.words], &parameters);
        made
    }
}
