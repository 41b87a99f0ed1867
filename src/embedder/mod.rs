//! Texts to vectors: prompts, white space, truncation, batching by length, pooling, dimensions.

mod batching;
mod dense;
mod difference;
mod embeddings;
mod helpers;
mod layers;
#[cfg(feature = "native")]
mod native;
mod options;
mod self_test;
mod text;

#[cfg(feature = "native")]
pub(crate) use difference::larger;
pub use difference::largest_difference;
pub use embeddings::{Embedding, Embeddings};
pub use helpers::{Done, Helpers, NoHelpers, Work};
pub use layers::Layers;
pub use options::{EmbedOptions, Hooks, Info, NoHooks};

use std::collections::VecDeque;
use std::fmt;

use crate::config::EmbedderConfig;
use crate::error::{Code, Error, Result};
use crate::model::{self, DeviceKind};
use crate::source::Parts;
use crate::tokenizer::Tokenizer;
use crate::weights::{SelfTest, Table};

/// An engine: a model, its tokenizer and the kernels of one device.
///
/// It is `Send` and `Sync`: threads can share one in an [`Arc`](std::sync::Arc). A call computes on the thread that makes
/// it.
pub struct Embedder {
    name: String,
    revision: Option<String>,
    space: String,
    format: String,
    pack: Option<String>,
    config: EmbedderConfig,
    tokenizer: Tokenizer,
    table: Table,
    layers: Layers,
    self_test: Vec<SelfTest>,
}

impl Embedder {
    /// Opens the device and moves the layers there.
    ///
    /// # Errors
    /// [`Code::DeviceUnavailable`]; [`Code::TensorMissing`], [`Code::TensorShape`] or [`Code::TensorType`]
    /// with the tensor's name.
    #[doc(hidden)]
    pub async fn new(parts: Parts, device: DeviceKind) -> Result<Self> {
        let Parts { name, revision, space, format, pack, config, tokenizer, mut tensors, blocks, self_test } = parts;
        let layers = Layers::new(&config, &mut tensors, device).await?;
        let [rows, cols] = [config.model.vocab_size, config.model.hidden_size];
        let table = match blocks[..] {
            [] => tensors.take_table(rows, cols)?,
            _ => Table::open(cols, &blocks).ordered(tensors.take_order(rows)?)?,
        };
        Ok(Self { name, revision, space, format, pack, config, tokenizer, table, layers, self_test })
    }

    /// Describes this engine.
    pub fn info(&self) -> Info {
        let device = self.layers.device();
        Info {
            model: self.name.clone(),
            revision: self.revision.clone(),
            dimensions: self.config.width(),
            max_tokens: self.config.max_tokens,
            device: device.as_str(),
            kernel: device.kernel(),
            format: self.format.clone(),
            space: self.space.clone(),
            prompts: self.config.prompts.keys().cloned().collect(),
        }
    }

    /// Returns the SHA-256 of the manifest that the engine was made from, for [`crate::source::load_layers`].
    #[doc(hidden)]
    pub fn pack(&self) -> Option<&str> {
        self.pack.as_deref()
    }

    /// Returns the vocabulary table; some of its blocks may be still to come.
    #[doc(hidden)]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the shards of the vocabulary table that are still to come before [`Self::self_test`] can be run.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an id that the model does not have.
    #[doc(hidden)]
    pub fn missing_for_self_test(&self) -> Result<Vec<usize>> {
        self.table.missing_for(self.self_test.iter().flat_map(|test| test.ids.iter().copied()))
    }

    /// Returns the vectors of texts, without blocking while it waits for the device.
    ///
    /// Texts are batched by length inside; between batches `hooks` may yield to others or abort.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for `dimensions` that the model does not have, an unknown prompt, or a text that
    /// is too long or has no tokens, before anything is computed;
    /// [`Code::Aborted`] when a hook says so; [`Code::WeightsInvalid`] for a vector that is not finite.
    /// Where one text is at fault, [`Error::text`] says which, and the message names it, counting from 1.
    #[doc(hidden)]
    pub async fn embed_hooked<T: AsRef<str>>(
        &self,
        texts: &[T],
        options: &EmbedOptions,
        hooks: &mut impl Hooks,
    ) -> Result<Embeddings> {
        self.embed_helped(texts, options, hooks, &mut NoHelpers).await
    }

