//! What sentence-transformers keeps beside `config.json`: modules, pooling, longest text, prompts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Fields, json};
use super::{CONFIG_FILE, EmbedderConfig, ModelConfig, Pooling, invalid, unsupported};
use crate::error::{Code, Error, Result};

/// Where the pooling's settings are in every checkpoint known.
const POOLING: &str = "1_Pooling/config.json";

/// Reads all files; see [`EmbedderConfig::from_files`].
pub(super) fn embedder_config(mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<EmbedderConfig> {
    let Some(bytes) = read(CONFIG_FILE)? else {
        return Err(Error::new(Code::NotFound, "the checkpoint has no config.json"));
    };
    let model = ModelConfig::from_json(&bytes)?;
    let Some(modules) = read("modules.json")? else { return bare(model, read) };
    let pooling_file = pooling_file(&modules)?;
    let mut object = |name: &str| read(name)?.map(|bytes| Fields::parse(name, &bytes)).transpose();
    let prompts = match object("config_sentence_transformers.json")? {
        Some(fields) => prompts(&fields)?,
        None => BTreeMap::new(),
    };
    let pooling = match object(&pooling_file)? {
        Some(fields) => pooling(&fields, model.hidden_size, &prompts)?,
        None => return Err(invalid(format!("{pooling_file} is missing, which modules.json names"))),
    };
    let max_tokens = match object("sentence_bert_config.json")? {
        Some(fields) => max_tokens(&fields)?,
        None => None,
    };
    let max_tokens = match max_tokens {
        Some(given) => given.min(model.max_positions),
        None => tokenizer_limit(object("tokenizer_config.json")?)?.unwrap_or(usize::MAX).min(model.max_positions),
    };
    Ok(EmbedderConfig { model, pooling, max_tokens, prompts })
}

/// A plain encoder: without `modules.json` sentence-transformers takes the mean and reads no file of its own.
fn bare(model: ModelConfig, mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<EmbedderConfig> {
    let mut object = |name: &str| read(name)?.map(|bytes| Fields::parse(name, &bytes)).transpose();
    let limit = tokenizer_limit(object("tokenizer_config.json")?)?;
    let max_tokens = limit.unwrap_or(usize::MAX).min(model.max_positions);
    if let Some(fields) = object(POOLING)?
        && pooling_mode(&fields)? != Pooling::Mean
    {
        let message = format!(
            "modules.json is missing, so that sentence-transformers takes the mean, but {POOLING} says otherwise; \
             add modules.json"
        );
        return Err(unsupported(message));
    }
    Ok(EmbedderConfig { model, pooling: Pooling::Mean, max_tokens, prompts: BTreeMap::new() })
}

/// The file that `modules.json` names for the pooling. The modules have to be Transformer, Pooling and
/// perhaps Normalize, in that order.
fn pooling_file(bytes: &[u8]) -> Result<String> {
    let list = "modules.json is not a JSON list of modules";
    let modules = json(bytes).map_err(|error| invalid(list).because(error))?;
    let modules = modules.as_array().ok_or_else(|| invalid(list))?;
    let mut pooling = None;
    for (at, module) in modules.iter().enumerate() {
        let text = |name: &str| module.get(name).and_then(Value::as_str);
        let kind = text("type").ok_or_else(|| invalid("modules.json: a module has no type"))?;
        let path = text("path").unwrap_or_default();
        match (at, kind.rsplit('.').next().unwrap_or(kind)) {
            (0, "Transformer") if path.is_empty() => {}
            (0, "Transformer") => return Err(unsupported("modules.json: path of the Transformer module is not \"\"")),
            (1, "Pooling") => pooling = Some(format!("{}/config.json", plain_folder(path)?)),
            (2, "Normalize") => {}
            _ => {
                return Err(unsupported(format!(
                    "modules.json: type of module {at} is {kind:?}; expected Transformer, Pooling and Normalize in this order"
                )));
            }
        }
    }
    pooling.ok_or_else(|| unsupported("modules.json: there is no module of type Pooling"))
}

/// The path of a module: one folder inside the checkpoint.
fn plain_folder(path: &str) -> Result<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    match !path.is_empty() && !path.starts_with('.') && path.chars().all(plain) {
        true => Ok(path),
        false => {
            Err(invalid(format!("modules.json: path of the Pooling module is {path:?}; expected a folder's name")))
        }
    }
}

fn pooling(fields: &Fields, hidden: usize, prompts: &BTreeMap<String, String>) -> Result<Pooling> {
    for name in ["word_embedding_dimension", "embedding_dimension"] {
        if let Some(width) = fields.count(name)?
            && width != hidden
        {
            return Err(invalid(format!("{} is {width}, but hidden_size is {hidden}", fields.path(name))));
        }
    }
    let pooling = pooling_mode(fields)?;
    let prompt_left_out = fields.get("include_prompt").is_some() && !fields.flag("include_prompt")?;
    if pooling == Pooling::Mean && prompt_left_out && prompts.values().any(|prompt| !prompt.is_empty()) {
        let name = fields.path("include_prompt");
        return Err(unsupported(format!("{name} is false; felsic does not leave a prompt out of a mean")));
    }
    Ok(pooling)
}

/// Newer files name the mode, older ones have a flag for each.
fn pooling_mode(fields: &Fields) -> Result<Pooling> {
    let by_name = |mode: &str| match mode {
        "cls" => Ok(Pooling::Cls),
        "mean" => Ok(Pooling::Mean),
        other => {
            Err(unsupported(format!("{} is {other:?}; felsic pools \"cls\" or \"mean\"", fields.path("pooling_mode"))))
        }
    };
    if fields.get("pooling_mode").is_some() {
        return by_name(fields.text("pooling_mode")?.unwrap_or_default());
    }
    let mut mode = None;
    for (name, _) in fields.entries().filter(|(name, _)| name.starts_with("pooling_mode_")) {
        if !fields.flag(name)? {
            continue;
        }
        let found = match name {
            "pooling_mode_cls_token" => Pooling::Cls,
            "pooling_mode_mean_tokens" => Pooling::Mean,
            _ => return Err(unsupported(format!("{} is true; felsic pools by CLS or mean", fields.path(name)))),
        };
        if mode.replace(found).is_some() {
            return Err(unsupported(format!(
                "{} is true beside another mode; felsic pools in one way",
                fields.path(name)
            )));
        }
    }
    mode.ok_or_else(|| invalid(format!("no {} is true", fields.path("pooling_mode_…"))))
}

fn max_tokens(fields: &Fields) -> Result<Option<usize>> {
    fields.refuse_flag("do_lower_case", "felsic does not lower the case of texts")?;
    fields.count("max_seq_length")
}

/// `model_max_length`, which counts where `sentence_bert_config.json` does not say. Without a limit it is
/// an astronomic float.
fn tokenizer_limit(fields: Option<Fields>) -> Result<Option<usize>> {
    let limit = fields.map(|fields| fields.number("model_max_length")).transpose()?.flatten();
    Ok(limit.filter(|limit| *limit < 1e9).map(|limit| limit as usize))
}

fn prompts(fields: &Fields) -> Result<BTreeMap<String, String>> {
    let mut prompts = BTreeMap::new();
    if let Some(given) = fields.object("prompts")? {
        for (name, _) in given.entries() {
            prompts.insert(name.to_string(), given.text(name)?.unwrap_or_default().to_string());
        }
    }
    // sentence-transformers would put this prompt before every text by itself.
    if let Some(name) = fields.text("default_prompt_name")?
        && prompts.get(name).is_some_and(|prompt| !prompt.is_empty())
    {
        let field = fields.path("default_prompt_name");
        return Err(unsupported(format!("{field} is {name:?}; felsic uses no prompt unless asked")));
    }
    Ok(prompts)
}
