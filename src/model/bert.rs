//! BERT, RoBERTa and XLM-RoBERTa: learned positions, norms behind, plain MLPs, biases everywhere.
//!
//! The mathematics is that of Hugging Face transformers' `models/bert/modeling_bert.py` and
//! `models/roberta/modeling_roberta.py`.

use burn::tensor::Tensor;

use super::Device;
#[cfg(feature = "gpu")]
use super::DeviceKind;
use super::architecture::Architecture;
use super::batch::LayerRows;
use super::linear::Linear;
use super::norm::Norm;
use crate::config::{Activation, ModelConfig};
use crate::error::Result;
use crate::kernels::{self, AttentionShape, Precision, TILE_LENGTHS};
#[cfg(feature = "gpu")]
use crate::kernels::{Between, BiasedMatrix};
use crate::weights::{Matrix, Tensors};

/// The layers, and the embeddings that are not of tokens.
pub(super) struct Bert {
    hidden: usize,
    device: Device,
    /// For each row of the table of positions the sum of it and the first token type, [positions, H]: a single text has no
    /// other type.
    positions: Vec<f32>,
    /// The row of a text's first token.
    first_position: usize,
    embedding_norm: BiasedNorm,
    layers: Vec<Layer>,
    /// Cosines and sines of no rotation at all: attention turns queries and keys by them.
    still: Tensor<2>,
}

impl Bert {
    pub fn load(config: &ModelConfig, tensors: &mut Tensors, device: &Device) -> Result<Self> {
        let (hidden, half) = (config.hidden_size, config.head_size() / 2);
        let mut table = |part: &str, rows: usize| -> Result<Vec<f32>> {
            Ok(tensors.take_matrix(&format!("embeddings.{part}.weight"), rows, hidden)?.into_f32())
        };
        let first_position = config.first_position;
        let mut positions = table("position_embeddings", first_position + config.max_positions)?;
        let types = table("token_type_embeddings", config.token_types)?;
        for row in positions.chunks_exact_mut(hidden) {
            add_to(row, &types[..hidden]);
        }
        let embedding_norm = BiasedNorm::load(tensors, "embeddings.LayerNorm", config, device)?;
        let layer = |index| Layer::load(tensors, index, config, device);
        let layers = (0..config.layers.len()).map(layer).collect::<Result<_>>()?;
        let still = [vec![1.0; half], vec![0.0; half]].concat().repeat(config.max_positions);
        let still = kernels::floats(still, [config.max_positions, 2 * half], &device.burn);
        Ok(Self { hidden, device: device.clone(), positions, first_position, embedding_norm, layers, still })
    }
}

impl Architecture for Bert {
    fn place(&self, rows: &mut [f32], sequences: &[&[u32]], limit: Option<usize>) {
        let embedded = |ids: &&[u32]| ids.len().min(limit.unwrap_or(usize::MAX));
        let numbers = sequences.iter().flat_map(|ids| position_rows(&ids[..embedded(ids)], self.first_position));
        for (row, number) in rows.chunks_exact_mut(self.hidden).zip(numbers) {
            if let Some(position) = self.positions.get(number * self.hidden..) {
                add_to(row, position);
            }
        }
    }

    fn embed(&self, rows: Vec<f32>) -> Tensor<2> {
        let count = rows.len() / self.hidden;
        self.embedding_norm.forward(kernels::floats(rows, [count, self.hidden], &self.device.burn))
    }

    fn layer(&self, index: usize, x: Tensor<2>, _longest: usize, rows: &LayerRows) -> Tensor<2> {
        self.layers[index].forward(x, self.still.clone(), rows)
    }

    fn finish(&self, x: Tensor<2>) -> Tensor<2> {
        x
    }
}

/// Returns the row of the table of positions that each token has. The rows before `first`, if there are any, end with that
/// of the padding token, whose id is that row's number; a text may hold this token, and it is not counted.
fn position_rows(ids: &[u32], first: usize) -> impl Iterator<Item = usize> {
    let mut next = first;
    ids.iter().map(move |id| match *id as usize + 1 == first {
        true => first - 1,
        false => {
            next += 1;
            next - 1
        }
    })
}

/// Adds to each value the one at its place; `other` may be longer.
fn add_to(values: &mut [f32], other: &[f32]) {
    for (value, other) in values.iter_mut().zip(other) {
        *value += other;
    }
}

