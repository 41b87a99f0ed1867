//! `config.json` of a ModernBERT checkpoint.
//!
//! Defaults are those of transformers' `models/modernbert/configuration_modernbert.py`. Sizes have no
//! default here: every checkpoint states them.

use serde_json::Value;

use super::fields::Fields;
use super::{
    Activation, Architecture, LayerKind, MOST_LAYERS, MOST_POSITIONS, ModelConfig, Tensor, invalid, unsupported, within,
};
use crate::error::Result;

/// Default of `global_attn_every_n_layers`: every third layer is global, starting with layer 0.
const GLOBAL_EVERY: usize = 3;
/// Width of the window of local layers where the file does not say.
const LOCAL_ATTENTION: usize = 128;
/// Base of the rotary positions in global layers where the file does not say.
const GLOBAL_THETA: f64 = 160_000.0;
/// Base of the rotary positions in local layers where the file does not say.
const LOCAL_THETA: f64 = 10_000.0;

/// Reads the file; the sizes are not checked yet.
pub(super) fn model_config(fields: &Fields) -> Result<ModelConfig> {
    refuse_what_is_not_computed(fields)?;
    let (global_rope_theta, local_rope_theta) = thetas(fields)?;
    Ok(ModelConfig {
        architecture: Architecture::ModernBert,
        token_types: 0,
        first_position: 0,
        vocab_size: fields.needed_count("vocab_size")?,
        hidden_size: fields.needed_count("hidden_size")?,
        num_heads: fields.needed_count("num_attention_heads")?,
        intermediate_size: fields.needed_count("intermediate_size")?,
        activation: activation(fields)?,
        layers: layers(fields)?,
        local_attention: fields.count("local_attention")?.unwrap_or(LOCAL_ATTENTION),
        max_positions: fields.count("max_position_embeddings")?.unwrap_or(8192),
        global_rope_theta,
        local_rope_theta,
        norm_eps: fields.number("norm_eps")?.unwrap_or(1e-5) as f32,
    })
}

fn refuse_what_is_not_computed(fields: &Fields) -> Result<()> {
    for bias in ["attention_bias", "mlp_bias", "norm_bias"] {
        fields.refuse_flag(bias, "felsic does not compute biases")?;
    }
    // `position_embedding_type` is a leftover of BERT that the reference never reads: mmBERT and Ettin have "sans_pos" there.
    if let Some(scaling) = fields.object("rope_scaling")? {
        check_rope_type(&scaling)?;
    }
    check_whole_heads(fields)?;
    refuse_other_sizes(fields)
}

/// Refuses sizes that contradict the others: one version of transformers derives them, another reads them.
fn refuse_other_sizes(fields: &Fields) -> Result<()> {
    let window = fields.count("local_attention")?.unwrap_or(LOCAL_ATTENTION);
    let (hidden, heads) = (fields.count("hidden_size")?, fields.count("num_attention_heads")?);
    let head = hidden.and_then(|hidden| hidden.checked_div(heads?));
    for (name, given, expected) in [
        ("sliding_window", fields.count("sliding_window")?, Some(window / 2)),
        ("head_dim", fields.count("head_dim")?, head),
    ] {
        if let (Some(given), Some(expected)) = (given, expected)
            && given != expected
        {
            let name = fields.path(name);
            return Err(unsupported(format!("{name} is {given}, but the other sizes make it {expected}")));
        }
    }
    Ok(())
}

fn activation(fields: &Fields) -> Result<Activation> {
    match fields.text("hidden_activation")? {
        None | Some("gelu") => Ok(Activation::Gelu),
        Some("silu") => Ok(Activation::Silu),
        Some(other) => Err(unsupported(format!(
            "config.json: hidden_activation is {other:?}; felsic computes \"gelu\" and \"silu\""
        ))),
    }
}

/// Returns the kind of each layer: `layer_types` of the newer form, or every n-th layer global.
fn layers(fields: &Fields) -> Result<Vec<LayerKind>> {
    let count = fields.needed_count("num_hidden_layers")?;
    within("num_hidden_layers", count, 1, MOST_LAYERS)?;
    let Some(types) = fields.get("layer_types") else {
        let every = fields.count("global_attn_every_n_layers")?.unwrap_or(GLOBAL_EVERY);
        within("global_attn_every_n_layers", every, 1, MOST_LAYERS)?;
        let kind = |layer: usize| if layer.is_multiple_of(every) { LayerKind::Global } else { LayerKind::Local };
        return Ok((0..count).map(kind).collect());
    };
    let types = types.as_array().map(Vec::as_slice).unwrap_or_default();
    if types.len() != count {
        return Err(invalid(format!("config.json: layer_types has {} entries for {count} layers", types.len())));
    }
    types.iter().map(layer_kind).collect()
}

