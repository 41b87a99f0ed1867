//! The metadata about the tokenizer -> `tokenizer.json`.

use std::collections::HashSet;

use super::{Keys, architecture, quoted, unigram};
use crate::config::Architecture;
use crate::error::Result;
use crate::tokenizer::O200K_PATTERN;

const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";
const MODEL: &str = "tokenizer.ggml.model";
const PRE: &str = "tokenizer.ggml.pre";
pub(super) const MASK: &str = "tokenizer.ggml.mask_token_id";

/// What a token is, `tokenizer.ggml.token_type`.
const NORMAL: i64 = 1;
pub(super) const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
/// A row of the table that no token has.
pub(super) const UNUSED: i64 = 5;

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
    // False, but for Unigram.
    "ggml.add_space_prefix",
    "ggml.eot_token_id",
    "ggml.eom_token_id",
];

/// Returns the file.
pub(super) fn json(keys: &Keys) -> Result<String> {
    let model = keys.needed(MODEL, keys.text(MODEL)?)?;
    let is_unigram = model == "t5" && architecture(keys)?.1 == Architecture::Bert;
    let own: &[&str] = if is_unigram { &unigram::KNOWN } else { &[] };
    keys.refuse_others("tokenizer.", &[&KNOWN, own].concat())?;
    let prefix = "tokenizer.ggml.add_space_prefix";
    if !is_unigram && keys.flag(prefix)? == Some(true) {
        return Err(keys.unsupported(prefix, "is true"));
    }
    let vocabulary = Vocabulary::read(keys)?;
    match model {
        "gpt2" => byte_pairs(keys, &vocabulary),
        "bert" => word_pieces(keys, &vocabulary),
        "t5" if is_unigram => unigram::pieces(keys, &vocabulary),
        other => {
            let known = "felsic reads \"gpt2\" (byte-pair encoding), \"bert\" (WordPiece) and, for the architecture \"bert\", \"t5\" \
                         (Unigram) from GGUF files";
            Err(keys.unsupported(MODEL, &format!("is {other:?}; {known}")))
        }
    }
}

pub(super) struct Vocabulary<'k> {
    pub tokens: Vec<&'k str>,
    pub types: Vec<i64>,
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
    fn used(&self) -> impl Iterator<Item = (usize, &'k str, i64)> {
        let tokens = self.tokens.iter().zip(&self.types).enumerate();
        tokens.filter(|(_, (_, kind))| **kind != UNUSED).map(|(id, (token, kind))| (id, *token, *kind))
    }

    /// Returns the ids by token, each named by `name`, as JSON.
    fn map(&self, keys: &Keys, name: impl Fn(&str, i64) -> String) -> Result<String> {
        let mut seen = HashSet::new();
        let mut map = String::from("{");
        for (id, token, kind) in self.used() {
            let token = quoted(&name(token, kind));
            let comma = if seen.is_empty() { "" } else { "," };
            map += &[comma, &token, ":", &id.to_string()].concat();
            if let Some(twice) = seen.replace(token) {
                return Err(keys.wrong(TOKENS, &format!("a vocabulary: it has {twice} twice")));
            }
        }
        Ok(map + "}")
    }

    /// Returns the tokens that are found in a text before it is split into words, as JSON. Those that are no special tokens are
    /// found in the normalised text, as `AddedToken` has it by default; the file does not say.
    pub(super) fn added(&self, strips: impl Fn(usize) -> bool) -> String {
        let added = self.used().filter(|(_, _, kind)| [CONTROL, USER_DEFINED, UNKNOWN].contains(kind));
        let token = |(id, content, kind): (usize, &str, i64)| {
            let (content, strips, special) = (quoted(content), strips(id), kind != USER_DEFINED);
            format!(
                "{{\"id\":{id},\"content\":{content},\"single_word\":false,\"lstrip\":{strips},\"rstrip\":false,\
                 \"normalized\":{},\"special\":{special}}}",
                !special
            )
        };
        format!("[{}]", added.map(token).collect::<Vec<_>>().join(","))
    }

    /// Returns the token of an id that a key gives.
    pub(super) fn named(&self, keys: &Keys, key: &str) -> Result<Option<(usize, &'k str)>> {
        let Some(id) = keys.count(key)? else { return Ok(None) };
        let token = self.tokens.get(id).ok_or_else(|| keys.wrong(key, "the id of a token"))?;
        Ok(Some((id, token)))
    }

    /// Returns the template, the tokens that stand before and behind every text, as JSON.
    pub(super) fn template(&self, keys: &Keys, sides: [Side<'_>; 2]) -> Result<String> {
        let (mut pieces, mut specials) = ([String::new(), String::new()], Vec::new());
        for (side, piece) in sides.into_iter().zip(&mut pieces) {
            if !keys.flag(side.flag)?.unwrap_or(side.default) {
                continue;
            }
            let mut found = None;
            for key in side.ids {
                found = found.or(self.named(keys, key)?);
            }
            let (id, token) = keys.needed(side.ids[0], found)?;
            let token = quoted(token);
            *piece = format!("{{\"SpecialToken\":{{\"id\":{token},\"type_id\":0}}}}");
            specials.push(format!("{token}:{{\"id\":{token},\"ids\":[{id}],\"tokens\":[{token}]}}"));
        }
        specials.dedup();
        let [before, after] = pieces;
        let single = [before, "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}".to_string(), after];
        let single: Vec<String> = single.into_iter().filter(|piece| !piece.is_empty()).collect();
        let (single, specials) = (single.join(","), specials.join(","));
        Ok(format!(
            "{{\"type\":\"TemplateProcessing\",\"single\":[{single}],\"pair\":[],\"special_tokens\":{{{specials}}}}}"
        ))
    }
}

