//! The metadata about the model -> `config.json` and what sentence-transformers keeps beside it.

use std::collections::BTreeMap;

use super::{Keys, architecture, quoted};
use crate::config::Architecture;
use crate::error::Result;

/// Where every second or third layer is global and the file does not say which.
const GLOBAL_EVERY: usize = 3;
const MOST_LAYERS: usize = 256;
/// The numbers of `pooling_type` that felsic computes.
const MEAN: usize = 1;
const CLS: usize = 2;

/// Returns the files by name.
pub(super) fn files(keys: &Keys) -> Result<BTreeMap<String, String>> {
    refuse_other_files(keys)?;
    let (name, architecture) = architecture(keys)?;
    let key = |rest: &str| format!("{name}.{rest}");
    let config = match architecture {
        Architecture::ModernBert => modern_bert(keys, &key)?,
        Architecture::Bert => bert(keys, &key)?,
    };
    let module = |at: usize, name: &str, path: &str| {
        let kind = format!("\"type\":\"sentence_transformers.models.{name}\"");
        format!("{{\"idx\":{at},\"name\":\"{at}\",\"path\":\"{path}\",{kind}}}")
    };
    let modules = format!("[{},{}]", module(0, "Transformer", ""), module(1, "Pooling", "1_Pooling"));
    let pooling = object(&[("pooling_mode", quoted(pooling(keys, &key("pooling_type"))?))]);
    let files = [("config.json", object(&config)), ("modules.json", modules), ("1_Pooling/config.json", pooling)];
    Ok(files.into_iter().map(|(name, text)| (name.to_string(), text)).collect())
}