fn layer_kind(name: &Value) -> Result<LayerKind> {
    match name.as_str() {
        Some("full_attention") => Ok(LayerKind::Global),
        Some("sliding_attention") => Ok(LayerKind::Local),
        _ => Err(unsupported(
            "config.json: layer_types has an entry other than \"full_attention\" and \"sliding_attention\"",
        )),
    }
}

/// Returns the rotary bases of global and local layers.
fn thetas(fields: &Fields) -> Result<(f64, f64)> {
    let rope = fields.object("rope_parameters")?;
    let global_old = fields.number("global_rope_theta")?.unwrap_or(GLOBAL_THETA);
    let local_old = match fields.number("local_rope_theta")? {
        Some(theta) => theta,
        // The older code takes null to mean "as in global layers".
        None if fields.is_null("local_rope_theta") => global_old,
        None => LOCAL_THETA,
    };
    let Some(rope) = rope else { return Ok((global_old, local_old)) };
    if rope.get("rope_theta").is_some() || rope.get("rope_type").is_some() {
        return Err(unsupported(
            "config.json: rope_parameters has one setting for all layers; expected full_attention and sliding_attention",
        ));
    }
    let global = rope_theta(&rope, "full_attention")?.unwrap_or(global_old);
    let local = rope_theta(&rope, "sliding_attention")?.unwrap_or(local_old);
    Ok((global, local))
}

fn rope_theta(rope: &Fields, kind: &str) -> Result<Option<f64>> {
    let Some(parameters) = rope.object(kind)? else { return Ok(None) };
    check_rope_type(&parameters)?;
    parameters.number("rope_theta")
}

fn check_rope_type(parameters: &Fields) -> Result<()> {
    for name in ["rope_type", "type"] {
        if let Some(kind) = parameters.text(name)?
            && kind != "default"
        {
            return Err(unsupported(format!("{} is {kind:?}; felsic computes \"default\"", parameters.path(name))));
        }
    }
    check_whole_heads(parameters)
}

fn check_whole_heads(parameters: &Fields) -> Result<()> {
    match parameters.number("partial_rotary_factor")? {
        Some(factor) if factor != 1.0 => {
            let name = parameters.path("partial_rotary_factor");
            Err(unsupported(format!("{name} is {factor}; felsic rotates whole heads")))
        }
        _ => Ok(()),
    }
}

/// Checks the sizes that only this architecture has.
pub(super) fn check(config: &ModelConfig) -> Result<()> {
    within("local_attention", config.local_attention, 1, MOST_POSITIONS)?;
    for (name, theta) in
        [("global_rope_theta", config.global_rope_theta), ("local_rope_theta", config.local_rope_theta)]
    {
        if !(1.0..=1e12).contains(&theta) {
            return Err(invalid(format!("{name} is {theta}; expected 1 to 1e12")));
        }
    }
    match config.activation {
        Activation::GeluTanh => Err(unsupported("hidden_activation is \"gelu-tanh\", which no ModernBERT has")),
        Activation::Silu | Activation::Gelu => Ok(()),
    }
}

/// Returns the tensors of the layers and of the norms around them, in the order in which data flows.
pub(super) fn tensors(config: &ModelConfig) -> Vec<Tensor> {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let mut all = vec![("embeddings.norm.weight".to_string(), vec![hidden])];
    for layer in 0..config.layers.len() {
        let mut add = |part: &str, shape: Vec<usize>| all.push((format!("layers.{layer}.{part}.weight"), shape));
        if layer > 0 {
            add("attn_norm", vec![hidden]);
        }
        add("attn.Wqkv", vec![3 * hidden, hidden]);
        add("attn.Wo", vec![hidden, hidden]);
        add("mlp_norm", vec![hidden]);
        add("mlp.Wi", vec![2 * inner, hidden]);
        add("mlp.Wo", vec![hidden, inner]);
    }
    all.push(("final_norm.weight".to_string(), vec![hidden]));
    all
}
