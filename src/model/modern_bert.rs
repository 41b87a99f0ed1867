//! ModernBERT: rotary positions, norms before, gated MLPs, no biases.
//!
//! The mathematics is that of Hugging Face transformers' `models/modernbert/modeling_modernbert.py`.

use burn::tensor::Tensor;

use super::Device;
#[cfg(feature = "gpu")]
use super::DeviceKind;
use super::architecture::Architecture;
use super::batch::LayerRows;
use super::linear::Linear;
use super::norm::Norm;
use super::rope::Rope;
use crate::config::{Activation, LayerKind, ModelConfig};
use crate::error::Result;
use crate::kernels::{self, AttentionShape, MlpShape, Precision, TILE_LENGTHS};
#[cfg(feature = "gpu")]
use crate::kernels::{AttentionMatrices, Between, LayerShape};
use crate::weights::{Matrix, Tensors};

/// The layers, the norms around them, and the tables of positions.
pub(super) struct ModernBert {
    config: ModelConfig,
    device: Device,
    embedding_norm: Norm,
    layers: Vec<Layer>,
    final_norm: Norm,
    global_rope: Rope,
    local_rope: Rope,
}

impl ModernBert {
    pub fn load(config: &ModelConfig, tensors: &mut Tensors, device: &Device) -> Result<Self> {
        let layer = |index| Layer::load(tensors, index, config, device);
        let layers = (0..config.layers.len()).map(layer).collect::<Result<_>>()?;
        Ok(Self {
            layers,
            embedding_norm: Norm::load(tensors, "embeddings.norm.weight", config, device)?,
            final_norm: Norm::load(tensors, "final_norm.weight", config, device)?,
            global_rope: Rope::new(config.global_rope_theta, config.head_size()),
            local_rope: Rope::new(config.local_rope_theta, config.head_size()),
            device: device.clone(),
            config: config.clone(),
        })
    }
}

impl Architecture for ModernBert {
    fn embed(&self, rows: Vec<f32>) -> Tensor<2> {
        let hidden = self.config.hidden_size;
        let count = rows.len() / hidden;
        self.embedding_norm.forward(kernels::floats(rows, [count, hidden], &self.device.burn))
    }

    fn layer(&self, index: usize, x: Tensor<2>, longest: usize, rows: &LayerRows) -> Tensor<2> {
        let rope = match self.config.layers[index] {
            LayerKind::Global => &self.global_rope,
            LayerKind::Local => &self.local_rope,
        };
        self.layers[index].forward(x, rope.table(longest, &self.device.burn), rows)
    }

    fn finish(&self, x: Tensor<2>) -> Tensor<2> {
        self.final_norm.forward(x)
    }
}

/// Attention and gated MLP, each with its norm before and its residual around.
struct Layer {
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
        let (query, key_value) = qkv.split_rows(hidden);
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
        #[cfg(feature = "gpu")]
        if let Some(weight) = self.key_value.float_on_gpu(self.device) {
            let [x, kept] = [x, normed.clone()].map(|x| rows.kept_of(x));
            let (q, indices) = (self.query.forward(kept), [rows.queries.clone(), rows.tiles.clone()]);
            let seen = kernels::attention_f32([q, normed], weight, None, rope, indices, shape);
            return kernels::add(x, self.attention_out.forward(seen));
        }
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
        let normed = self.mlp_norm.forward(x.clone());
        #[cfg(feature = "gpu")]
        if let (Some(wide), Some(narrow)) =
            (self.mlp_in.float_on_gpu(self.device), self.mlp_out.float_on_gpu(self.device))
        {
            return kernels::add(x, kernels::mlp_f32(normed, wide, None, narrow, Between::Gate(self.activation)));
        }
        let wide = self.mlp_in.forward(normed);
        kernels::add(x, self.mlp_out.forward(kernels::gate(wide, self.activation)))
    }
}
