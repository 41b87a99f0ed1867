//! Reading `tokenizer.json`.

use super::{MOST_TEMPLATE, invalid, unsupported};
use crate::error::Result;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// The parts of a `tokenizer.json` with a BPE model that decide about ids.
#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    pub added_tokens: Vec<Added>,
    #[serde(default)]
    pub normalizer: Value,
    #[serde(default)]
    pub pre_tokenizer: Value,
    #[serde(default)]
    pub post_processor: Value,
    pub model: Model,
}

/// An entry of `added_tokens`. Its `id` is not here: the id is that of the vocabulary, or the next
/// free one in order of appearance.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Added {
    pub content: String,
    pub single_word: bool,
    pub lstrip: bool,
    pub rstrip: bool,
    pub normalized: bool,
    pub special: bool,
}

/// A model of type BPE.
#[derive(Deserialize)]
pub(super) struct Model {
    dropout: Option<f32>,
    pub unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    pub end_of_word_suffix: Option<String>,
    pub fuse_unk: Option<bool>,
    pub byte_fallback: Option<bool>,
    pub ignore_merges: Option<bool>,
    pub vocab: HashMap<String, u32>,
    merges: Merges,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merges {
    Pairs(Vec<(String, String)>),
    /// Both parts in one string, with a space between them.
    Lines(Vec<String>),
}

/// Just enough to tell what kind of file it is.
#[derive(Deserialize)]
struct Kind {
    version: Option<String>,
    model: ModelKind,
}

#[derive(Deserialize)]
struct ModelKind {
    r#type: Option<String>,
}

/// The `type` of the model.
///
/// # Errors
/// `TokenizerInvalid` if the bytes are not the JSON of a tokenizer, `TokenizerUnsupported` for a
/// version or model without a name that is known.
fn model_kind(bytes: &[u8]) -> Result<String> {
    let kind: Kind = parse(bytes)?;
    check_version(kind.version.as_deref())?;
    kind.model.r#type.ok_or_else(|| unsupported("model.type is missing"))
}

/// # Errors
/// `TokenizerUnsupported` for another version than 1.0.
pub(super) fn check_version(version: Option<&str>) -> Result<()> {
    match version {
        None | Some("1.0") => Ok(()),
        Some(version) => Err(unsupported(format!("version is {version:?}, not \"1.0\""))),
    }
}

pub(super) fn parse<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| invalid("tokenizer.json cannot be read").because(error))
}

impl Document {
    /// Reads and checks a tokenizer with a BPE model.
    ///
    /// # Errors
    /// `TokenizerInvalid` for a file that is not JSON, lacks a field, or speaks of tokens that are not
    /// in its vocabulary; `TokenizerUnsupported` for another model, and for what no Granite model has.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        match model_kind(bytes)?.as_str() {
            "BPE" => {}
            other => return Err(unsupported(format!("model.type is {other}, not BPE"))),
        }
        let document: Self = parse(bytes)?;
        document.model.check()?;
        document.template()?;
        Ok(document)
    }

    /// Ids in front of a text and behind it.
    ///
    /// # Errors
    /// `TokenizerInvalid` for a template with unknown tokens, `TokenizerUnsupported` for another
    /// post-processor than a template, or one that does not hold the text exactly once.
    pub(super) fn template(&self) -> Result<(Vec<u32>, Vec<u32>)> {
        let mut found = None;
        for part in sequence(&self.post_processor, "processors")? {
            match kind(part) {
                // It only moves offsets.
                "ByteLevel" => {}
                "TemplateProcessing" if found.is_none() => found = Some(template(part)?),
                other => return Err(unsupported(format!("post_processor is {other}"))),
            }
        }
        Ok(found.unwrap_or_default())
    }
}

