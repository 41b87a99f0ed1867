//! Linear layers behind the pooling, on the CPU: a text takes one product of a matrix and a vector, which is nothing beside
//! the encoder.

use crate::config::{DenseActivation, EmbedderConfig, bias_name, weight_name};
use crate::error::Result;
use crate::weights::Tensors;

/// The layers, in their order.
pub(super) struct Dense(Vec<Layer>);

struct Layer {
    /// [out, in].
    weight: Vec<f32>,
    bias: Vec<f32>,
    activation: DenseActivation,
    width: usize,
}

impl Dense {
    /// Takes the tensors that `config` calls for out of `tensors`.
    ///
    /// # Errors
    /// [`Code::TensorMissing`](crate::error::Code::TensorMissing) and its like, with the tensor's name.
    pub fn load(config: &EmbedderConfig, tensors: &mut Tensors) -> Result<Self> {
        let mut before = config.model.hidden_size;
        let layers = config.dense.iter().enumerate().map(|(number, layer)| {
            let weight = tensors.take_matrix(&weight_name(number), layer.width, before)?.into_f32();
            let bias = match layer.bias {
                true => tensors.take_vector(&bias_name(number), layer.width)?,
                false => vec![0.0; layer.width],
            };
            before = layer.width;
            Ok(Layer { weight, bias, activation: layer.activation, width: layer.width })
        });
        Ok(Self(layers.collect::<Result<_>>()?))
    }

    /// Returns the vector that the layers make of a pooled one.
    pub fn apply(&self, pooled: Vec<f32>) -> Vec<f32> {
        self.0.iter().fold(pooled, |vector, layer| layer.apply(&vector))
    }
}

impl Layer {
    fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(vector.len().max(1)).zip(&self.bias).take(self.width);
        let sum = |row: &[f32]| row.iter().zip(vector).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
        rows.map(|(row, bias)| activated(sum(row) + f64::from(*bias), self.activation) as f32).collect()
    }
}

fn activated(t: f64, activation: DenseActivation) -> f64 {
    match activation {
        DenseActivation::Identity => t,
        DenseActivation::Tanh => t.tanh(),
        DenseActivation::Relu => t.max(0.0),
        DenseActivation::Sigmoid => 1.0 / (1.0 + (-t).exp()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_follow_one_another() {
        let layer = |weight: &[f32], bias: &[f32], activation| Layer {
            weight: weight.to_vec(),
            bias: bias.to_vec(),
            activation,
            width: bias.len(),
        };
        let first = layer(&[1.0, 2.0, -1.0, 0.5, 0.0, 3.0], &[0.0, 1.0, -9.0], DenseActivation::Relu);
        let second = layer(&[1.0, 1.0, 1.0], &[0.5], DenseActivation::Identity);
        assert_eq!(Dense(vec![first, second]).apply(vec![1.0, 2.0]), [6.5]);
        let tanh = layer(&[2.0], &[0.0], DenseActivation::Tanh).apply(&[0.25]);
        let sigmoid = layer(&[2.0], &[0.0], DenseActivation::Sigmoid).apply(&[0.25]);
        assert_eq!((tanh[0], sigmoid[0]), (0.462_117_16, 0.622_459_35));
        assert_eq!(Dense(Vec::new()).apply(vec![1.0]), [1.0]);
    }
}
