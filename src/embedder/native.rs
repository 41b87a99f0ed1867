//! The front door of native programs: calls that block until they are done.

use std::path::Path;

use super::{EmbedOptions, Embedder, Embeddings, NoHooks};
use crate::error::Result;
use crate::model::DeviceKind;
use crate::source::{Parts, built_in, load_pack, open_model};

impl Embedder {
    /// Opens a model on the CPU: a folder that holds a pack, or a checkpoint in Hugging Face layout.
    ///
    /// ```
    /// # fn main() -> felsic::Result<()> {
    /// let embedder = felsic::Embedder::open("models/felsic-small-english/pack")?;
    /// assert_eq!(embedder.info().dimensions, 256);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the files, each fault with its own [`Code`](crate::Code):
    /// [`NotFound`](crate::Code::NotFound) for a folder that is neither a pack nor a checkpoint,
    /// [`FileIntegrity`](crate::Code::FileIntegrity) for a damaged pack,
    /// [`ConfigUnsupported`](crate::Code::ConfigUnsupported) for a model of another kind, and so on.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_on(folder, DeviceKind::Cpu)
    }

    /// Opens a model, as [`Self::open`] does, on any device. A GPU must first reproduce the vectors that a pack carries
    /// for this; a checkpoint has none.
    ///
    /// # Errors
    /// Those of [`Self::open`]; [`DeviceUnavailable`](crate::Code::DeviceUnavailable) without such a device;
    /// [`SelfTestFailed`](crate::Code::SelfTestFailed) if it computes something else.
    pub fn open_on(folder: impl AsRef<Path>, device: DeviceKind) -> Result<Self> {
        pollster::block_on(async { Self::proven(open_model(folder.as_ref(), &mut |_| ()).await?, device).await })
    }

    /// Opens the built-in model on the CPU: felsic-small-english, 8 MB that become part of the program. For a first look
    /// and for tests; production wants a Granite model.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn built_in() -> Result<Self> {
        pollster::block_on(async { Self::proven(load_pack(&built_in(), &mut |_| ()).await?, DeviceKind::Cpu).await })
    }

    /// Calls [`Self::new`]; a GPU is not returned before it has passed [`Self::self_test`].
    ///
    /// # Errors
    /// Those of both.
    #[doc(hidden)]
    pub async fn proven(parts: Parts, device: DeviceKind) -> Result<Self> {
        let embedder = Self::new(parts, device).await?;
        if device == DeviceKind::Gpu {
            embedder.self_test().await?;
        }
        Ok(embedder)
    }

    /// Makes one vector of unit length for each text, in the order of the texts, which are computed in batches of
    /// similar length.
    ///
    /// ```
    /// # fn main() -> felsic::Result<()> {
    /// let embedder = felsic::Embedder::built_in()?;
    /// let embeddings = embedder.embed(&["A cat sleeps on the sill.", "Borrowing got dearer."])?;
    /// for embedding in embeddings.iter() {
    ///     println!("{} tokens: {:?}", embedding.tokens, embedding.vector);
    /// }
    /// # assert_eq!(embeddings.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`InputInvalid`](crate::Code::InputInvalid) for a text of more than 32 MB, or one without tokens in a model that
    /// adds none; [`Error::text`](crate::Error::text) says which.
    /// [`WeightsInvalid`](crate::Code::WeightsInvalid) for a vector that is not finite,
    /// [`DeviceUnavailable`](crate::Code::DeviceUnavailable) if the device fails,
    /// [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn embed<T: AsRef<str>>(&self, texts: &[T]) -> Result<Embeddings> {
        self.embed_with(texts, &EmbedOptions::default())
    }

    /// Embeds texts as [`Self::embed`] does, with options: fewer dimensions, a prompt, white space kept.
    ///
    /// # Errors
    /// Those of [`Self::embed`]; [`InputInvalid`](crate::Code::InputInvalid) also for a prompt or a number of dimensions
    /// that the model does not have.
    pub fn embed_with<T: AsRef<str>>(&self, texts: &[T], options: &EmbedOptions) -> Result<Embeddings> {
        pollster::block_on(self.embed_hooked(texts, options, &mut NoHooks))
    }

    /// Makes the vector of a single text, such as a query.
    ///
    /// # Errors
    /// Those of [`Self::embed`].
    pub fn embed_one(&self, text: impl AsRef<str>) -> Result<Vec<f32>> {
        Ok(self.embed(&[text])?.into_flat())
    }
}