impl Model {
    /// # Errors
    /// As [`Document::read`].
    pub(super) fn check(&self) -> Result<()> {
        if self.dropout.is_some_and(|dropout| dropout != 0.0) {
            return Err(unsupported("model.dropout makes ids depend on chance"));
        }
        if self.continuing_subword_prefix.as_ref().is_some_and(|prefix| !prefix.is_empty()) {
            return Err(unsupported("model.continuing_subword_prefix is not empty"));
        }
        if let Some(unknown) = &self.unk_token
            && !self.vocab.contains_key(unknown)
        {
            return Err(invalid(format!("model.unk_token {unknown:?} is not in the vocabulary")));
        }
        let mut joined = String::new();
        self.merges(|left, right| {
            joined.clear();
            joined.push_str(left);
            joined.push_str(right);
            match [left, right, &joined].into_iter().find(|token| !self.vocab.contains_key(*token)) {
                Some(token) => {
                    Err(invalid(format!("model.merges speaks of {token:?}, which is not in the vocabulary")))
                }
                None => Ok(()),
            }
        })
    }

    /// Gives the two parts of every merge, in order of rank.
    ///
    /// # Errors
    /// Those of `each`, and `TokenizerInvalid` for a line that is not two parts.
    pub(super) fn merges(&self, mut each: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
        match &self.merges {
            Merges::Pairs(pairs) => pairs.iter().try_for_each(|(left, right)| each(left, right)),
            Merges::Lines(lines) => lines.iter().filter(|line| !line.starts_with("#version")).try_for_each(|line| {
                match line.split_once(' ') {
                    Some((left, right)) if !right.contains(' ') => each(left, right),
                    _ => Err(invalid(format!("model.merges has {line:?}, which is not two parts"))),
                }
            }),
        }
    }
}

/// The elements of a `Sequence`, also of one in another, or the component itself; nothing for `null`.
///
/// # Errors
/// `TokenizerInvalid` for a `Sequence` without its list.
pub(super) fn sequence<'v>(component: &'v Value, field: &str) -> Result<Vec<&'v Value>> {
    match component {
        Value::Null => Ok(Vec::new()),
        _ if kind(component) == "Sequence" => {
            let parts = component[field].as_array().ok_or_else(|| invalid(format!("a Sequence has no {field}")))?;
            let parts = parts.iter().map(|part| sequence(part, field)).collect::<Result<Vec<_>>>()?;
            Ok(parts.concat())
        }
        single => Ok(vec![single]),
    }
}

/// The `type` of a component.
pub(super) fn kind(component: &Value) -> &str {
    component["type"].as_str().unwrap_or("of no known type")
}

/// Ids in front of a text and behind it, of a `TemplateProcessing`.
///
/// # Errors
/// As [`Document::template`].
pub(super) fn template(component: &Value) -> Result<(Vec<u32>, Vec<u32>)> {
    let mut before = Vec::new();
    let mut after = Vec::new();
    let mut is_behind = false;
    let pieces = component["single"].as_array().ok_or_else(|| invalid("post_processor.single is not a list"))?;
    for piece in pieces {
        if let Some(name) = piece["SpecialToken"]["id"].as_str() {
            let ids = component["special_tokens"][name]["ids"].as_array();
            let ids = ids.and_then(|ids| ids.iter().map(|id| u32::try_from(id.as_u64()?).ok()).collect());
            let ids: Vec<u32> = ids.ok_or_else(|| invalid(format!("post_processor.special_tokens lacks {name:?}")))?;
            if is_behind { &mut after } else { &mut before }.extend(ids);
        } else if piece["Sequence"]["id"] == "A" && !is_behind {
            is_behind = true;
        } else {
            return Err(unsupported(format!("post_processor.single has {piece}")));
        }
        if before.len() + after.len() > MOST_TEMPLATE {
            return Err(unsupported(format!("post_processor.single has more than {MOST_TEMPLATE} tokens")));
        }
    }
    match is_behind {
        true => Ok((before, after)),
        false => Err(unsupported("post_processor.single leaves the text out")),
    }
}
