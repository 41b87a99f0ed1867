//! The whole encoder.

use burn::tensor::Tensor;

use super::architecture::{self, Architecture};
use super::{Batch, Device, Plan};
use crate::config::ModelConfig;
use crate::error::{Code, Error, Result};
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
        Ok(Self { architecture, device: device.clone(), config: config.clone() })
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
