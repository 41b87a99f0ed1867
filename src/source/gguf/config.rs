//! The metadata about the model -> `config.json` and what sentence-transformers keeps beside it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Keys, architecture};
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
    let modules = json!([
        { "idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer" },
        { "idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling" },
    ]);
    let files = [
        ("config.json", config),
        ("modules.json", modules),
        ("1_Pooling/config.json", json!({ "pooling_mode": pooling(keys, &key("pooling_type"))? })),
    ];
    Ok(files.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
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

/// Returns what both architectures have, by the names of `config.json`.
fn common(keys: &Keys, key: Key) -> Result<Value> {
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
    Ok(json!({
        "vocab_size": table,
        "hidden_size": count("embedding_length")?,
        "num_attention_heads": heads,
        "intermediate_size": count("feed_forward_length")?,
        "num_hidden_layers": count("block_count")?,
        "max_position_embeddings": count("context_length")?,
    }))
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

fn modern_bert(keys: &Keys, key: Key) -> Result<Value> {
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
    let mut config = common(keys, key)?;
    let number = |rest: &str| keys.needed(&key(rest), keys.number(&key(rest))?);
    config["model_type"] = "modernbert".into();
    config["norm_eps"] = epsilon(keys, key)?.into();
    config["hidden_activation"] = keys.text(&key("hidden_activation"))?.unwrap_or("gelu").into();
    let window = key("attention.sliding_window");
    config["local_attention"] = keys.needed(&window, keys.count(&window)?)?.into();
    config["layer_types"] = layers(keys, key, config["num_hidden_layers"].as_u64().unwrap_or_default())?;
    config["global_rope_theta"] = number("rope.freq_base")?.into();
    config["local_rope_theta"] = number("rope.freq_base_swa")?.into();
    let scaling = key("rope.scaling.type");
    if keys.text(&scaling)?.is_some_and(|given| given != "none") {
        return Err(keys.unsupported(&scaling, "is not \"none\""));
    }
    let rotated = key("rope.dimension_count");
    let (hidden, heads) = (config["hidden_size"].as_u64(), config["num_attention_heads"].as_u64());
    let head = hidden.zip(heads).and_then(|(hidden, heads)| hidden.checked_div(heads));
    if keys.count(&rotated)?.is_some_and(|given| Some(given as u64) != head) {
        return Err(keys.unsupported(&rotated, "is not the width of a head; felsic rotates whole heads"));
    }
    Ok(config)
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

/// Returns the kind of each layer: the file has every how manieth is global, or whether each is local.
fn layers(keys: &Keys, key: Key, layers: u64) -> Result<Value> {
    let pattern = key("attention.sliding_window_pattern");
    let layers = usize::try_from(layers).ok().filter(|layers| *layers <= MOST_LAYERS);
    let layers = layers.ok_or_else(|| keys.wrong(&key("block_count"), &format!("at most {MOST_LAYERS}")))?;
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
    let name = |local: bool| if local { "sliding_attention" } else { "full_attention" };
    Ok(is_local.into_iter().map(name).collect())
}

fn bert(keys: &Keys, key: Key) -> Result<Value> {
    keys.refuse_others(&key(""), &COMMON)?;
    let mut config = common(keys, key)?;
    let epsilon = key("attention.layer_norm_epsilon");
    config["model_type"] = "bert".into();
    config["layer_norm_eps"] = keys.needed(&epsilon, keys.number(&epsilon)?)?.into();
    // The converter does not write it: llama.cpp computes GELU for every model of this architecture.
    config["hidden_act"] = "gelu".into();
    let types = "tokenizer.ggml.token_type_count";
    config["type_vocab_size"] = keys.needed(types, keys.count(types)?)?.into();
    Ok(config)
}
