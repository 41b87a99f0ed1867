//! The whole encoder.

use burn::tensor::{Tensor, TensorData};

use super::layer::{Layer, Norm};
use super::rope::Rope;
use super::{Batch, Device, Plan};
use crate::config::{LayerKind, ModelConfig};
use crate::error::{Code, Error, Result};
use crate::weights::{Table, Tensors};

/// A ModernBERT encoder on one device. The vocabulary table stays in ordinary memory: its rows are
/// gathered there and only they go to the device.
pub struct Encoder {
    config: ModelConfig,
    device: Device,
    table: Table,
    embedding_norm: Norm,
    layers: Vec<Layer>,
    final_norm: Norm,
    global_rope: Rope,
    local_rope: Rope,
}

impl Encoder {
    /// Takes the tensors that `config` calls for out of `tensors`.
    ///
    /// # Errors
    /// [`Code::TensorMissing`], [`Code::TensorShape`] or [`Code::TensorType`] with the tensor's name.
    pub fn load(config: &ModelConfig, tensors: &mut Tensors, device: &Device) -> Result<Self> {
        config.check()?;
        let layer = |index| Layer::load(tensors, index, config, device);
        let layers = (0..config.layers.len()).map(layer).collect::<Result<_>>()?;
        Ok(Self {
            layers,
            embedding_norm: Norm::load(tensors, "embeddings.norm.weight", config, device)?,
            final_norm: Norm::load(tensors, "final_norm.weight", config, device)?,
            table: tensors.take_table(config.vocab_size, config.hidden_size)?,
            global_rope: Rope::new(config.global_rope_theta, config.head_size()),
            local_rope: Rope::new(config.local_rope_theta, config.head_size()),
            device: device.clone(),
            config: config.clone(),
        })
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// `ids` of all sequences one after another -> hidden states after the last norm, [n, H]: the
    /// rows of the tokens that `plan` keeps, sequence by sequence.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an id past the vocabulary, an empty sequence or one past
    /// `max_positions`.
    pub fn forward(&self, ids: &[u32], batch: &Batch, plan: &Plan) -> Result<Tensor<2>> {
        self.forward_observed(ids, batch, plan, |_| ())
    }

    /// [`Self::forward`], showing `observe` the state after the embedding norm and after each layer.
    pub fn forward_observed(
        &self,
        ids: &[u32],
        batch: &Batch,
        plan: &Plan,
        mut observe: impl FnMut(&Tensor<2>),
    ) -> Result<Tensor<2>> {
        self.check(ids, batch)?;
        let mut x = self.embed(&batch.first(ids, plan.embedded()))?;
        observe(&x);
        let longest = batch.lengths().iter().copied().max().unwrap_or(0);
        let mut previous = None;
        for ((layer, kind), stage) in self.layers.iter().zip(&self.config.layers).zip(plan.stages()) {
            let rope = match kind {
                LayerKind::Global => &self.global_rope,
                LayerKind::Local => &self.local_rope,
            };
            // Neighbouring layers mostly share a stage, and then its index tensors.
            let rows = match previous.take() {
                Some((last, rows)) if last == *stage => rows,
                _ => batch.layer_rows(*stage, &self.device.burn),
            };
            x = layer.forward(x, rope.table(longest, &self.device.burn), &rows);
            previous = Some((*stage, rows));
            observe(&x);
        }
        Ok(self.final_norm.forward(x))
    }

    /// Rows of the vocabulary table after the embedding norm, [n, H].
    fn embed(&self, ids: &[u32]) -> Result<Tensor<2>> {
        let mut rows = Vec::with_capacity(ids.len() * self.config.hidden_size);
        self.table.gather(ids, &mut rows)?;
        let rows = TensorData::new(rows, [ids.len(), self.config.hidden_size]);
        Ok(self.embedding_norm.forward(Tensor::from_data(rows, &self.device.burn)))
    }

    fn check(&self, ids: &[u32], batch: &Batch) -> Result<()> {
        let lengths = batch.lengths();
        if lengths.is_empty() || lengths.contains(&0) || lengths.iter().sum::<usize>() != ids.len() {
            return Err(Error::new(
                Code::InputInvalid,
                "a batch needs at least one sequence and each at least one token",
            ));
        }
        match lengths.iter().find(|length| **length > self.config.max_positions) {
            Some(length) => Err(Error::new(
                Code::InputInvalid,
                format!(
                    "{length} tokens are more than the {} that the model has positions for",
                    self.config.max_positions
                ),
            )),
            None => Ok(()),
        }
    }
}
