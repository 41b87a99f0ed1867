//! The whole encoder.

use burn::tensor::Tensor;

use super::architecture::{self, Architecture};
use super::{Batch, Device, Plan};
#[cfg(feature = "gpu")]
use super::{DeviceKind, Stage};
use crate::config::ModelConfig;
use crate::error::{Code, Error, Result};
#[cfg(feature = "gpu")]
use crate::kernels;
use crate::weights::Tensors;

/// The layers of an encoder on one device. Its input is rows of the vocabulary table: the table
/// itself stays in ordinary memory, wherever its holder keeps it.
pub struct Encoder {
    config: ModelConfig,
    device: Device,
    architecture: Box<dyn Architecture>,
}

impl Encoder {
    /// Takes the tensors that `config` calls for out of `tensors`, except the vocabulary table.
    ///
    /// # Errors
    /// [`Code::TensorMissing`], [`Code::TensorShape`] or [`Code::TensorType`] with the tensor's name;
    /// [`Code::ConfigUnsupported`] for an architecture that the device does not run.
    pub fn load(config: &ModelConfig, tensors: &mut Tensors, device: &Device) -> Result<Self> {
        config.check()?;
        let architecture = architecture::load(config, tensors, device)?;
        let encoder = Self { architecture, device: device.clone(), config: config.clone() };
        #[cfg(feature = "gpu")]
        encoder.warm_up();
        Ok(encoder)
    }

    /// Has a GPU compile all that this model will run there, before anybody waits for a vector: every body makes a row of
    /// the first layer, and nothing that comes later is of another pipeline.
    #[cfg(feature = "gpu")]
    fn warm_up(&self) {
        if self.device.kind != DeviceKind::Gpu || self.config.layers.is_empty() {
            return;
        }
        // A row fewer than come in, which some kernels are there for.
        let (batch, stage) = (Batch::new(vec![2]), Stage { input: None, output: Some(1) });
        let x = self.architecture.embed(vec![0.0; 2 * self.config.hidden_size]);
        let rows = batch.layer_rows(stage, &self.device.burn);
        for body in 0..kernels::gpu::MOST_BODIES {
            kernels::gpu::with_body(body, || self.architecture.layer(0, x.clone(), 2, &rows));
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

    /// Prepares rows of the vocabulary table, those of the tokens of `sequences` that `plan` embeds, for [`Self::forward`]:
    /// adds the positions where they are learned. Nothing else depends on ids.
    pub fn place(&self, rows: &mut [f32], sequences: &[&[u32]], plan: &Plan) {
        self.architecture.place(rows, sequences, plan.embedded());
    }

    /// Computes, from rows of the vocabulary table, the hidden states after the last norm, [n, H]: those of the tokens
    /// that `plan` keeps, sequence by sequence.
    ///
    /// `rows` are those of the tokens that `plan` embeds, sequence by sequence, see [`Batch::first`], after [`Self::place`].
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
        let mut x = self.architecture.embed(rows);
        observe(&x);
        let longest = batch.lengths().iter().copied().max().unwrap_or(0);
        let mut previous = None;
        for (index, stage) in plan.stages().iter().enumerate() {
            // Neighbouring layers mostly share a stage, and then its index tensors.
            let rows = match previous.take() {
                Some((last, rows)) if last == *stage => rows,
                _ => batch.layer_rows(*stage, &self.device.burn),
            };
            x = self.architecture.layer(index, x, longest, &rows);
            previous = Some((*stage, rows));
            observe(&x);
        }
        Ok(self.architecture.finish(x))
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
