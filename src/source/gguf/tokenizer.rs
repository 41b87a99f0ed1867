//! The metadata about the tokenizer -> `tokenizer.json`.

use serde_json::{Map, Value, json};

use super::Keys;
use crate::error::Result;
use crate::tokenizer::O200K_PATTERN;

const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";
const MODEL: &str = "tokenizer.ggml.model";
const PRE: &str = "tokenizer.ggml.pre";

/// What a token is, `tokenizer.ggml.token_type`.
const NORMAL: i128 = 1;
const UNKNOWN: i128 = 2;
const CONTROL: i128 = 3;
const USER_DEFINED: i128 = 4;
/// A row of the table that no token has.
const UNUSED: i128 = 5;

/// Stands before the tokens that begin a word, where a checkpoint of BERT has `##` before the others.
const BEGINS: char = '\u{2581}';

/// The keys that are understood or have no part in ids, behind `tokenizer.`.
const KNOWN: [&str; 21] = [
    "ggml.model",
    "ggml.pre",
    "ggml.tokens",
    "ggml.token_type",
    "ggml.token_type_count",
    "ggml.merges",
    "ggml.bos_token_id",
    "ggml.eos_token_id",
    "ggml.unknown_token_id",
    "ggml.seperator_token_id",
    "ggml.padding_token_id",
    "ggml.cls_token_id",
    "ggml.mask_token_id",
    "ggml.add_bos_token",
    "ggml.add_eos_token",
    "ggml.add_sep_token",
    "ggml.normalizer.lowercase",
    "ggml.normalizer.strip_accents",
    // False, as everywhere but for sentencepiece.
    "ggml.add_space_prefix",
    "ggml.eot_token_id",
    "ggml.eom_token_id",
];

/// Returns the file.
pub(super) fn json(keys: &Keys) -> Result<String> {
    keys.refuse_others("tokenizer.", &KNOWN)?;
    if keys.flag("tokenizer.ggml.add_space_prefix")? == Some(true) {
        return Err(keys.unsupported("tokenizer.ggml.add_space_prefix", "is true"));
    }
    let vocabulary = Vocabulary::read(keys)?;
    let json = match keys.needed(MODEL, keys.text(MODEL)?)? {
        "gpt2" => byte_pairs(keys, &vocabulary)?,
        "bert" => word_pieces(keys, &vocabulary)?,
        other => {
            return Err(keys.unsupported(MODEL, &format!("is {other:?}; felsic reads \"gpt2\" and \"bert\" of GGUF files")));
        }
    };
    Ok(json.to_string())
}

struct Vocabulary<'k> {
    tokens: Vec<&'k str>,
    types: Vec<i128>,
}

impl<'k> Vocabulary<'k> {
    fn read(keys: &'k Keys) -> Result<Self> {
        let tokens = keys.texts(TOKENS)?;
        keys.needed(TYPES, keys.0.get(TYPES))?;
        let types = keys.0.numbers(TYPES).filter(|types| types.len() == tokens.len());
        let types = types.ok_or_else(|| keys.wrong(TYPES, "a list with a number for each token"))?;
        match types.iter().find(|kind| ![NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED].contains(kind)) {
            Some(other) => Err(keys.unsupported(TYPES, &format!("has {other}, which no vocabulary of its kind has"))),
            None => Ok(Self { tokens, types }),
        }
    }

    /// Returns the tokens with their types, but for unused ones, in the order of their ids.
    fn used(&self) -> impl Iterator<Item = (usize, &'k str, i128)> {
        let tokens = self.tokens.iter().zip(&self.types).enumerate();
        tokens.filter(|(_, (_, kind))| **kind != UNUSED).map(|(id, (token, kind))| (id, *token, *kind))
    }

    /// Returns the ids by token, each named by `name`.
    fn map(&self, keys: &Keys, name: impl Fn(&str, i128) -> String) -> Result<Value> {
        let mut map = Map::new();
        for (id, token, kind) in self.used() {
            if map.insert(name(token, kind), id.into()).is_some() {
                return Err(keys.wrong(TOKENS, &format!("a vocabulary: it has {token:?} twice")));
            }
        }
        Ok(map.into())
    }

    /// Returns the tokens that are found in a text before it is split into words. Those that are no special tokens are found in
    /// the normalised text, as `AddedToken` has it by default; the file does not say.
    fn added(&self, strips: impl Fn(usize) -> bool) -> Value {
        let added = self.used().filter(|(_, _, kind)| [CONTROL, USER_DEFINED, UNKNOWN].contains(kind));
        let token = |(id, content, kind): (usize, &str, i128)| {
            json!({
                "id": id, "content": content, "single_word": false, "lstrip": strips(id), "rstrip": false,
                "normalized": kind == USER_DEFINED, "special": kind != USER_DEFINED,
            })
        };
        added.map(token).collect()
    }

    /// Returns the token of an id that a key gives.
    fn named(&self, keys: &Keys, key: &str) -> Result<Option<(usize, &'k str)>> {
        let Some(id) = keys.count(key)? else { return Ok(None) };
        let token = self.tokens.get(id).ok_or_else(|| keys.wrong(key, "the id of a token"))?;
        Ok(Some((id, token)))
    }

