//! The whole encoder.

use burn::tensor::Tensor;

use super::layer::{Layer, Norm};
use super::rope::Rope;
use super::{Batch, Device, Plan};
#[cfg(feature = "gpu")]
use super::{DeviceKind, Stage};
use crate::config::{LayerKind, ModelConfig};
use crate::error::{Code, Error, Result};
use crate::kernels;
use crate::weights::Tensors;

/// The layers of a ModernBERT encoder on one device. Its input is rows of the vocabulary table: the table
/// itself stays in ordinary memory, wherever its holder keeps it.
pub struct Encoder {
    config: ModelConfig,
    device: Device,
    embedding_norm: Norm,
    layers: Vec<Layer>,
    final_norm: Norm,
    global_rope: Rope,
    local_rope: Rope,
}

impl Encoder {
    /// Takes the tensors that `config` calls for out of `tensors`, except the vocabulary table.
    ///
    /// # Errors
    /// [`Code::TensorMissing`], [`Code::TensorShape`] or [`Code::TensorType`] with the tensor's name.
    pub fn load(config: &ModelConfig, tensors: &mut Tensors, device: &Device) -> Result<Self> {
        config.check()?;
        let layer = |index| Layer::load(tensors, index, config, device);
        let layers = (0..config.layers.len()).map(layer).collect::<Result<_>>()?;
        let encoder = Self {
            layers,
            embedding_norm: Norm::load(tensors, "embeddings.norm.weight", config, device)?,
            final_norm: Norm::load(tensors, "final_norm.weight", config, device)?,
            global_rope: Rope::new(config.global_rope_theta, config.head_size()),
            local_rope: Rope::new(config.local_rope_theta, config.head_size()),
            device: device.clone(),
            config: config.clone(),
        };
        #[cfg(feature = "gpu")]
        encoder.warm_up();
        Ok(encoder)
    }

    /// Has a GPU compile all that this model will run there, before anybody waits for a vector: every body makes a row of
    /// the first layer, and nothing that comes later is of another pipeline.
    #[cfg(feature = "gpu")]
    fn warm_up(&self) {
        if self.device.kind != DeviceKind::Gpu {
            return;
        }
        // A row fewer than come in, which some kernels are there for.
        let (batch, stage) = (Batch::new(vec![2]), Stage { input: None, output: Some(1) });
        let hidden = self.config.hidden_size;
        let rows = kernels::floats(vec![0.0; 2 * hidden], [2, hidden], &self.device.burn);
        let x = self.embedding_norm.forward(rows);
        let rows = batch.layer_rows(stage, &self.device.burn);
        let rope = self.global_rope.table(2, &self.device.burn);
        if let Some(layer) = self.layers.first() {
            for body in 0..kernels::gpu::MOST_BODIES {
                kernels::gpu::with_body(body, || layer.forward(x.clone(), rope.clone(), &rows));
            }
        }
    }

    /// Returns the shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Returns the device that it runs on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Computes, from rows of the vocabulary table, the hidden states after the last norm, [n, H]: those of the tokens
    /// that `plan` keeps, sequence by sequence.
    ///
    /// `rows` are those of the tokens that `plan` embeds, sequence by sequence, see [`Batch::first`].
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for a wrong number of rows, an empty sequence or one longer than `max_positions`.
    pub fn forward(&self, rows: Vec<f32>, batch: &Batch, plan: &Plan) -> Result<Tensor<2>> {
        self.forward_observed(rows, batch, plan, |_| ())
    }

    /// Does what [`Self::forward`] does and shows `observe` the state after the embedding norm and after each layer.
    pub fn forward_observed(
        &self,
        rows: Vec<f32>,
        batch: &Batch,
        plan: &Plan,
        mut observe: impl FnMut(&Tensor<2>),
    ) -> Result<Tensor<2>> {
        let hidden = self.config.hidden_size;
        let count = batch.rows(plan.embedded());
        self.check(batch)?;
        if rows.len() != count * hidden {
            let message = format!("{} values are not {count} rows of {hidden}", rows.len());
            return Err(Error::new(Code::InputInvalid, message));
        }
        let rows = kernels::floats(rows, [count, hidden], &self.device.burn);
        let mut x = self.embedding_norm.forward(rows);
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

    fn check(&self, batch: &Batch) -> Result<()> {
        let lengths = batch.lengths();
        if lengths.is_empty() || lengths.contains(&0) {
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
