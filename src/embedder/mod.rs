//! Texts to vectors: prompts, white space, truncation, batching by length, pooling, dimensions.

mod batching;
mod difference;
mod options;
mod self_test;
mod text;

#[cfg(feature = "native")]
pub(crate) use difference::larger;
pub use difference::largest_difference;
pub use options::{EmbedOptions, Embedding, Hooks, Info, NoHooks};

use crate::config::{EmbedderConfig, Pooling};
use crate::error::{Code, Error, Result};
use crate::model::{self, Batch, Device, DeviceKind, Encoder, Plan};
use crate::source::Parts;
use crate::tokenizer::Tokenizer;
use crate::weights::SelfTest;

/// An engine: a model, its tokenizer and the kernels of one device.
pub struct Embedder {
    name: String,
    revision: Option<String>,
    space: String,
    format: String,
    config: EmbedderConfig,
    tokenizer: Tokenizer,
    encoder: Encoder,
    plan: Plan,
    self_test: Vec<SelfTest>,
}

impl Embedder {
    /// Opens the device and moves the weights there.
    ///
    /// # Errors
    /// [`Code::DeviceUnavailable`]; the codes of [`Encoder::load`].
    pub async fn new(parts: Parts, device: DeviceKind) -> Result<Self> {
        let Parts { name, revision, space, format, config, tokenizer, mut tensors, self_test } = parts;
        let device = Device::open(device).await?;
        let encoder = Encoder::load(&config.model, &mut tensors, &device)?;
        let leading = match config.pooling {
            Pooling::Cls => Some(1),
            Pooling::Mean => None,
        };
        let plan = Plan::new(&config.model, leading);
        Ok(Self { name, revision, space, format, config, tokenizer, encoder, plan, self_test })
    }

    /// What this engine is.
    pub fn info(&self) -> Info {
        let device = self.encoder.device().kind;
        Info {
            model: self.name.clone(),
            revision: self.revision.clone(),
            dimensions: self.config.model.hidden_size,
            max_tokens: self.config.max_tokens,
            device: device.as_str(),
            kernel: device.kernel(),
            format: self.format.clone(),
            space: self.space.clone(),
            prompts: self.config.prompts.keys().cloned().collect(),
        }
    }

