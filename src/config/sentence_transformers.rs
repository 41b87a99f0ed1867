//! What sentence-transformers keeps beside `config.json`: modules, pooling, longest text, prompts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Fields, json};
use super::{CONFIG_FILE, DenseConfig, EmbedderConfig, ModelConfig, Pooling, invalid, unsupported};
use crate::error::{Code, Error, Result, lfs_pointer};

/// Where every known checkpoint keeps the pooling's settings.
const POOLING: &str = "1_Pooling/config.json";

/// The settings of the Transformer module.
const TRANSFORMER: &str = "sentence_bert_config.json";
/// Older names of that file; sentence-transformers takes the first that exists.
const OLDER_NAMES: [&str; 6] = [
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// Reads all files; see [`EmbedderConfig::from_files`].
pub(super) fn embedder_config(read: &mut dyn FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<EmbedderConfig> {
    let Some(bytes) = read(CONFIG_FILE)? else {
        return Err(Error::new(Code::NotFound, "the checkpoint has no config.json"));
    };
    let model = ModelConfig::from_json(&bytes)?;
    if read("adapter_config.json")?.is_some() {
        let message = "adapter_config.json makes transformers load another model and an adapter on it; merge the adapter \
                       into the weights and remove the file";
        return Err(unsupported(message));
    }
    let Some(modules) = read("modules.json")? else { return bare(model, read) };
    let modules = modules_of(&modules)?;
    let mut object = |name: &str| read(name)?.map(|bytes| Fields::parse(name, &bytes)).transpose();
    let prompts = match object("config_sentence_transformers.json")? {
        Some(fields) => prompts(&fields)?,
        None => BTreeMap::new(),
    };
    let pooling = match object(&modules.pooling)? {
        Some(fields) => pooling(&fields, model.hidden_size, &prompts)?,
        None => return Err(invalid(format!("{} is missing, which modules.json names", modules.pooling))),
    };
    let (mut dense, mut width) = (Vec::new(), model.hidden_size);
    for folder in &modules.dense {
        let file = format!("{folder}/config.json");
        let fields = object(&file)?;
        let fields = fields.ok_or_else(|| invalid(format!("{file} is missing, which modules.json names")))?;
        let layer = DenseConfig::read(&fields, width)?;
        width = layer.width;
        dense.push(layer);
    }
    if let Some(fields) = modules.normalize.map(|file| object(&file)).transpose()?.flatten() {
        normalize(&fields)?;
    }
    let max_tokens = match object(TRANSFORMER)? {
        Some(fields) => max_tokens(&fields)?,
        None => {
            for name in OLDER_NAMES {
                if object(name)?.is_some() {
                    return Err(unsupported(format!("{name} is an older name of {TRANSFORMER}; rename the file")));
                }
            }
            None
        }
    };
    let max_tokens = match max_tokens {
        Some(given) => given.min(model.max_positions),
        None => {
            tokenizer_limit(object("tokenizer_config.json")?.as_ref())?.unwrap_or(usize::MAX).min(model.max_positions)
        }
    };
    Ok(EmbedderConfig { model, pooling, max_tokens, prompts, dense })
}

/// Returns the settings of a plain encoder: without `modules.json` sentence-transformers takes the mean and reads no
/// file of its own.
fn bare(model: ModelConfig, read: &mut dyn FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<EmbedderConfig> {
    // With a chat template, sentence-transformers writes every text into it.
    let no_chat = |name: &str| {
        unsupported(format!(
            "{name} is there and modules.json is not, so that sentence-transformers would apply it; add modules.json"
        ))
    };
    if read("chat_template.jinja")?.is_some() {
        return Err(no_chat("chat_template.jinja"));
    }
    let mut object = |name: &str| read(name)?.map(|bytes| Fields::parse(name, &bytes)).transpose();
    let tokenizer = object("tokenizer_config.json")?;
    if let Some(fields) = tokenizer.as_ref().filter(|fields| fields.get("chat_template").is_some()) {
        return Err(no_chat(&fields.path("chat_template")));
    }
    let max_tokens = tokenizer_limit(tokenizer.as_ref())?.unwrap_or(usize::MAX).min(model.max_positions);
    if let Some(fields) = object(POOLING)?
        && pooling_mode(&fields)? != Pooling::Mean
    {
        let message = format!(
            "modules.json is missing, so that sentence-transformers takes the mean, but {POOLING} says otherwise; \
             add modules.json"
        );
        return Err(unsupported(message));
    }
    Ok(EmbedderConfig { model, pooling: Pooling::Mean, max_tokens, prompts: BTreeMap::new(), dense: Vec::new() })
}

/// The files that `modules.json` names.
struct Modules {
    pooling: String,
    /// Folders.
    dense: Vec<String>,
    normalize: Option<String>,
}

/// Reads `modules.json`. The modules must be sentence-transformers' own Transformer, Pooling, perhaps some Dense and perhaps
/// Normalize, in that order.
fn modules_of(bytes: &[u8]) -> Result<Modules> {
    let list = "modules.json is not a JSON list of modules";
    if let Some(pointer) = lfs_pointer(bytes) {
        return Err(invalid(format!("modules.json {pointer}")));
    }
    let modules = json(bytes).map_err(|error| invalid(list).because(error))?;
    let modules = modules.as_array().ok_or_else(|| invalid(list))?;
    let (mut pooling, mut dense, mut normalize) = (None, Vec::new(), None);
    for (at, module) in modules.iter().enumerate() {
        let text = |name: &str| module.get(name).and_then(Value::as_str);
        let kind = text("type").ok_or_else(|| invalid("modules.json: a module has no type"))?;
        let path = text("path").unwrap_or_default();
        // A later module replaces an earlier one of the same name.
        if text("name").is_some_and(|name| modules[..at].iter().any(|module| module["name"] == name)) {
            return Err(unsupported("modules.json: two modules have the same name"));
        }
        let own = kind.strip_prefix("sentence_transformers.").and_then(|kind| kind.rsplit('.').next());
        match (at - dense.len().min(at), own) {
            (0, Some("Transformer")) if path.is_empty() => {}
            (0, Some("Transformer")) => {
                return Err(unsupported("modules.json: path of the Transformer module is not \"\""));
            }
            (1, Some("Pooling")) => pooling = Some(format!("{}/config.json", plain_folder("Pooling", path)?)),
            (2, Some("Dense")) if normalize.is_none() => dense.push(plain_folder("Dense", path)?.to_string()),
            (2, Some("Normalize")) if path.is_empty() => {}
            (2, Some("Normalize")) => normalize = Some(format!("{}/config.json", plain_folder("Normalize", path)?)),
            _ => {
                return Err(unsupported(format!(
                    "modules.json: type of module {at} is {kind:?}; expected sentence-transformers' Transformer, Pooling, \
                     Dense and Normalize in this order"
                )));
            }
        }
    }
    match pooling {
        Some(pooling) => Ok(Modules { pooling, dense, normalize }),
        None => Err(unsupported("modules.json: there is no module of type Pooling")),
    }
}

/// Returns the folders of the Dense modules.
///
/// # Errors
/// As [`EmbedderConfig::from_files`].
#[cfg(feature = "packer")]
pub(crate) fn dense_folders(read: &mut dyn FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<Vec<String>> {
    Ok(read("modules.json")?.map(|bytes| modules_of(&bytes)).transpose()?.map_or(Vec::new(), |modules| modules.dense))
}

/// Returns the path of a module, which must be one folder inside the checkpoint.
fn plain_folder<'p>(module: &str, path: &'p str) -> Result<&'p str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    match !path.is_empty() && !path.starts_with('.') && path.chars().all(plain) {
        true => Ok(path),
        false => {
            Err(invalid(format!("modules.json: path of the {module} module is {path:?}; expected a folder's name")))
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
    // A mean leaves out the prompt's tokens, and CLS is the first token after them (before version 6, the first of the
    // text).
    if prompt_left_out && prompts.values().any(|prompt| !prompt.is_empty()) {
        let name = fields.path("include_prompt");
        return Err(unsupported(format!("{name} is false; felsic does not leave a prompt out of the pooling")));
    }
    Ok(pooling)
}

/// Checks the settings of a Normalize module, which exist since version 6.
fn normalize(fields: &Fields) -> Result<()> {
    for name in ["module_input_name", "module_output_name"] {
        if fields.text(name)?.is_some_and(|given| given != "sentence_embedding") {
            return Err(unsupported(format!(
                "{} is not \"sentence_embedding\"; felsic normalises the vector",
                fields.path(name)
            )));
        }
    }
    Ok(())
}

/// Returns the pooling. Newer files name the mode; older ones have a flag for each.
fn pooling_mode(fields: &Fields) -> Result<Pooling> {
    let by_name = |mode: &str| match mode {
        "cls" => Ok(Pooling::Cls),
        "mean" => Ok(Pooling::Mean),
        other => {
            Err(unsupported(format!("{} is {other:?}; felsic pools \"cls\" or \"mean\"", fields.path("pooling_mode"))))
        }
    };
    if let Some([only]) = fields.get("pooling_mode").and_then(Value::as_array).map(Vec::as_slice) {
        return by_name(only.as_str().unwrap_or_default());
    }
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
    if !fields.entries().any(|(name, _)| name.starts_with("pooling_mode_")) {
        return Ok(Pooling::Mean);
    }
    mode.ok_or_else(|| invalid(format!("no {} is true", fields.path("pooling_mode_…"))))
}

/// Returns the longest text of the Transformer module, whose other settings must be those of a text encoder.
fn max_tokens(fields: &Fields) -> Result<Option<usize>> {
    fields.refuse_flag("do_lower_case", "felsic does not lower-case texts")?;
    for (name, expected) in [("transformer_task", "feature-extraction"), ("module_output_name", "token_embeddings")] {
        if fields.text(name)?.is_some_and(|given| given != expected) {
            return Err(unsupported(format!("{} is not {expected:?}, which felsic computes", fields.path(name))));
        }
    }
    if let Some(modality) = fields.object("modality_config")? {
        let text = modality.object("text")?;
        let is = |name: &str, expected: &str| -> Result<bool> {
            let Some(text) = &text else { return Ok(false) };
            Ok(text.text(name)?.is_none_or(|given| given == expected))
        };
        let is_plain = is("method", "forward")? && is("method_output_name", "last_hidden_state")?;
        if !is_plain || modality.has("message") {
            let name = fields.path("modality_config");
            return Err(unsupported(format!(
                "{name} does not take texts as they are; felsic applies no chat template"
            )));
        }
    }
    let arguments =
        "felsic passes no arguments on to transformers; write what it means into the files that it is about";
    for name in ["tokenizer_args", "processor_kwargs", "config_args", "config_kwargs", "processing_kwargs"] {
        fields.refuse_given(name, arguments)?;
    }
    for name in ["model_args", "model_kwargs"] {
        let harmless = ["attn_implementation", "trust_remote_code", "torch_dtype", "dtype"];
        if let Some(given) = fields.object(name)?
            && let Some((argument, _)) = given.entries().find(|(argument, _)| !harmless.contains(argument))
        {
            return Err(unsupported(format!("{} is set; {arguments}", given.path(argument))));
        }
    }
    fields.refuse_given("tokenizer_name_or_path", "felsic reads the tokenizer of the checkpoint")?;
    for name in ["query_length", "document_length", "query_expansion"] {
        fields.refuse_given(name, "felsic treats queries and documents alike")?;
    }
    fields.count("max_seq_length")
}

/// Returns `model_max_length`, or its older name `max_len`; it counts where `sentence_bert_config.json` does not say.
/// If there is no limit, it is an astronomic float.
fn tokenizer_limit(fields: Option<&Fields>) -> Result<Option<usize>> {
    let Some(fields) = fields else { return Ok(None) };
    let name = if fields.has("model_max_length") { "model_max_length" } else { "max_len" };
    Ok(fields.number(name)?.filter(|limit| *limit < 1e9).map(|limit| limit as usize))
}

fn prompts(fields: &Fields) -> Result<BTreeMap<String, String>> {
    let mut prompts = BTreeMap::new();
    if let Some(given) = fields.object("prompts")? {
        for (name, _) in given.entries() {
            prompts.insert(name.to_string(), given.text(name)?.unwrap_or_default().to_string());
        }
    }
    // sentence-transformers would put this prompt before every text without being asked.
    if let Some(name) = fields.text("default_prompt_name")? {
        let field = fields.path("default_prompt_name");
        match prompts.get(name).map(String::is_empty) {
            // Two prompts exist in any case, and are empty.
            Some(true) => {}
            None if ["query", "document"].contains(&name) => {}
            Some(false) => {
                return Err(unsupported(format!("{field} is {name:?}; felsic uses no prompt unless it is asked to")));
            }
            None => return Err(invalid(format!("{field} is {name:?}, and there is no such prompt"))),
        }
    }
    // sentence-transformers would replace the modules of another type by a Transformer and a mean.
    if let Some(kind) = fields.text("model_type")?.filter(|kind| *kind != "SentenceTransformer") {
        let field = fields.path("model_type");
        return Err(unsupported(format!("{field} is {kind:?}; felsic runs \"SentenceTransformer\"")));
    }
    fields.refuse_given("truncate_dim", "felsic cuts vectors where it is asked to (dimensions); remove it")?;
    Ok(prompts)
}
