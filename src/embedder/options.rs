//! What a caller says and hears.

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};

/// How texts are to be embedded.
///
/// In JSON, and from JavaScript, what is left out has its default.
///
/// ```
/// let options = felsic::EmbedOptions { dimensions: Some(128), ..Default::default() };
/// assert!(options.strip);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmbedOptions {
    /// Keep only so many leading components and normalise again; `None` keeps all.
    pub dimensions: Option<usize>,
    /// Strip white space at both ends of a text first, as sentence-transformers does.
    pub strip: bool,
    /// Name of the prompt, of those that the checkpoint has, to put before each text.
    pub prompt: Option<String>,
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self { dimensions: None, strip: true, prompt: None }
    }
}

/// What happens between two batches.
pub trait Hooks {
    /// `done` of `total` texts have their vector.
    fn progress(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// Lets others run.
    ///
    /// # Errors
    /// [`crate::error::Code::Aborted`] to stop here.
    fn pause(&mut self) -> impl Future<Output = Result<()>>;

    /// Sees to it that blocks of the vocabulary table that are still to come have come: those of these shards.
    ///
    /// # Errors
    /// Those of reading them; [`Code::Internal`] unless an implementation does so.
    fn fetch(&mut self, shards: Vec<usize>) -> impl Future<Output = Result<()>> {
        let message = format!("{} blocks of the vocabulary table have not been loaded", shards.len());
        std::future::ready(Err(Error::new(Code::Internal, message)))
    }
}

/// Hooks that do nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {
    async fn pause(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What an engine is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// Name of the model.
    pub model: String,
    /// Revision of the checkpoint, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Components of a full vector.
    pub dimensions: usize,
    /// Longest text in tokens, special tokens included; the rest is cut off.
    pub max_tokens: usize,
    /// `cpu` or `webgpu`.
    pub device: &'static str,
    /// Which kernels run.
    pub kernel: &'static str,
    /// Weight format.
    pub format: String,
    /// Vectors are comparable only within one space.
    pub space: String,
    /// Names of the prompts that the checkpoint has.
    pub prompts: Vec<String>,
}
