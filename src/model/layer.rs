//! One encoder layer.

use burn::tensor::Tensor;

use super::Device;
#[cfg(feature = "gpu")]
use super::DeviceKind;
use super::batch::LayerRows;
use super::linear::Linear;
use crate::config::{Activation, LayerKind, ModelConfig};
use crate::error::Result;
use crate::kernels::{self, AttentionShape, MlpShape, Precision, TILE_LENGTHS};
#[cfg(feature = "gpu")]
use crate::kernels::{AttentionMatrices, LayerShape};
use crate::weights::{Matrix, Tensors};

/// A layer norm without bias.
pub(super) struct Norm {
    gain: Tensor<1>,
    eps: f32,
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

/// Attention and gated MLP, each with its norm before and its residual around.
pub(super) struct Layer {
    /// `None` in layer 0.
    attention_norm: Option<Norm>,
    /// The first H rows of `Wqkv`: queries are made for fewer tokens than keys and values.
    query: Linear,
    /// The other 2H rows.
    key_value: Linear,
    attention_out: Linear,
    mlp_norm: Norm,
    mlp_in: Linear,
    mlp_out: Linear,
    shape: AttentionShape,
    activation: Activation,
    #[cfg(feature = "gpu")]
    device: DeviceKind,
}

impl Layer {
    /// Takes the tensors of layer `index` out of `tensors`.
    pub fn load(tensors: &mut Tensors, index: usize, config: &ModelConfig, device: &Device) -> Result<Self> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("layers.{index}.{part}.weight");
        let qkv = tensors.take_matrix(&name("attn.Wqkv"), 3 * hidden, hidden)?;
        let (query, key_value) = split_rows(qkv, hidden);
        let precision = match &key_value {
            Matrix::Int8 { .. } => Precision::Int16,
            _ => Precision::Float,
        };
        let attention_norm = match index {
            0 => None,
            _ => Some(Norm::load(tensors, &name("attn_norm"), config, device)?),
        };
        Ok(Self {
            attention_norm,
            query: Linear::new(query, device)?,
            key_value: Linear::new(key_value, device)?,
            attention_out: Linear::new(tensors.take_matrix(&name("attn.Wo"), hidden, hidden)?, device)?,
            mlp_norm: Norm::load(tensors, &name("mlp_norm"), config, device)?,
            mlp_in: Linear::new(tensors.take_matrix(&name("mlp.Wi"), 2 * inner, hidden)?, device)?,
            mlp_out: Linear::new(tensors.take_matrix(&name("mlp.Wo"), hidden, inner)?, device)?,
            shape: AttentionShape {
                heads: config.num_heads,
                head_size: config.head_size(),
                half_window: (config.layers[index] == LayerKind::Local).then(|| config.half_window()),
                precision,
                tile: TILE_LENGTHS[0],
            },
            activation: config.activation,
            #[cfg(feature = "gpu")]
            device: device.kind,
        })
    }

    /// Computes the layer: `x` [n_in, H] -> [n_out, H].
    pub fn forward(&self, x: Tensor<2>, rope: Tensor<2>, rows: &LayerRows) -> Tensor<2> {
        let shape = AttentionShape { tile: rows.tile, ..self.shape };
        #[cfg(feature = "gpu")]
        if let Some(x) = self.attention_at_once(&x, &rope, rows, shape) {
            return self.mlp(x);
        }
        self.mlp(self.attention(x, rope, rows, shape))
    }

    /// Does what [`Self::attention`] does in one operation, on a GPU with int8 weights.
    #[cfg(feature = "gpu")]
    fn attention_at_once(
        &self,
        x: &Tensor<2>,
        rope: &Tensor<2>,
        rows: &LayerRows,
        attention: AttentionShape,
    ) -> Option<Tensor<2>> {
        let (Linear::Int8(query), Linear::Int8(key_value), Linear::Int8(out), DeviceKind::Gpu) =
            (&self.query, &self.key_value, &self.attention_out, self.device)
        else {
            return None;
        };
        // Without a norm the gain is not read; the MLP's is a tensor that fits.
        let norm = self.attention_norm.as_ref();
        let gain = norm.unwrap_or(&self.mlp_norm).gain.clone();
        let shape = LayerShape { eps: norm.map(|norm| norm.eps), attention };
        let matrices = AttentionMatrices { query: query.clone(), key_value: key_value.clone(), out: out.clone() };
        let (queries, tiles) = (rows.queries.clone(), rows.tiles.clone());
        Some(kernels::attention_int8(x.clone(), gain, matrices, rope.clone(), queries, tiles, shape))
    }

    /// Computes the attention, kernel by kernel: `x` [n_in, H] -> [n_out, H], residual included.
    fn attention(&self, x: Tensor<2>, rope: Tensor<2>, rows: &LayerRows, shape: AttentionShape) -> Tensor<2> {
        let normed = match &self.attention_norm {
            Some(norm) => norm.forward(x.clone()),
            None => x.clone(),
        };
        let kv = self.key_value.forward(normed.clone());
        let (x, normed) = match &rows.kept {
            Some(kept) => (kernels::take_rows(x, kept.clone()), kernels::take_rows(normed, kept.clone())),
            None => (x, normed),
        };
        let q = self.query.forward(normed);
        let seen = kernels::attention(q, kv, rope, rows.queries.clone(), rows.tiles.clone(), shape);
        kernels::add(x, self.attention_out.forward(seen))
    }

    /// Computes the MLP: `x` [n, H] -> [n, H], residual included.
    fn mlp(&self, x: Tensor<2>) -> Tensor<2> {
        if let (Linear::Int8(wide), Linear::Int8(narrow)) = (&self.mlp_in, &self.mlp_out) {
            let shape = MlpShape { eps: self.mlp_norm.eps, activation: self.activation };
            return kernels::mlp_int8(x, self.mlp_norm.gain.clone(), wide.clone(), narrow.clone(), shape);
        }
        let wide = self.mlp_in.forward(self.mlp_norm.forward(x.clone()));
        kernels::add(x, self.mlp_out.forward(kernels::gate(wide, self.activation)))
    }
}

/// Splits a matrix into its first `at` rows and the rest.
fn split_rows(matrix: Matrix, at: usize) -> (Matrix, Matrix) {
    match matrix {
        Matrix::Int8 { rows, cols, group, mut values, mut scales } => {
            let (rest_values, rest_scales) = (values.split_off(at * cols), scales.split_off(at * (cols / group)));
            (
                Matrix::Int8 { rows: at, cols, group, values, scales },
                Matrix::Int8 { rows: rows - at, cols, group, values: rest_values, scales: rest_scales },
            )
        }
        other => {
            let (rows, cols) = (other.rows(), other.cols());
            let mut values = other.into_f32();
            let rest = values.split_off(at * cols);
            (Matrix::F32 { rows: at, cols, values }, Matrix::F32 { rows: rows - at, cols, values: rest })
        }
    }
}