    /// Embeds as [`Self::embed_hooked`] does, while `helpers` with room compute batches at the same time; the vectors are
    /// bit-for-bit identical.
    ///
    /// # Errors
    /// As [`Self::embed_hooked`].
    #[doc(hidden)]
    pub async fn embed_helped<T: AsRef<str>>(
        &self,
        texts: &[T],
        options: &EmbedOptions,
        hooks: &mut impl Hooks,
        helpers: &mut impl Helpers,
    ) -> Result<Embeddings> {
        let dimensions = self.dimensions(options)?;
        let (mut sequences, mut truncated) = (Vec::with_capacity(texts.len()), Vec::with_capacity(texts.len()));
        for (done, text) in texts.iter().enumerate() {
            if done > 0 && done.is_multiple_of(batching::TEXTS_BETWEEN_PAUSES) {
                hooks.pause().await?;
            }
            let prepared = text::prepare(text.as_ref(), options, &self.config.prompts)?;
            let (ids, cut) = self.input(&prepared).map_err(|error| of_text(error, done))?;
            sequences.push(ids);
            truncated.push(cut);
        }
        let missing = self.table.missing_for(sequences.iter().flatten().copied())?;
        if !missing.is_empty() {
            hooks.fetch(missing).await?;
        }
        let (vectors, tokens) = self.vectors(&sequences, dimensions, hooks, helpers).await?;
        Ok(Embeddings::new(vectors, dimensions, tokens, truncated))
    }

    /// Returns one vector of full width for each sequence of ids (special tokens included), in order.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for ids or lengths that the model does not have.
    #[doc(hidden)]
    pub async fn embed_ids(&self, sequences: &[Vec<u32>]) -> Result<Embeddings> {
        let dimensions = self.config.width();
        let (vectors, tokens) = self.vectors(sequences, dimensions, &mut NoHooks, &mut NoHelpers).await?;
        Ok(Embeddings::new(vectors, dimensions, tokens, vec![false; sequences.len()]))
    }

    /// Returns unit vectors [sequences, dimensions], in the order of the sequences, and the sequences' lengths. Works
    /// batch by batch, here and with the helpers.
    async fn vectors(
        &self,
        sequences: &[Vec<u32>],
        dimensions: usize,
        hooks: &mut impl Hooks,
        helpers: &mut impl Helpers,
    ) -> Result<(Vec<f32>, Vec<usize>)> {
        let lengths: Vec<usize> = sequences.iter().map(Vec::len).collect();
        let groups = batching::groups(&lengths, batching::budget(&lengths, self.layers.device(), helpers.count()));
        let mut vectors = Vec::new();
        // A product too large for the address space is also too large for the memory.
        vectors.try_reserve_exact(sequences.len().saturating_mul(dimensions))?;
        vectors.resize(sequences.len() * dimensions, 0.0);
        let mut waiting: VecDeque<usize> = (0..groups.len()).collect();
        let (mut open, mut done) = (groups.len(), 0);
        while open > 0 {
            // Helpers take the long end, so that what is left for the last moments is short.
            while waiting.len() > 1 && helpers.has_room(waiting.len()) {
                let Some(group) = waiting.pop_back() else { break };
                helpers.give(self.work(group, &groups[group], sequences)?);
            }
            let mut finished = Vec::new();
            match waiting.pop_front() {
                Some(group) => {
                    let Work { rows, lengths, .. } = self.work(group, &groups[group], sequences)?;
                    finished.push((group, self.layers.pooled(rows, &lengths).await?));
                    if open > 1 {
                        hooks.pause().await?;
                    }
                }
                None => helpers.wait().await?,
            }
            for Done { group, pooled } in helpers.take() {
                match pooled {
                    Some(pooled) => finished.push((group, pooled)),
                    // Its helper is gone; the batch is as it was.
                    None => waiting.push_back(group),
                }
            }
            for (group, pooled) in finished {
                self.place(&groups[group], &pooled, dimensions, &mut vectors)?;
                open -= 1;
                done += groups[group].len();
                hooks.progress(done, sequences.len());
            }
        }
        Ok((vectors, lengths))
    }

