//! What transformers 5 makes by itself for a RoBERTa's or XLM-RoBERTa's tokenizer, whatever `tokenizer.json` says: all but the
//! vocabulary and the map of characters. transformers 4 runs what `tokenizer.json` says.
//!
//! The sources are `models/roberta/tokenization_roberta.py` and `models/xlm_roberta/tokenization_xlm_roberta.py` (5.24).

use super::json::{kind, sequence};
use super::metaspace::Metaspace;
use super::normalise::SPACES_PATTERN;
use crate::error::Result;
use serde_json::Value;

/// The class of RoBERTa's tokenizers, without `Fast`.
pub(super) const ROBERTA: &str = "RobertaTokenizer";
/// The class of XLM-RoBERTa's.
pub(super) const XLM_ROBERTA: &str = "XLMRobertaTokenizer";

/// The special tokens that both classes bring.
pub(super) const DEFAULTS: [(&str, &str); 7] = [
    ("bos_token", "<s>"),
    ("eos_token", "</s>"),
    ("sep_token", "</s>"),
    ("cls_token", "<s>"),
    ("unk_token", "<unk>"),
    ("pad_token", "<pad>"),
    ("mask_token", "<mask>"),
];

/// Returns whether a RoBERTa's sections give the ids of its class.
pub(super) fn is_roberta(normalizer: &Value, pre_tokenizer: &Value) -> bool {
    // The prefix space is compared with the settings elsewhere.
    normalizer.is_null() && kind(pre_tokenizer) == "ByteLevel" && pre_tokenizer["use_regex"] != false
}

/// Returns whether an XLM-RoBERTa's sections give the ids of its class, which puts a mark before every word if `prepend` is
/// set. Words are parted at white space, so that it does not matter how much of it there is.
///
/// # Errors
/// Those of [`sequence`] and [`Metaspace::read`].
pub(super) fn is_xlm_roberta(normalizer: &Value, pre_tokenizer: &Value, prepend: bool) -> Result<bool> {
    let steps = sequence(normalizer, "normalizers")?;
    let is_of_spaces = |step: &&Value| match kind(step) {
        "Strip" => true,
        "Replace" => step["pattern"]["Regex"] == SPACES_PATTERN && step["content"] == " ",
        _ => false,
    };
    let is_normaliser = match steps.split_first() {
        Some((first, rest)) => kind(first) == "Precompiled" && rest.iter().all(is_of_spaces),
        None => true,
    };
    Ok(match sequence(pre_tokenizer, "pretokenizers")?[..] {
        [white, marks] => {
            is_normaliser
                && (kind(white), kind(marks)) == ("WhitespaceSplit", "Metaspace")
                && Metaspace::read(marks)? == Metaspace { mark: '\u{2581}', prepend }
        }
        _ => false,
    })
}

/// Returns whether a post-processor puts `first` before a text and `last` behind it, and nothing else.
pub(super) fn is_framed(post_processor: &Value, first: &str, last: &str) -> bool {
    match kind(post_processor) {
        "BertProcessing" | "RobertaProcessing" => post_processor["cls"][0] == first && post_processor["sep"][0] == last,
        "TemplateProcessing" => {
            let pieces = post_processor["single"].as_array().map(Vec::as_slice).unwrap_or_default();
            let names = pieces.iter().map(|piece| piece["SpecialToken"]["id"].as_str());
            names.eq([Some(first), None, Some(last)])
        }
        _ => false,
    }
}
