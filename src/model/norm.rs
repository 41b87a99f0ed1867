//! Layer norm.

use burn::tensor::Tensor;

use super::Device;
use crate::config::ModelConfig;
use crate::error::Result;
use crate::kernels;
use crate::weights::Tensors;

/// A layer norm without bias.
pub(super) struct Norm {
    pub(super) gain: Tensor<1>,
    pub(super) eps: f32,
}

impl Norm {
    pub fn load(tensors: &mut Tensors, name: &str, config: &ModelConfig, device: &Device) -> Result<Self> {
        let gain = tensors.take_vector(name, config.hidden_size)?;
        let gain = kernels::floats(gain, [config.hidden_size], &device.burn);
        Ok(Self { gain, eps: config.norm_eps })
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        kernels::layer_norm(x, self.gain.clone(), self.eps)
    }
}