/// One end of a template.
pub(super) struct Side<'k> {
    /// Says whether there is a token.
    pub flag: &'k str,
    pub default: bool,
    /// The keys that say which; the first that is there counts.
    pub ids: &'k [&'k str],
}

pub(super) const BEFORE: [&str; 2] = ["tokenizer.ggml.bos_token_id", "tokenizer.ggml.cls_token_id"];

/// Byte-pair encoding of bytes. Which split it has is known by the name of a tokenizer that the converter has recognised.
fn byte_pairs(keys: &Keys, vocabulary: &Vocabulary) -> Result<String> {
    let byte_level = |use_regex: bool| {
        format!("{{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":{use_regex}}}")
    };
    let o200k = || {
        format!(
            "{{\"type\":\"Sequence\",\"pretokenizers\":[{{\"type\":\"Split\",\"pattern\":{{\"Regex\":{}}},\
             \"behavior\":\"Isolated\",\"invert\":false}},{}]}}",
            quoted(O200K_PATTERN),
            byte_level(false)
        )
    };
    let pre = keys.needed(PRE, keys.text(PRE)?)?;
    let (normalizer, pre_tokenizer, ignore_merges) = match pre {
        "gpt-2" | "roberta-bpe" => ("null", byte_level(true), false),
        "modern-bert" => ("{\"type\":\"NFC\"}", byte_level(true), false),
        "gpt-4o" => ("null", o200k(), false),
        "granite-embed-multi-97m" => ("null", o200k(), true),
        other => {
            let known = "\"gpt-2\", \"roberta-bpe\", \"modern-bert\", \"gpt-4o\" and \"granite-embed-multi-97m\"";
            return Err(keys.unsupported(PRE, &format!("is {other:?}; felsic knows {known}")));
        }
    };
    // ModernBERT's and RoBERTa's takes the spaces before it; the others have none that does.
    let strips = matches!(pre, "modern-bert" | "roberta-bpe");
    let mask = vocabulary.named(keys, MASK)?.map(|(id, _)| id).filter(|_| strips);
    let after = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.seperator_token_id"];
    let sides = [
        Side { flag: "tokenizer.ggml.add_bos_token", default: false, ids: &BEFORE },
        Side { flag: "tokenizer.ggml.add_eos_token", default: false, ids: &after },
    ];
    let merges: Vec<String> = keys.texts("tokenizer.ggml.merges")?.into_iter().map(quoted).collect();
    let model = format!(
        "{{\"type\":\"BPE\",\"ignore_merges\":{ignore_merges},\"vocab\":{},\"merges\":[{}]}}",
        vocabulary.map(keys, |token, _| token.to_string())?,
        merges.join(",")
    );
    let added = vocabulary.added(|id| Some(id) == mask);
    Ok(document([&added, normalizer, &pre_tokenizer, &vocabulary.template(keys, sides)?, &model]))
}

/// Puts the file together.
pub(super) fn document([added, normalizer, pre_tokenizer, post_processor, model]: [&str; 5]) -> String {
    format!(
        "{{\"version\":\"1.0\",\"added_tokens\":{added},\"normalizer\":{normalizer},\
         \"pre_tokenizer\":{pre_tokenizer},\"post_processor\":{post_processor},\"model\":{model}}}"
    )
}

/// Returns whether capitals become small letters. Older converters did not write it: then they do if no token has a capital, which
/// would otherwise be unknown in every text.
fn lowercase(keys: &Keys, vocabulary: &Vocabulary) -> Result<bool> {
    let key = "tokenizer.ggml.normalizer.lowercase";
    let mut normal = vocabulary.used().filter(|(_, _, kind)| *kind == NORMAL);
    match keys.flag(key)? {
        Some(given) => Ok(given),
        None if normal.any(|(_, token, _)| token.contains(|c: char| c.is_ascii_uppercase())) => keys.needed(key, None),
        None => Ok(true),
    }
}

/// WordPiece. The normaliser and the split are BERT's, which the file does not name.
fn word_pieces(keys: &Keys, vocabulary: &Vocabulary) -> Result<String> {
    let lowercase = lowercase(keys, vocabulary)?;
    let accents = keys.flag("tokenizer.ggml.normalizer.strip_accents")?;
    let normalizer = format!(
        "{{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true,\"lowercase\":{lowercase},\
         \"strip_accents\":{}}}",
        accents.map_or("null".to_string(), |strips| strips.to_string())
    );
    let name = |token: &str, kind: i64| match token.strip_prefix(BEGINS) {
        _ if kind == CONTROL => token.to_string(),
        Some(begins) => begins.to_string(),
        None => format!("##{token}"),
    };
    let unknown = "tokenizer.ggml.unknown_token_id";
    let (id, unknown) = keys.needed(unknown, vocabulary.named(keys, unknown)?)?;
    let model = format!(
        "{{\"type\":\"WordPiece\",\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,\
         \"unk_token\":{},\"vocab\":{}}}",
        quoted(&name(unknown, vocabulary.types[id])),
        vocabulary.map(keys, name)?
    );
    let after = ["tokenizer.ggml.seperator_token_id", "tokenizer.ggml.eos_token_id"];
    let sides = [
        Side { flag: "tokenizer.ggml.add_bos_token", default: true, ids: &BEFORE },
        Side { flag: "tokenizer.ggml.add_sep_token", default: true, ids: &after },
    ];
    let template = vocabulary.template(keys, sides)?;
    let pre_tokenizer = "{\"type\":\"BertPreTokenizer\"}";
    Ok(document([&vocabulary.added(|_| false), &normalizer, pre_tokenizer, &template, &model]))
}