    /// One vector a text, in the order of the texts.
    ///
    /// Texts are grouped by length inside; between groups `hooks` may yield to others or abort.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for `dimensions` that the model does not have or an unknown prompt;
    /// [`Code::Aborted`] when a hook says so; [`Code::WeightsInvalid`] for a vector that is not finite.
    pub async fn embed(
        &self,
        texts: &[String],
        options: &EmbedOptions,
        hooks: &mut impl Hooks,
    ) -> Result<Vec<Embedding>> {
        let dimensions = self.dimensions(options)?;
        let mut sequences = Vec::with_capacity(texts.len());
        for (done, text) in texts.iter().enumerate() {
            if done > 0 && done.is_multiple_of(batching::TEXTS_BETWEEN_PAUSES) {
                hooks.pause().await?;
            }
            sequences.push(self.encode(text, options)?);
        }
        let lengths: Vec<usize> = sequences.iter().map(|(ids, _)| ids.len()).collect();
        let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); texts.len()];
        let mut done = 0;
        for group in batching::groups(&lengths, self.encoder.device().kind) {
            if done > 0 {
                hooks.pause().await?;
            }
            let ids: Vec<&[u32]> = group.iter().map(|index| sequences[*index].0.as_slice()).collect();
            for (index, vector) in group.iter().zip(self.pooled(&ids).await?) {
                vectors[*index] = model::unit(vector, dimensions)?;
            }
            done += group.len();
            hooks.progress(done, texts.len());
        }
        let finish = |((ids, truncated), vector): ((Vec<u32>, bool), Vec<f32>)| Embedding {
            vector,
            tokens: ids.len(),
            truncated,
        };
        Ok(sequences.into_iter().zip(vectors).map(finish).collect())
    }

    /// One vector a sequence of ids (special tokens included), in order, of full width.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for ids or lengths that the model does not have.
    pub async fn embed_ids(&self, sequences: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
        let mut vectors = vec![Vec::new(); sequences.len()];
        for group in batching::groups(&lengths, self.encoder.device().kind) {
            let ids: Vec<&[u32]> = group.iter().map(|index| sequences[*index].as_slice()).collect();
            for (index, vector) in group.iter().zip(self.pooled(&ids).await?) {
                vectors[*index] = model::unit(vector, self.config.model.hidden_size)?;
            }
        }
        Ok(vectors)
    }

    /// The state after the embedding norm and after each layer, before the last norm: layers + 1
    /// arrays [n, H].
    ///
    /// # Errors
    /// As [`Self::embed_ids`].
    pub async fn hidden_states(&self, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        let mut states = Vec::new();
        let everything = Plan::new(&self.config.model, None);
        let batch = Batch::new(vec![ids.len()]);
        self.encoder.forward_observed(ids, &batch, &everything, |state| states.push(state.clone()))?;
        let mut values = Vec::with_capacity(states.len());
        for state in states {
            values.push(read(state).await?);
        }
        Ok(values)
    }

    /// Compares this engine with the vectors in its pack.
    ///
    /// # Errors
    /// [`Code::SelfTestFailed`] if a text gets other token ids or a vector that is too far off.
    pub async fn self_test(&self) -> Result<()> {
        self_test::run(self, &self.self_test).await
    }

    /// The ids that the model gets for a text: prompt, white space and truncation applied.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an unknown prompt.
    pub fn tokenize(&self, text: &str, options: &EmbedOptions) -> Result<Vec<u32>> {
        Ok(self.encode(text, options)?.0)
    }

    /// How many tokens a text has before truncation, special tokens included.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an unknown prompt.
    pub fn count_tokens(&self, text: &str, options: &EmbedOptions) -> Result<usize> {
        self.tokenizer.count(&text::prepare(text, options, &self.config.prompts)?)
    }

    fn encode(&self, text: &str, options: &EmbedOptions) -> Result<(Vec<u32>, bool)> {
        let prepared = text::prepare(text, options, &self.config.prompts)?;
        self.tokenizer.encode_truncated(&prepared, self.config.max_tokens)
    }

    fn dimensions(&self, options: &EmbedOptions) -> Result<usize> {
        let most = self.config.model.hidden_size;
        match options.dimensions {
            None => Ok(most),
            Some(wanted) if (1..=most).contains(&wanted) => Ok(wanted),
            Some(wanted) => {
                Err(Error::new(Code::InputInvalid, format!("dimensions is {wanted}; this model has 1 to {most}")))
            }
        }
    }

    /// Pooled, not yet normalised vectors of one batch.
    async fn pooled(&self, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let ids = sequences.concat();
        let batch = Batch::new(sequences.iter().map(|ids| ids.len()).collect());
        let states = read(self.encoder.forward(&ids, &batch, &self.plan)?).await?;
        let hidden = self.config.model.hidden_size;
        let produced = self.plan.stages().last().and_then(|stage| stage.output);
        let mut rest = states.as_slice();
        let mut vectors = Vec::with_capacity(sequences.len());
        for length in batch.lengths() {
            let rows = produced.map_or(*length, |limit| limit.min(*length));
            let (sequence, after) = rest.split_at(rows * hidden);
            vectors.push(model::pool(sequence, hidden, self.config.pooling));
            rest = after;
        }
        Ok(vectors)
    }
}

/// The values of a tensor, waiting for the device.
async fn read(tensor: burn::tensor::Tensor<2>) -> Result<Vec<f32>> {
    let failed = |error: String| {
        Error::new(Code::DeviceUnavailable, "the device failed while computing; create the engine again").because(error)
    };
    let data = tensor.into_data_async().await.map_err(|error| failed(format!("{error:?}")))?;
    data.try_into_vec::<f32>().map_err(|error| failed(format!("{error:?}")))
}
