//! The layers with what belongs to them alone: rows of the vocabulary table to pooled vectors.
//!
//! An engine's helper is just this: it has no tokenizer and no vocabulary table, which are most of an
//! engine's memory.

use super::dense::Dense;
use crate::config::{EmbedderConfig, Pooling};
use crate::error::{Code, Error, Result};
use crate::kernels;
use crate::model::{self, Batch, Device, DeviceKind, Encoder, Plan};
use crate::weights::Tensors;

/// The layers on one device.
pub struct Layers {
    encoder: Encoder,
    pooling: Pooling,
    plan: Plan,
    dense: Dense,
}

impl Layers {
    /// Opens the device and moves the layers there, out of `tensors`.
    ///
    /// # Errors
    /// [`Code::DeviceUnavailable`]; the codes of [`Encoder::load`].
    pub async fn new(config: &EmbedderConfig, tensors: &mut Tensors, device: DeviceKind) -> Result<Self> {
        let device = Device::open(device).await?;
        let encoder = Encoder::load(&config.model, tensors, &device)?;
        let leading = match config.pooling {
            Pooling::Cls => Some(1),
            Pooling::Mean => None,
        };
        Ok(Self {
            encoder,
            pooling: config.pooling,
            plan: Plan::new(&config.model, leading),
            dense: Dense::load(config, tensors)?,
        })
    }

    /// Returns the device that the layers are on.
    pub fn device(&self) -> DeviceKind {
        self.encoder.device().kind
    }

    /// Returns the ids whose rows [`Self::pooled`] needs, sequence by sequence.
    pub(super) fn embedded(&self, sequences: &[&[u32]]) -> Vec<u32> {
        let batch = Batch::new(sequences.iter().map(|ids| ids.len()).collect());
        batch.first(&sequences.concat(), self.plan.embedded())
    }

    /// Prepares the rows of [`Self::embedded`] for [`Self::pooled`].
    pub(super) fn place(&self, sequences: &[&[u32]], rows: &mut [f32]) {
        self.encoder.place(rows, sequences, &self.plan);
    }

    /// Returns pooled vectors, not yet of unit length, [sequences, width]. `rows` are rows of the vocabulary table, those
    /// of the sequences one after another, `lengths` tokens each, as [`super::Embedder`] has prepared them.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for lengths that the model does not have or that do not go with `rows`;
    /// [`Code::DeviceUnavailable`] if the device fails.
    pub async fn pooled(&self, rows: Vec<f32>, lengths: &[usize]) -> Result<Vec<f32>> {
        let batch = Batch::new(lengths.to_vec());
        let states = read(self.encoder.forward(rows, &batch, &self.plan)?).await?;
        let hidden = self.encoder.config().hidden_size;
        let produced = self.plan.stages().last().and_then(|stage| stage.output);
        let mut rest = states.as_slice();
        let mut pooled = Vec::with_capacity(lengths.len() * hidden);
        for length in lengths {
            let rows = produced.map_or(*length, |limit| limit.min(*length));
            let (sequence, after) = rest.split_at(rows * hidden);
            pooled.extend(self.dense.apply(model::pool(sequence, hidden, self.pooling)));
            rest = after;
        }
        Ok(pooled)
    }

    /// Returns the state after the embedding norm and after each layer, before the last norm, of the one sequence with
    /// these ids and their `rows`.
    pub(super) async fn hidden_states(&self, ids: &[u32], mut rows: Vec<f32>) -> Result<Vec<Vec<f32>>> {
        let mut states = Vec::new();
        let everything = Plan::new(self.encoder.config(), None);
        let batch = Batch::new(vec![ids.len()]);
        self.encoder.place(&mut rows, &[ids], &everything);
        self.encoder.forward_observed(rows, &batch, &everything, |state| states.push(state.clone()))?;
        let mut values = Vec::with_capacity(states.len());
        for state in states {
            values.push(read(state).await?);
        }
        Ok(values)
    }
}

/// Reads the values of a tensor, waiting for the device.
async fn read(tensor: burn::tensor::Tensor<2>) -> Result<Vec<f32>> {
    let failed = |error: String| {
        Error::new(Code::DeviceUnavailable, "the device failed while computing; create the engine again").because(error)
    };
    let data = kernels::read(tensor).await.map_err(|error| failed(format!("{error:?}")))?;
    data.try_into_vec::<f32>().map_err(|error| failed(format!("{error:?}")))
}