/// A layer norm with its bias.
struct BiasedNorm {
    norm: Norm,
    bias: Tensor<1>,
}

impl BiasedNorm {
    fn load(tensors: &mut Tensors, name: &str, config: &ModelConfig, device: &Device) -> Result<Self> {
        Ok(Self {
            norm: Norm::load(tensors, &format!("{name}.weight"), config, device)?,
            bias: bias(tensors, &[name], config.hidden_size, device)?,
        })
    }

    // One copy for all of a layer's calls, as of the others here: a binary for pages has to be small.
    #[inline(never)]
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        kernels::biased_layer_norm(x, self.norm.gain.clone(), self.bias.clone(), self.norm.eps)
    }
}

/// A linear layer with its bias.
struct Biased {
    linear: Linear,
    bias: Tensor<1>,
    #[cfg(feature = "gpu")]
    device: DeviceKind,
}

impl Biased {
    /// Takes the linear layers `names`, each [out, in], as one: the results of each come after those of the one before.
    #[inline(never)]
    fn load(tensors: &mut Tensors, names: &[&str], [out, cols]: [usize; 2], device: &Device) -> Result<Self> {
        let matrices = names.iter().map(|name| tensors.take_matrix(&format!("{name}.weight"), out, cols));
        let matrix = matrices.collect::<Result<Vec<_>>>()?.into_iter().reduce(Matrix::join_rows);
        let matrix = matrix.unwrap_or(Matrix::F32 { rows: 0, cols, values: Vec::new() });
        Ok(Self {
            linear: Linear::new(matrix, device)?,
            bias: bias(tensors, names, out, device)?,
            #[cfg(feature = "gpu")]
            device: device.kind,
        })
    }

    /// Returns the matrix with its bias, of int8 weights on a GPU: parts of a layer are one operation there.
    #[cfg(feature = "gpu")]
    #[inline(never)]
    fn as_int8(&self) -> Option<BiasedMatrix> {
        match (&self.linear, self.device) {
            (Linear::Int8(matrix), DeviceKind::Gpu) => {
                Some(BiasedMatrix { matrix: matrix.clone(), bias: self.bias.clone() })
            }
            _ => None,
        }
    }

    /// Returns the weights, if they are f32 and on a GPU.
    #[cfg(feature = "gpu")]
    fn float_on_gpu(&self) -> Option<Tensor<2>> {
        self.linear.float_on_gpu(self.device)
    }

    #[inline(never)]
    fn forward(&self, x: Tensor<2>, activation: Option<Activation>) -> Tensor<2> {
        kernels::add_bias(self.linear.forward(x), self.bias.clone(), activation)
    }
}

/// Takes the biases of `names`, `out` values each, one after another.
fn bias(tensors: &mut Tensors, names: &[&str], out: usize, device: &Device) -> Result<Tensor<1>> {
    let biases = names.iter().map(|name| tensors.take_vector(&format!("{name}.bias"), out));
    let values = biases.collect::<Result<Vec<_>>>()?.concat();
    let count = values.len();
    Ok(kernels::floats(values, [count], &device.burn))
}

/// Attention and MLP, each with its residual around and its norm behind.
struct Layer {
    query: Biased,
    key_value: Biased,
    attention_out: Biased,
    attention_norm: BiasedNorm,
    mlp_in: Biased,
    mlp_out: Biased,
    mlp_norm: BiasedNorm,
    shape: AttentionShape,
    activation: Activation,
}