/// Fields of `config.json`, as JSON.
type Config = Vec<(&'static str, String)>;

fn object(fields: &[(&'static str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// Refuses a file that is not one whole model.
fn refuse_other_files(keys: &Keys) -> Result<()> {
    if keys.count("split.count")?.is_some_and(|count| count > 1) {
        return Err(keys.unsupported("split.count", "says that it is one of several; merge them with llama-gguf-split"));
    }
    let version = "general.quantization_version";
    if keys.count(version)?.is_some_and(|given| given != 2) {
        return Err(keys.unsupported(version, "is not 2"));
    }
    match keys.text("general.type")? {
        None | Some("model") => Ok(()),
        Some(other) => Err(keys.unsupported("general.type", &format!("is {other:?}, not \"model\""))),
    }
}

fn pooling(keys: &Keys, key: &str) -> Result<&'static str> {
    match keys.needed(key, keys.count(key)?)? {
        MEAN => Ok("mean"),
        CLS => Ok("cls"),
        other => Err(keys.unsupported(key, &format!("is {other}; felsic pools by mean (1) or CLS (2)"))),
    }
}

type Key<'k> = &'k dyn Fn(&str) -> String;

/// What both architectures have.
struct Common {
    config: Config,
    layers: usize,
    /// The width of a head, if heads have equal ones.
    head: Option<usize>,
}

fn common(keys: &Keys, key: Key) -> Result<Common> {
    let count = |rest: &str| keys.needed(&key(rest), keys.count(&key(rest))?);
    let heads = count("attention.head_count")?;
    if keys.count(&key("attention.head_count_kv"))?.is_some_and(|given| given != heads) {
        return Err(keys.unsupported(&key("attention.head_count_kv"), "is not the number of heads"));
    }
    let causal = key("attention.causal");
    if keys.needed(&causal, keys.flag(&causal)?)? {
        return Err(keys.unsupported(&causal, "is true; felsic runs encoders, whose tokens see the whole text"));
    }
    let table = match keys.count(&key("vocab_size"))? {
        Some(given) => given,
        None => keys.texts("tokenizer.ggml.tokens")?.len(),
    };
    let (hidden, layers) = (count("embedding_length")?, count("block_count")?);
    let sizes = [
        ("vocab_size", table),
        ("hidden_size", hidden),
        ("num_attention_heads", heads),
        ("intermediate_size", count("feed_forward_length")?),
        ("num_hidden_layers", layers),
        ("max_position_embeddings", count("context_length")?),
    ];
    let config = sizes.into_iter().map(|(name, size)| (name, size.to_string())).collect();
    Ok(Common { config, layers, head: hidden.checked_div(heads) })
}

/// The keys that both architectures may have, behind the architecture's name.
const COMMON: [&str; 11] = [
    "attention.causal",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.layer_norm_epsilon",
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "pooling_type",
    "vocab_size",
    // Of a head, which a vector does without.
    "classifier.output_labels",
];

fn modern_bert(keys: &Keys, key: Key) -> Result<Config> {
    let own = [
        "attention.layer_norm_rms_epsilon",
        "attention.sliding_window",
        "attention.sliding_window_pattern",
        "classifier.pooling_type",
        "hidden_activation",
        "rope.dimension_count",
        "rope.freq_base",
        "rope.freq_base_swa",
        "rope.scaling.type",
    ];
    keys.refuse_others(&key(""), &[&COMMON[..], &own].concat())?;
    let Common { mut config, layers: count, head } = common(keys, key)?;
    let number = |rest: &str| keys.needed(&key(rest), keys.number(&key(rest))?);
    let scaling = key("rope.scaling.type");
    if keys.text(&scaling)?.is_some_and(|given| given != "none") {
        return Err(keys.unsupported(&scaling, "is not \"none\""));
    }
    let rotated = key("rope.dimension_count");
    if keys.count(&rotated)?.is_some_and(|given| Some(given) != head) {
        return Err(keys.unsupported(&rotated, "is not the width of a head; felsic rotates whole heads"));
    }
    let window = key("attention.sliding_window");
    config.extend([
        ("model_type", quoted("modernbert")),
        ("norm_eps", shown(epsilon(keys, key)?)),
        ("hidden_activation", quoted(activation(keys, &key("hidden_activation"))?)),
        ("local_attention", keys.needed(&window, keys.count(&window)?)?.to_string()),
        ("layer_types", layers(keys, key, count)?),
        ("global_rope_theta", shown(number("rope.freq_base")?)),
        ("local_rope_theta", shown(number("rope.freq_base_swa")?)),
    ]);
    Ok(config)
}

/// Returns the activation. Converters that did not write it knew ModernBERT's own tokenizers alone, whose models have GELU.
fn activation<'k>(keys: &'k Keys, key: &str) -> Result<&'k str> {
    let is_older = matches!(keys.text("tokenizer.ggml.pre")?, Some("modern-bert" | "gpt-2"));
    match keys.text(key)? {
        None if is_older => Ok("gelu"),
        given => keys.needed(key, given),
    }
}

/// Returns a number as JSON: the shortest digits that give it again, which is finite.
pub(super) fn shown(number: f64) -> String {
    serde_json::to_string(&number).unwrap_or_default()
}

/// Returns what is added to the variance. The converter writes `norm_eps` of `config.json`, the field that transformers reads,
/// under the name of another norm, and `layer_norm_eps` under this one's.
fn epsilon(keys: &Keys, key: Key) -> Result<f64> {
    let (own, other) = (key("attention.layer_norm_epsilon"), key("attention.layer_norm_rms_epsilon"));
    match (keys.number(&own)?, keys.number(&other)?) {
        (Some(own), Some(given)) if own != given => {
            Err(keys.unsupported(&other, &format!("is {given}, but attention.layer_norm_epsilon is {own}")))
        }
        (given, of_other) => keys.needed(&own, given.or(of_other)),
    }
}

/// Returns the kind of each layer, as JSON. The file says either that every how manieth is global, or of each whether it is local.
fn layers(keys: &Keys, key: Key, layers: usize) -> Result<String> {
    let pattern = key("attention.sliding_window_pattern");
    if layers > MOST_LAYERS {
        return Err(keys.wrong(&key("block_count"), &format!("at most {MOST_LAYERS}")));
    }
    let is_local: Vec<bool> = match keys.0.numbers(&pattern) {
        Some(list) if list.len() == layers => list.into_iter().map(|local| local != 0).collect(),
        Some(_) => return Err(keys.wrong(&pattern, "a list with an entry for each layer")),
        None => {
            let every = keys.count(&pattern)?.unwrap_or(GLOBAL_EVERY);
            if every == 0 {
                return Err(keys.wrong(&pattern, "a number from 1 on"));
            }
            (0..layers).map(|layer| !layer.is_multiple_of(every)).collect()
        }
    };
    let name = |local: bool| if local { "\"sliding_attention\"" } else { "\"full_attention\"" };
    Ok(format!("[{}]", is_local.into_iter().map(name).collect::<Vec<_>>().join(",")))
}

/// BERT, and also RoBERTa and XLM-RoBERTa: the converter writes the same of them, and leaves out the rows of the table of
/// positions before that of a text's first token.
fn bert(keys: &Keys, key: Key) -> Result<Config> {
    keys.refuse_others(&key(""), &COMMON)?;
    let Common { mut config, .. } = common(keys, key)?;
    let (epsilon, types) = (key("attention.layer_norm_epsilon"), "tokenizer.ggml.token_type_count");
    config.extend([
        ("model_type", quoted("bert")),
        ("layer_norm_eps", shown(keys.needed(&epsilon, keys.number(&epsilon)?)?)),
        // The converter does not write it; llama.cpp computes GELU by tanh for all, and nearly all checkpoints have the exact one.
        ("hidden_act", quoted("gelu")),
        ("type_vocab_size", keys.needed(types, keys.count(types)?)?.to_string()),
    ]);
    Ok(config)
}
