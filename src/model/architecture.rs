//! What differs from architecture to architecture: the seam between the encoder and them.

use burn::tensor::Tensor;

use super::Device;
use super::batch::LayerRows;
use super::bert::Bert;
use super::modern_bert::ModernBert;
use crate::config::{self, ModelConfig};
use crate::error::Result;
use crate::weights::Tensors;

/// An encoder's arithmetic, step by step. What is common to all (which tokens belong together, which of them a layer
/// produces, pooling) is not its concern.
pub(super) trait Architecture: Send + Sync {
    /// Adds to rows of the vocabulary table, those of the first `limit` tokens of each sequence, what tells where they
    /// are. This alone depends on ids: whoever computes the rest needs none.
    fn place(&self, _rows: &mut [f32], _sequences: &[&[u32]], _limit: Option<usize>) {}

    /// Makes the input of the first layer from rows that know their places: [n, H].
    fn embed(&self, rows: Vec<f32>) -> Tensor<2>;

    /// Computes a layer: `x` [n_in, H] -> [n_out, H], for the rows that it reads and makes. `longest` is the length of the
    /// longest sequence.
    fn layer(&self, index: usize, x: Tensor<2>, longest: usize, rows: &LayerRows) -> Tensor<2>;

    /// Makes the hidden states from the output of the last layer: [n, H] -> [n, H].
    fn finish(&self, x: Tensor<2>) -> Tensor<2>;
}

/// Takes the tensors of an encoder, the vocabulary table apart, out of `tensors`.
///
/// # Errors
/// Those of [`Encoder::load`](super::Encoder::load).
pub(super) fn load(config: &ModelConfig, tensors: &mut Tensors, device: &Device) -> Result<Box<dyn Architecture>> {
    match config.architecture {
        config::Architecture::ModernBert => Ok(Box::new(ModernBert::load(config, tensors, device)?)),
        config::Architecture::Bert => Ok(Box::new(Bert::load(config, tensors, device)?)),
    }
}
