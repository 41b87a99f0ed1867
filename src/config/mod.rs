//! A checkpoint's settings, checked.
//!
//! [`ModelConfig`] is the shape of the encoder and [`EmbedderConfig`] adds what surrounds it: pooling, the
//! longest text, prompts. Both are read from a checkpoint's JSON files ([`ModelConfig::from_json`],
//! [`EmbedderConfig::from_files`]) and written into a pack's manifest in the form that the fields here
//! have. Whatever felsic would compute wrongly is refused with the field's name; nothing is guessed.

mod bert;
mod dense;
pub(crate) mod fields;
mod modern_bert;
mod sentence_transformers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::fields::Fields;
pub use dense::{DenseActivation, DenseConfig};
pub(crate) use dense::{bias_name, weight_name};
#[cfg(feature = "packer")]
pub(crate) use sentence_transformers::dense_folders;

use crate::error::{Code, Error, Result};

/// The file of a checkpoint that says what its encoder is.
pub const CONFIG_FILE: &str = "config.json";

/// Most rows of the vocabulary table.
const MOST_VOCABULARY: usize = 4 << 20;
/// Largest width of a hidden state.
const MOST_HIDDEN: usize = 16384;
/// Largest width of the gated MLP.
const MOST_INTERMEDIATE: usize = 131_072;
/// Most layers.
const MOST_LAYERS: usize = 256;
/// Most positions, and the largest width of the attention window.
const MOST_POSITIONS: usize = 1 << 20;
/// Fewest tokens of the longest text: room for the special tokens and something between them.
const LEAST_TOKENS: usize = 4;

/// What an encoder computes. Each has a file here, which reads its `config.json` and names its tensors, and one in
/// `model/`, which computes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// Rotary positions, norms before, gated MLPs, no biases, global and local layers.
    #[default]
    ModernBert,
    /// Learned positions, norms behind, plain MLPs, biases everywhere, global layers alone. RoBERTa and XLM-RoBERTa are the
    /// same but for [`ModelConfig::first_position`].
    Bert,
}

impl Architecture {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the name of the vocabulary table in a checkpoint; packs call it [`TABLE`].
    pub(crate) fn table(self) -> &'static str {
        match self {
            Architecture::ModernBert => TABLE,
            Architecture::Bert => "embeddings.word_embeddings.weight",
        }
    }

    /// Returns whether a tensor that the config does not call for would have taken part in the encoder. Rotary tables and
    /// numbers of positions and types, which some checkpoints store, are computed.
    pub(crate) fn is_of_encoder(self, name: &str) -> bool {
        let (parts, computed): (&[&str], &[&str]) = match self {
            Architecture::ModernBert => (&["embeddings.", "layers.", "final_norm."], &[".rotary_emb."]),
            Architecture::Bert => (&["embeddings.", "encoder."], &[".position_ids", ".token_type_ids"]),
        };
        parts.iter().any(|part| name.starts_with(part)) && !computed.iter().any(|part| name.contains(part))
    }
}

/// The name of a tensor and its shape.
type Tensor = (String, Vec<usize>);

/// The activation in the MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `t * sigmoid(t)`.
    Silu,
    /// `t / 2 * (1 + erf(t / sqrt(2)))`, not its tanh approximation.
    Gelu,
    /// `t / 2 * (1 + tanh(sqrt(2 / pi) * (t + 0.044715 t^3)))`.
    GeluTanh,
}

impl Activation {
    /// Returns the name in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::GeluTanh => "gelu-tanh",
        }
    }
}

/// What a layer's attention sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerKind {
    /// Every token of the text.
    Global,
    /// Tokens at most [`ModelConfig::half_window`] away, that distance included.
    Local,
}

/// How one vector is made from a text's hidden states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The state of the first token.
    Cls,
    /// The mean over all tokens, special tokens included.
    Mean,
}

impl Pooling {
    /// Returns the name in manifests and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Pooling::Cls => "cls",
            Pooling::Mean => "mean",
        }
    }
}

