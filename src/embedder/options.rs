//! What a caller chooses, and what a caller is shown.

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
    /// Number of leading components to keep before normalising again; `None` keeps all.
    pub dimensions: Option<usize>,
    /// Whether white space at both ends of a text is stripped first, as in sentence-transformers up to version 5.3.
    pub strip: bool,
    /// Name of the prompt to put before each text, one of those that the checkpoint has.
    pub prompt: Option<String>,
}

impl Default for EmbedOptions {
    fn default() -> Self {
        Self { dimensions: None, strip: true, prompt: None }
    }
}

/// What happens between two batches.
pub trait Hooks {
    /// Reports that `done` of `total` texts have their vector.
    fn progress(&mut self, done: usize, total: usize) {
        let _ = (done, total);
    }

    /// Lets others run.
    ///
    /// # Errors
    /// [`crate::error::Code::Aborted`] to stop here.
    fn pause(&mut self) -> impl Future<Output = Result<()>>;

    /// Ensures that the blocks of the vocabulary table in these shards have arrived.
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

/// The description of an engine.
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
