//! `config.json` of a BERT, RoBERTa or XLM-RoBERTa checkpoint.
//!
//! Defaults are those of transformers' `models/bert/configuration_bert.py` and `models/roberta/configuration_roberta.py`.
//! Sizes have no default here: every checkpoint states them.

use super::fields::Fields;
use super::{
    Activation, Architecture, LEAST_TOKENS, LayerKind, MOST_LAYERS, MOST_POSITIONS, ModelConfig, Tensor, invalid,
    unsupported, within,
};
use crate::error::Result;

/// Most token types; nearly every model has two, and a single text is all of the first.
const MOST_TOKEN_TYPES: usize = 256;

/// Most rows of the table of positions before that of a text's first token; RoBERTa has two.
const MOST_FIRST_POSITION: usize = 1024;

/// Reads the file of a BERT; the sizes are not checked yet.
pub(super) fn model_config(fields: &Fields) -> Result<ModelConfig> {
    of_first_position(fields, 0)
}

/// Reads the file of a RoBERTa or XLM-RoBERTa: their positions start behind that of the padding token, and the table's
/// rows before are no text's.
pub(super) fn roberta_config(fields: &Fields) -> Result<ModelConfig> {
    if fields.is_null("pad_token_id") {
        return Err(invalid(format!("{} is null, and positions are counted from it", fields.path("pad_token_id"))));
    }
    let padding = fields.count("pad_token_id")?.unwrap_or(1);
    within("pad_token_id", padding, 0, MOST_FIRST_POSITION - 1)?;
    of_first_position(fields, padding + 1)
}

fn of_first_position(fields: &Fields, first_position: usize) -> Result<ModelConfig> {
    let positions = fields.text("position_embedding_type")?.unwrap_or("absolute");
    if positions != "absolute" {
        let name = fields.path("position_embedding_type");
        return Err(unsupported(format!("{name} is {positions:?}; felsic computes \"absolute\"")));
    }
    for name in ["is_decoder", "add_cross_attention"] {
        fields.refuse_flag(name, "felsic runs encoders, whose tokens see the whole text")?;
    }
    let layers = fields.needed_count("num_hidden_layers")?;
    within("num_hidden_layers", layers, 1, MOST_LAYERS)?;
    let positions = fields.count("max_position_embeddings")?.unwrap_or(512);
    within("max_position_embeddings", positions, first_position + LEAST_TOKENS, MOST_POSITIONS)?;
    Ok(ModelConfig {
        architecture: Architecture::Bert,
        vocab_size: fields.needed_count("vocab_size")?,
        hidden_size: fields.needed_count("hidden_size")?,
        num_heads: fields.needed_count("num_attention_heads")?,
        intermediate_size: fields.needed_count("intermediate_size")?,
        activation: activation(fields)?,
        layers: vec![LayerKind::Global; layers],
        max_positions: positions.saturating_sub(first_position),
        first_position,
        token_types: fields.count("type_vocab_size")?.unwrap_or(2),
        norm_eps: fields.number("layer_norm_eps")?.unwrap_or(1e-12) as f32,
        local_attention: 0,
        global_rope_theta: 0.0,
        local_rope_theta: 0.0,
    })
}

fn activation(fields: &Fields) -> Result<Activation> {
    match fields.text("hidden_act")?.unwrap_or("gelu") {
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
        other => Err(unsupported(format!(
            "{} is {other:?}; felsic computes \"gelu\", \"gelu_new\" and \"gelu_pytorch_tanh\"",
            fields.path("hidden_act")
        ))),
    }
}

/// Checks the sizes that only this architecture has.
pub(super) fn check(config: &ModelConfig) -> Result<()> {
    within("type_vocab_size", config.token_types, 1, MOST_TOKEN_TYPES)?;
    within("first_position", config.first_position, 0, MOST_FIRST_POSITION)?;
    match config.layers.contains(&LayerKind::Local) {
        true => Err(unsupported("layers has a local layer, and all of BERT's are global")),
        false => Ok(()),
    }
}

/// Returns the tensors of the embeddings, the vocabulary table apart, and of the layers, in the order in which data
/// flows. Their names are those of transformers.
pub(super) fn tensors(config: &ModelConfig) -> Vec<Tensor> {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let mut all = vec![
        (
            "embeddings.position_embeddings.weight".to_string(),
            vec![config.first_position + config.max_positions, hidden],
        ),
        ("embeddings.token_type_embeddings.weight".to_string(), vec![config.token_types, hidden]),
    ];
    let mut add = |part: &str, weight: Vec<usize>| {
        let bias = vec![weight[0]];
        all.push((format!("{part}.weight"), weight));
        all.push((format!("{part}.bias"), bias));
    };
    add("embeddings.LayerNorm", vec![hidden]);
    for layer in 0..config.layers.len() {
        let mut add = |part: &str, weight: Vec<usize>| add(&format!("encoder.layer.{layer}.{part}"), weight);
        add("attention.self.query", vec![hidden, hidden]);
        add("attention.self.key", vec![hidden, hidden]);
        add("attention.self.value", vec![hidden, hidden]);
        add("attention.output.dense", vec![hidden, hidden]);
        add("attention.output.LayerNorm", vec![hidden]);
        add("intermediate.dense", vec![inner, hidden]);
        add("output.dense", vec![hidden, inner]);
        add("output.LayerNorm", vec![hidden]);
    }
    all
}