    /// Returns what the computation of a batch starts from.
    fn work(&self, group: usize, members: &[usize], sequences: &[Vec<u32>]) -> Result<Work> {
        let ids: Vec<&[u32]> = members.iter().map(|index| sequences[*index].as_slice()).collect();
        let mut rows = Vec::new();
        self.table.gather(&self.layers.embedded(&ids), &mut rows)?;
        self.layers.place(&ids, &mut rows);
        Ok(Work { group, rows, lengths: ids.iter().map(|ids| ids.len()).collect() })
    }

    /// Puts the vectors of a batch, [its texts, width], cut to their first `dimensions` components and at unit length,
    /// where they belong.
    fn place(&self, members: &[usize], pooled: &[f32], dimensions: usize, vectors: &mut [f32]) -> Result<()> {
        let width = self.config.width();
        if pooled.len() != members.len() * width {
            let message = format!("a helper returned {} values for {} vectors of {width}", pooled.len(), members.len());
            return Err(Error::new(Code::Internal, message));
        }
        for (index, pooled) in members.iter().zip(pooled.chunks_exact(width)) {
            let vector = &mut vectors[index * dimensions..][..dimensions];
            vector.copy_from_slice(&pooled[..dimensions]);
            model::unit(vector).map_err(|error| of_text(error, *index))?;
        }
        Ok(())
    }

    /// Returns the state after the embedding norm and after each layer, before the last norm: layers + 1 arrays [n, H].
    ///
    /// # Errors
    /// As [`Self::embed_ids`].
    #[doc(hidden)]
    pub async fn hidden_states(&self, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        let mut rows = Vec::new();
        self.table.gather(ids, &mut rows)?;
        self.layers.hidden_states(ids, rows).await
    }

    /// Compares this engine with the vectors in its pack.
    ///
    /// # Errors
    /// [`Code::SelfTestFailed`] if a text gets other token ids or a vector that is too far off.
    #[doc(hidden)]
    pub async fn self_test(&self) -> Result<()> {
        self_test::run(self, &self.self_test).await
    }

    /// Returns the ids that the model gets for a text: prompt, white space and truncation applied.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an unknown prompt.
    pub fn tokenize(&self, text: &str, options: &EmbedOptions) -> Result<Vec<u32>> {
        Ok(self.encode(text, options)?.0)
    }

    /// Returns the number of tokens of a text before truncation, special tokens included.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for an unknown prompt.
    pub fn count_tokens(&self, text: &str, options: &EmbedOptions) -> Result<usize> {
        self.tokenizer.count(&text::prepare(text, options, &self.config.prompts)?)
    }

    /// Returns ids that the model can make a vector from, and whether others were left out.
    fn input(&self, prepared: &str) -> Result<(Vec<u32>, bool)> {
        let (ids, cut) = self.tokenizer.encode_truncated(prepared, self.config.max_tokens)?;
        let rows = self.config.model.vocab_size;
        if let Some(id) = ids.iter().find(|id| **id as usize >= rows) {
            let message = format!("the text has an added token, id {id}, without one of the vocabulary's {rows} rows");
            return Err(Error::new(Code::InputInvalid, message));
        }
        match ids.is_empty() {
            true => Err(Error::new(
                Code::InputInvalid,
                "the text has no tokens, since this model adds none to an empty text; leave it out",
            )),
            false => Ok((ids, cut)),
        }
    }

    fn encode(&self, text: &str, options: &EmbedOptions) -> Result<(Vec<u32>, bool)> {
        let prepared = text::prepare(text, options, &self.config.prompts)?;
        self.tokenizer.encode_truncated(&prepared, self.config.max_tokens)
    }

    fn dimensions(&self, options: &EmbedOptions) -> Result<usize> {
        let most = self.config.width();
        match options.dimensions {
            None => Ok(most),
            Some(wanted) if (1..=most).contains(&wanted) => Ok(wanted),
            Some(wanted) => {
                Err(Error::new(Code::InputInvalid, format!("dimensions is {wanted}; this model has 1 to {most}")))
            }
        }
    }
}

impl fmt::Debug for Embedder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedder").field("info", &self.info()).finish_non_exhaustive()
    }
}

/// Returns the error as one about the text at `position`, which people count from 1, as they count lines.
fn of_text(error: Error, position: usize) -> Error {
    error.of_text(position, format!("text {}", position + 1))
}