/// The shape of an encoder. What only one architecture has is 0 for the others, and then not in a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// What the encoder computes.
    #[serde(default, skip_serializing_if = "Architecture::is_default")]
    pub architecture: Architecture,
    /// Rows of the vocabulary table; may be more than the tokenizer has ids.
    pub vocab_size: usize,
    /// Width of a hidden state.
    pub hidden_size: usize,
    /// Attention heads; each has `hidden_size / num_heads` columns.
    pub num_heads: usize,
    /// Width of the MLP; the first matrix of a gated one has twice as many rows.
    pub intermediate_size: usize,
    /// The activation in the MLP.
    pub activation: Activation,
    /// One entry a layer.
    pub layers: Vec<LayerKind>,
    /// Width of the window of local layers, in tokens; half of it lies on each side.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub local_attention: usize,
    /// Longest sequence, in tokens.
    pub max_positions: usize,
    /// Base of the rotary positions in global layers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub global_rope_theta: f64,
    /// Base of the rotary positions in local layers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub local_rope_theta: f64,
    /// Added to the variance in every layer norm.
    pub norm_eps: f32,
    /// Rows of BERT's table of token types.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub token_types: usize,
    /// Row of BERT's table of positions that a text's first token has. In RoBERTa it is the padding token's id + 1, and a
    /// padding token in a text has the row before and is not counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first_position: usize,
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ModelConfig {
    /// Reads a checkpoint's `config.json`, in either generation of field names; where both are present
    /// the newer one counts, as in transformers.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for text that is not JSON and for missing, zero or absurd fields;
    /// [`Code::ConfigUnsupported`] for settings that felsic does not compute. Both name the field.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let fields = Fields::parse(CONFIG_FILE, bytes)?;
        let config = reader(&fields)?(&fields)?;
        config.check()?;
        Ok(config)
    }

    /// Checks that every size is sensible and that the sizes fit each other.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] with the name of the field.
    pub fn check(&self) -> Result<()> {
        within("vocab_size", self.vocab_size, 1, MOST_VOCABULARY)?;
        within("hidden_size", self.hidden_size, 2, MOST_HIDDEN)?;
        within("num_attention_heads", self.num_heads, 1, self.hidden_size)?;
        within("intermediate_size", self.intermediate_size, 1, MOST_INTERMEDIATE)?;
        within("num_hidden_layers", self.layers.len(), 1, MOST_LAYERS)?;
        within("max_position_embeddings", self.max_positions, LEAST_TOKENS, MOST_POSITIONS)?;
        if !self.hidden_size.is_multiple_of(self.num_heads) || !self.head_size().is_multiple_of(2) {
            let (heads, hidden) = (self.num_heads, self.hidden_size);
            return Err(invalid(format!(
                "num_attention_heads is {heads}, which does not divide hidden_size {hidden} into heads of an even size"
            )));
        }
        if !(self.norm_eps > 0.0 && self.norm_eps <= 0.1) {
            return Err(invalid(format!("norm_eps is {}; expected more than 0 and at most 0.1", self.norm_eps)));
        }
        match self.architecture {
            Architecture::ModernBert => modern_bert::check(self),
            Architecture::Bert => bert::check(self),
        }
    }

    /// Returns the number of columns of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Returns how far a token sees in a local layer, to each side.
    pub fn half_window(&self) -> usize {
        self.local_attention / 2
    }

    /// Returns the tensors of the encoder with their shapes, in the order in which data flows, the vocabulary table
    /// first. Linear layers are [out, in], norms have a value for each column.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let table = (TABLE.to_string(), vec![self.vocab_size, self.hidden_size]);
        let others = match self.architecture {
            Architecture::ModernBert => modern_bert::tensors(self),
            Architecture::Bert => bert::tensors(self),
        };
        [vec![table], others].concat()
    }
}

/// Reads the settings of one kind of model.
type ModelReader = fn(&Fields) -> Result<ModelConfig>;