    /// Returns the template: the tokens that stand before and behind every text.
    fn template(&self, keys: &Keys, [before, after]: [Side<'_>; 2]) -> Result<Value> {
        let mut pieces = Vec::new();
        let mut specials = Map::new();
        let mut add = |side: Side<'_>, pieces: &mut Vec<Value>| -> Result<()> {
            if !keys.flag(side.flag)?.unwrap_or(side.default) {
                return Ok(());
            }
            let mut found = None;
            for key in side.ids {
                found = found.or(self.named(keys, key)?);
            }
            let (id, token) = keys.needed(side.ids[0], found)?;
            pieces.push(json!({ "SpecialToken": { "id": token, "type_id": 0 } }));
            specials.insert(token.to_string(), json!({ "id": token, "ids": [id], "tokens": [token] }));
            Ok(())
        };
        add(before, &mut pieces)?;
        pieces.push(json!({ "Sequence": { "id": "A", "type_id": 0 } }));
        add(after, &mut pieces)?;
        Ok(json!({ "type": "TemplateProcessing", "single": pieces, "pair": [], "special_tokens": specials }))
    }
}

/// One end of a template.
struct Side<'k> {
    /// Says whether there is a token.
    flag: &'k str,
    default: bool,
    /// The keys that say which; the first that is there counts.
    ids: &'k [&'k str],
}

const BEFORE: [&str; 2] = ["tokenizer.ggml.bos_token_id", "tokenizer.ggml.cls_token_id"];

/// Byte-pair encoding of bytes. Which split it has is known by the name of a tokenizer that the converter has recognised.
fn byte_pairs(keys: &Keys, vocabulary: &Vocabulary) -> Result<Value> {
    let byte_level = |use_regex: bool| {
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex })
    };
    let o200k = || {
        let split = json!({ "type": "Split", "pattern": { "Regex": O200K_PATTERN }, "behavior": "Isolated", "invert": false });
        json!({ "type": "Sequence", "pretokenizers": [split, byte_level(false)] })
    };
    let pre = keys.needed(PRE, keys.text(PRE)?)?;
    let (normalizer, pre_tokenizer, ignore_merges) = match pre {
        "gpt-2" => (Value::Null, byte_level(true), false),
        "modern-bert" => (json!({ "type": "NFC" }), byte_level(true), false),
        "gpt-4o" => (Value::Null, o200k(), false),
        "granite-embed-multi-97m" => (Value::Null, o200k(), true),
        other => {
            let known = "\"gpt-2\", \"modern-bert\", \"gpt-4o\" and \"granite-embed-multi-97m\"";
            return Err(keys.unsupported(PRE, &format!("is {other:?}; felsic knows {known}")));
        }
    };
    // ModernBERT's takes the spaces before it; the others have none that does.
    let mask = vocabulary.named(keys, "tokenizer.ggml.mask_token_id")?.map(|(id, _)| id).filter(|_| pre == "modern-bert");
    let after = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.seperator_token_id"];
    let template = vocabulary.template(keys, [
        Side { flag: "tokenizer.ggml.add_bos_token", default: false, ids: &BEFORE },
        Side { flag: "tokenizer.ggml.add_eos_token", default: false, ids: &after },
    ])?;
    Ok(json!({
        "version": "1.0",
        "added_tokens": vocabulary.added(|id| Some(id) == mask),
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": template,
        "model": {
            "type": "BPE", "ignore_merges": ignore_merges,
            "vocab": vocabulary.map(keys, |token, _| token.to_string())?,
            "merges": keys.texts("tokenizer.ggml.merges")?,
        },
    }))
}

/// Returns whether capitals become small letters. Older converters did not write it: then they do if no token has a capital, which
/// would otherwise be unknown in every text.
fn lowercase(keys: &Keys, vocabulary: &Vocabulary) -> Result<bool> {
    let key = "tokenizer.ggml.normalizer.lowercase";
    let mut normal = vocabulary.used().filter(|(_, _, kind)| *kind == NORMAL);
    match keys.flag(key)? {
        Some(given) => Ok(given),
        None if normal.any(|(_, token, _)| token.contains(|c: char| c.is_ascii_uppercase())) => {
            keys.needed(key, None)
        }
        None => Ok(true),
    }
}

/// WordPiece. The normaliser and the split are BERT's, which the file does not name.
fn word_pieces(keys: &Keys, vocabulary: &Vocabulary) -> Result<Value> {
    let lowercase = lowercase(keys, vocabulary)?;
    let name = |token: &str, kind: i128| match token.strip_prefix(BEGINS) {
        _ if kind == CONTROL => token.to_string(),
        Some(begins) => begins.to_string(),
        None => format!("##{token}"),
    };
    let unknown = "tokenizer.ggml.unknown_token_id";
    let (id, unknown) = keys.needed(unknown, vocabulary.named(keys, unknown)?)?;
    let after = ["tokenizer.ggml.seperator_token_id", "tokenizer.ggml.eos_token_id"];
    let template = vocabulary.template(keys, [
        Side { flag: "tokenizer.ggml.add_bos_token", default: true, ids: &BEFORE },
        Side { flag: "tokenizer.ggml.add_sep_token", default: true, ids: &after },
    ])?;
    Ok(json!({
        "version": "1.0",
        "added_tokens": vocabulary.added(|_| false),
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": lowercase,
            "strip_accents": keys.flag("tokenizer.ggml.normalizer.strip_accents")?,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": template,
        "model": {
            "type": "WordPiece", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "unk_token": name(unknown, vocabulary.types[id]),
            "vocab": vocabulary.map(keys, name)?,
        },
    }))
}