impl Layer {
    fn load(tensors: &mut Tensors, index: usize, config: &ModelConfig, device: &Device) -> Result<Self> {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let mut linear = |parts: &[&str], size: [usize; 2]| {
            let names: Vec<String> = parts.iter().map(|part| name(part)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Biased::load(tensors, &names, size, device)
        };
        let query = linear(&["attention.self.query"], [hidden, hidden])?;
        let key_value = linear(&["attention.self.key", "attention.self.value"], [hidden, hidden])?;
        let attention_out = linear(&["attention.output.dense"], [hidden, hidden])?;
        let mlp_in = linear(&["intermediate.dense"], [inner, hidden])?;
        let mlp_out = linear(&["output.dense"], [hidden, inner])?;
        let precision = match &key_value.linear {
            Linear::Int8(_) => Precision::Int16,
            Linear::F32(_) => Precision::Float,
        };
        Ok(Self {
            query,
            key_value,
            attention_out,
            attention_norm: BiasedNorm::load(tensors, &name("attention.output.LayerNorm"), config, device)?,
            mlp_in,
            mlp_out,
            mlp_norm: BiasedNorm::load(tensors, &name("output.LayerNorm"), config, device)?,
            shape: AttentionShape {
                heads: config.num_heads,
                head_size: config.head_size(),
                half_window: None,
                precision,
                tile: TILE_LENGTHS[0],
            },
            activation: config.activation,
        })
    }

    /// Computes the layer: `x` [n_in, H] -> [n_out, H].
    fn forward(&self, x: Tensor<2>, still: Tensor<2>, rows: &LayerRows) -> Tensor<2> {
        let x = self.attention_norm.forward(self.attention(x, still, rows));
        self.mlp_norm.forward(self.mlp(x))
    }

    /// Computes the attention: `x` [n_in, H] -> [n_out, H], residual included.
    fn attention(&self, x: Tensor<2>, still: Tensor<2>, rows: &LayerRows) -> Tensor<2> {
        let shape = AttentionShape { tile: rows.tile, ..self.shape };
        #[cfg(feature = "gpu")]
        if let (Some(query), Some(key_value), Some(out)) =
            (self.query.as_int8(), self.key_value.as_int8(), self.attention_out.as_int8())
        {
            let (queries, tiles) = (rows.queries.clone(), rows.tiles.clone());
            return kernels::biased_attention_int8(x, [query, key_value, out], still, queries, tiles, shape);
        }
        #[cfg(feature = "gpu")]
        if let Some(weight) = self.key_value.float_on_gpu() {
            let (kept, indices) = (rows.kept_of(x.clone()), [rows.queries.clone(), rows.tiles.clone()]);
            let (q, bias) = (self.query.forward(kept.clone(), None), Some(self.key_value.bias.clone()));
            let seen = kernels::attention_f32([q, x], weight, bias, still, indices, shape);
            return kernels::add(kept, self.attention_out.forward(seen, None));
        }
        let (queries, tiles) = (rows.queries.clone(), rows.tiles.clone());
        let kv = self.key_value.forward(x.clone(), None);
        let x = match &rows.kept {
            Some(kept) => kernels::take_rows(x, kept.clone()),
            None => x,
        };
        let q = self.query.forward(x.clone(), None);
        let seen = kernels::attention(q, kv, still, queries, tiles, shape);
        kernels::add(x, self.attention_out.forward(seen, None))
    }

    /// Computes the MLP: `x` [n, H] -> [n, H], residual included.
    fn mlp(&self, x: Tensor<2>) -> Tensor<2> {
        #[cfg(feature = "gpu")]
        if let (Some(wide), Some(narrow)) = (self.mlp_in.as_int8(), self.mlp_out.as_int8()) {
            return kernels::biased_mlp_int8(x, [wide, narrow], self.activation);
        }
        #[cfg(feature = "gpu")]
        if let (Some(wide), Some(narrow)) = (self.mlp_in.float_on_gpu(), self.mlp_out.float_on_gpu()) {
            let between = Between::Bias(self.activation);
            let made = kernels::mlp_f32(x.clone(), wide, Some(self.mlp_in.bias.clone()), narrow, between);
            return kernels::add(x, kernels::add_bias(made, self.mlp_out.bias.clone(), None));
        }
        let wide = self.mlp_in.forward(x.clone(), Some(self.activation));
        kernels::add(x, self.mlp_out.forward(wide, None))
    }
}

#[cfg(test)]
mod tests {
    use super::position_rows;

    #[test]
    fn positions_start_behind_that_of_the_padding_token_which_is_not_counted() {
        let rows = |ids: &[u32], first| position_rows(ids, first).collect::<Vec<_>>();
        assert_eq!(rows(&[0, 1, 5], 0), [0, 1, 2]);
        assert_eq!(rows(&[0, 5, 1, 1, 6, 2], 2), [2, 3, 1, 1, 4, 5]);
        assert_eq!(rows(&[0, 1], 1), [0, 1]);
    }
}