/// What is read of each `model_type` of transformers.
const MODEL_TYPES: [(&str, ModelReader); 4] = [
    ("modernbert", modern_bert::model_config),
    ("bert", bert::model_config),
    ("roberta", bert::roberta_config),
    ("xlm-roberta", bert::roberta_config),
];

/// Returns what reads the model that a `config.json` names, and refuses weights that are not read.
fn reader(fields: &Fields) -> Result<ModelReader> {
    if fields.get("quantization_config").is_some() {
        return Err(unsupported(
            "config.json: quantization_config is set; felsic reads bf16, f16 and f32 weights only",
        ));
    }
    let known = || MODEL_TYPES.map(|(name, _)| format!("{name:?}")).join(", ");
    match fields.text("model_type")? {
        Some(given) => match MODEL_TYPES.iter().find(|(name, _)| *name == given) {
            Some((_, reader)) => Ok(*reader),
            None => Err(unsupported(format!("config.json: model_type is {given:?}; felsic runs {}", known()))),
        },
        None => Err(invalid(format!("config.json: model_type is missing; expected one of {}", known()))),
    }
}

/// Name of the vocabulary table in packs.
pub const TABLE: &str = "embeddings.tok_embeddings.weight";

/// An encoder and what surrounds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbedderConfig {
    /// The shape of the encoder.
    pub model: ModelConfig,
    /// How a vector is made from the hidden states.
    pub pooling: Pooling,
    /// Longest text in tokens, special tokens included; the rest is cut off.
    pub max_tokens: usize,
    /// Prompts by name. None is used unless it is asked for.
    pub prompts: BTreeMap<String, String>,
    /// Linear layers behind the pooling, in their order; nearly every model has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dense: Vec<DenseConfig>,
}

impl EmbedderConfig {
    /// Reads a checkpoint's settings. `read` returns the bytes of a file of the checkpoint, or `None`
    /// where there is no such file; the paths are relative, like `1_Pooling/config.json`.
    ///
    /// Only `config.json` must exist. Without `modules.json` the pooling is the mean, as in sentence-transformers; a
    /// `1_Pooling/config.json` that says otherwise is then refused. Vectors are always normalised, whether
    /// `modules.json` asks for it or not.
    ///
    /// # Errors
    /// As [`ModelConfig::from_json`], and whatever `read` returns.
    pub fn from_files(mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<Self> {
        let config = sentence_transformers::embedder_config(&mut read)?;
        config.check()?;
        Ok(config)
    }

    /// Checks the settings, the encoder's included.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] with the name of the field.
    pub fn check(&self) -> Result<()> {
        self.model.check()?;
        dense::check(&self.dense)?;
        within("max_tokens", self.max_tokens, LEAST_TOKENS, self.model.max_positions)
    }

    /// Returns the number of components of a vector.
    pub fn width(&self) -> usize {
        self.dense.last().map_or(self.model.hidden_size, |layer| layer.width)
    }

    /// Returns all tensors with their shapes: those of the encoder, as [`ModelConfig::tensors`] does, and those behind it.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        [self.model.tensors(), self.dense_tensors()].concat()
    }

    /// Returns the tensors of the layers behind the pooling with their shapes.
    pub(crate) fn dense_tensors(&self) -> Vec<(String, Vec<usize>)> {
        dense::tensors(&self.dense, self.model.hidden_size)
    }
}

fn within(name: &str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(invalid(format!("{name} is {value}; expected {least} to {most}")))
}

#[cold]
#[inline(never)]
fn invalid(message: impl Into<String>) -> Error {
    refused(Code::ConfigInvalid, message.into())
}

#[cold]
#[inline(never)]
fn unsupported(message: impl Into<String>) -> Error {
    refused(Code::ConfigUnsupported, message.into())
}

// Once, and not in each of the many places that refuse something.
#[cold]
#[inline(never)]
fn refused(code: Code, message: String) -> Error {
    Error::new(code, message)
}
