//! The metadata of XLM-RoBERTa's tokenizer, which the converter calls `t5` -> `tokenizer.json`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::config::shown;
use super::tokenizer::{BEFORE, MASK, Side, UNKNOWN, UNUSED, Vocabulary, document};
use super::{Keys, quoted};
use crate::error::Result;

/// The keys that only this kind has, behind `tokenizer.`. The last is no part of what the checkpoint's tokenizer does: words are
/// parted at white space, however much of it there is, and where the converter had no SentencePiece model, it wrote another setting there.
pub(super) const KNOWN: [&str; 3] = ["ggml.scores", "ggml.precompiled_charsmap", "ggml.remove_extra_whitespaces"];

const SCORES: &str = "tokenizer.ggml.scores";
const MAP: &str = "tokenizer.ggml.precompiled_charsmap";
const PREFIX: &str = "tokenizer.ggml.add_space_prefix";
const UNKNOWN_ID: &str = "tokenizer.ggml.unknown_token_id";

/// Unigram behind SentencePiece's map of characters, as XLM-RoBERTa has it.
pub(super) fn pieces(keys: &Keys, vocabulary: &Vocabulary) -> Result<String> {
    let mask = vocabulary.named(keys, MASK)?.map(|(id, _)| id);
    let added = vocabulary.added(|id| Some(id) == mask);
    let scheme = if keys.flag(PREFIX)?.unwrap_or(true) { "always" } else { "never" };
    let pre_tokenizer = format!(
        "{{\"type\":\"Sequence\",\"pretokenizers\":[{{\"type\":\"WhitespaceSplit\"}},{{\"type\":\"Metaspace\",\
         \"replacement\":\"\u{2581}\",\"prepend_scheme\":\"{scheme}\",\"split\":true}}]}}"
    );
    let after = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.seperator_token_id"];
    let sides = [
        Side { flag: "tokenizer.ggml.add_bos_token", default: true, ids: &BEFORE },
        Side { flag: "tokenizer.ggml.add_eos_token", default: true, ids: &after },
    ];
    let template = vocabulary.template(keys, sides)?;
    Ok(document([&added, &map_of_characters(keys)?, &pre_tokenizer, &template, &model(keys, vocabulary)?]))
}

/// Returns the normaliser, as JSON.
fn map_of_characters(keys: &Keys) -> Result<String> {
    if keys.0.get(MAP).is_none() {
        return Ok("null".to_string());
    }
    // Writers have signed and unsigned bytes.
    let byte = |number: i64| (-0x80..0x100).contains(&number).then_some(number as u8);
    let bytes = keys.0.numbers(MAP).and_then(|bytes| bytes.into_iter().map(byte).collect::<Option<Vec<u8>>>());
    let bytes = bytes.ok_or_else(|| keys.wrong(MAP, "a list of bytes"))?;
    Ok(format!("{{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"{}\"}}", STANDARD.encode(bytes)))
}

/// Returns the model, as JSON.
fn model(keys: &Keys, vocabulary: &Vocabulary) -> Result<String> {
    keys.needed(SCORES, keys.0.get(SCORES))?;
    let scores = keys.0.fractions(SCORES).filter(|scores| scores.len() == vocabulary.tokens.len());
    let scores = scores.ok_or_else(|| keys.wrong(SCORES, "a list with a number for each token"))?;
    let named = vocabulary.named(keys, UNKNOWN_ID)?.map(|(id, _)| id);
    let unknown = named.or_else(|| vocabulary.types.iter().position(|kind| *kind == UNKNOWN));
    let unknown = keys.needed(UNKNOWN_ID, unknown)?;
    // A piece's number is its id, so that unused ones stay; those behind all others have no part in ids.
    let count = vocabulary.types.iter().rposition(|kind| *kind != UNUSED).map_or(0, |last| last + 1);
    if unknown >= count {
        return Err(keys.wrong(UNKNOWN_ID, "the id of a token that is used"));
    }
    let used = || scores.iter().zip(&vocabulary.types).filter(|(_, kind)| **kind != UNUSED).map(|(score, _)| *score);
    if used().any(|score| !score.is_finite()) {
        return Err(keys.wrong(SCORES, "a list of finite numbers"));
    }
    // What an unknown character costs follows from the lowest score, which an unused piece must not be.
    let highest = used().fold(f64::NEG_INFINITY, f64::max);
    let mut pieces = String::new();
    for (id, (token, kind)) in vocabulary.tokens.iter().zip(&vocabulary.types).enumerate().take(count) {
        // No word has a space, and so none has such a piece.
        let unused = format!(" {id}");
        let (piece, score) = if *kind == UNUSED { (unused.as_str(), highest) } else { (*token, scores[id]) };
        let comma = if id == 0 { "" } else { "," };
        pieces += &[comma, "[", &quoted(piece), ",", &shown(score), "]"].concat();
    }
    Ok(format!("{{\"type\":\"Unigram\",\"unk_id\":{unknown},\"byte_fallback\":false,\"vocab\":[{pieces}]}}"))
}
