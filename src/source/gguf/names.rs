//! The names of tensors.

use super::{Keys, architecture};
use crate::config::Architecture;
use crate::error::{Code, Error, Result};
use crate::weights::gguf::Contents;
use crate::weights::safetensors::{Coming, Entry};

/// Names in a GGUF file and in a checkpoint, without `.weight` and `.bias`; layers follow.
type Names = &'static [(&'static str, &'static str)];

/// What stands before the number of a layer.
const LAYER: &str = "blk.";
/// Query, key and value in one matrix: ModernBERT always has them so, BERT where the converter was asked to.
const FUSED: &str = "attn_qkv";
const PARTS: [&str; 3] = ["attention.self.query", "attention.self.key", "attention.self.value"];

fn names(architecture: Architecture) -> (Names, &'static str, Names) {
    match architecture {
        Architecture::ModernBert => (
            &[
                ("token_embd", "embeddings.tok_embeddings"),
                ("token_embd_norm", "embeddings.norm"),
                ("output_norm", "final_norm"),
            ],
            "layers.",
            &[
                ("attn_norm", "attn_norm"),
                (FUSED, "attn.Wqkv"),
                ("attn_output", "attn.Wo"),
                ("ffn_norm", "mlp_norm"),
                ("ffn_up", "mlp.Wi"),
                ("ffn_down", "mlp.Wo"),
            ],
        ),
        Architecture::Bert => (
            &[
                ("token_embd", "embeddings.word_embeddings"),
                ("position_embd", "embeddings.position_embeddings"),
                ("token_types", "embeddings.token_type_embeddings"),
                ("token_embd_norm", "embeddings.LayerNorm"),
            ],
            "encoder.layer.",
            &[
                ("attn_q", PARTS[0]),
                ("attn_k", PARTS[1]),
                ("attn_v", PARTS[2]),
                ("attn_output", "attention.output.dense"),
                ("attn_output_norm", "attention.output.LayerNorm"),
                ("ffn_up", "intermediate.dense"),
                ("ffn_down", "output.dense"),
                ("layer_output_norm", "output.LayerNorm"),
            ],
        ),
    }
}

/// Returns everything behind the header with the names that a checkpoint has, the first last. What fills the place between
/// tensors has no name; what belongs to a head keeps its own.
///
/// # Errors
/// [`Code::WeightsInvalid`] for a tensor that no file of this architecture has.
pub fn coming(contents: &Contents) -> Result<Coming> {
    let (_, architecture) = architecture(&Keys(contents))?;
    let mut coming = Coming::new();
    for (name, entry) in contents.pieces() {
        match (architecture, fused(name)) {
            (Architecture::Bert, Some((layer, end))) => coming.extend(split(layer, end, &entry)?),
            _ => coming.push((renamed(name, architecture)?, entry)),
        }
    }
    coming.reverse();
    Ok(coming)
}

/// Returns the layer and the ending of a fused tensor's name.
fn fused(name: &str) -> Option<(&str, &str)> {
    let (layer, part) = name.strip_prefix(LAYER)?.split_once('.')?;
    Some((layer, part.strip_prefix(FUSED)?.strip_prefix('.')?))
}

/// Takes query, key and value apart: each has a third of the rows, one after another.
fn split(layer: &str, end: &str, entry: &Entry) -> Result<Coming> {
    let (rows, _) = entry.shape.split_first().unwrap_or((&0, &[]));
    if !rows.is_multiple_of(3) {
        let message = format!("tensor {LAYER}{layer}.{FUSED}.{end} has {rows} rows, which are not three times as many");
        return Err(Error::new(Code::TensorShape, message));
    }
    let mut shape = entry.shape.clone();
    shape[0] = rows / 3;
    let bytes = entry.bytes / 3;
    let part = |(at, part): (usize, &str)| {
        let name = format!("encoder.layer.{layer}.{part}.{end}");
        (name, Entry { shape: shape.clone(), start: entry.start + at * bytes, bytes, ..entry.clone() })
    };
    Ok(PARTS.into_iter().enumerate().map(part).collect())
}

fn renamed(name: &str, architecture: Architecture) -> Result<String> {
    // Filling, and heads of rerankers and classifiers, which a vector does without.
    if name.is_empty() || name == "cls" || name.starts_with("cls.") {
        return Ok(name.to_string());
    }
    let (own, layers, of_layer) = names(architecture);
    let find = |names: Names, part: &str| {
        let (part, end) = part.rsplit_once('.')?;
        let (_, name) = names.iter().find(|(name, _)| *name == part)?;
        Some(format!("{name}.{end}"))
    };
    let found = match name.strip_prefix(LAYER).and_then(|rest| rest.split_once('.')) {
        Some((layer, part)) => find(of_layer, part).map(|name| format!("{layers}{layer}.{name}")),
        None => find(own, name),
    };
    found.ok_or_else(|| {
        let message = format!("tensor {name} is none that felsic knows of a GGUF file of this architecture");
        Error::new(Code::WeightsInvalid, message)
    })
}
