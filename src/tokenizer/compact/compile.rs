//! `tokenizer.json` -> the compact form.

use super::Compact;
use super::format::{MOST_IDS, PieceRules, Recipe, is_near_f32};
use super::words::Words;
use crate::error::Result;
use crate::tokenizer::added::{self, AddedToken};
use crate::tokenizer::bert::Bert;
use crate::tokenizer::bpe::Work;
use crate::tokenizer::character_map::CharacterMap;
use crate::tokenizer::json::{Added, Document, alphabet, kind, sequence};
use crate::tokenizer::metaspace::Metaspace;
use crate::tokenizer::models::{Bpe, Model, Unigram, WordPiece};
use crate::tokenizer::normalise::{self, MOST_GROWTH, SPACES_PATTERN, Step, normalise};
use crate::tokenizer::split::{GPT2_PATTERN, O200K_PATTERN, Splitter};
use crate::tokenizer::{TokenizerSettings, invalid, unsupported};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Turns a `tokenizer.json` into the bytes that
/// [`Tokenizer::from_compact`](crate::tokenizer::Tokenizer::from_compact) reads.
///
/// # Errors
/// [`Code::TokenizerInvalid`](crate::error::Code::TokenizerInvalid) for a file that cannot be read,
/// [`Code::TokenizerUnsupported`](crate::error::Code::TokenizerUnsupported), with the field's name, for
/// anything that would not run exactly as the `tokenizers` crate runs it.
pub fn compile(tokenizer_json: &[u8]) -> Result<Vec<u8>> {
    compile_with(tokenizer_json, None)
}

/// Does what [`compile`] does for a checkpoint whose other files say what is in `settings`.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(tokenizer_json: &[u8], settings: Option<&TokenizerSettings>) -> Result<Vec<u8>> {
    compile_document(Document::read(tokenizer_json, settings)?)
}

/// Does what [`compile_with`] does for a tokenizer that is there in parts, wherever they come from.
///
/// # Errors
/// As [`compile`].
pub(in crate::tokenizer) fn compile_document(Document { parts, model }: Document) -> Result<Vec<u8>> {
    let normaliser = normaliser(&parts.normalizer)?;
    let PreTokenizer { splitter, byte_level, prefix_space, metaspace } =
        pre_tokenizer(&parts.pre_tokenizer, &normaliser)?;
    let (before, after) = parts.template()?;
    let added = added_tokens(&parts.added_tokens, model.vocab(), &normaliser)?;
    let tokens = tokens(model.vocab(), byte_level)?;
    let all_ids = model.vocab().values().chain(added.iter().map(|token| &token.id)).chain(&before).chain(&after);
    let mut recipe = Recipe {
        splitter,
        prefix_space,
        metaspace,
        byte_level,
        byte_fallback: false,
        unknown: model.unknown(),
        fuse_unknown: false,
        vocab_size: all_ids.max().map_or(0, |id| id.saturating_add(1)),
        before,
        after,
        normaliser,
        ends: ends(&tokens)?,
        ids: tokens.iter().map(|(id, _)| *id).collect(),
        bytes: tokens.iter().flat_map(|(_, token)| token).copied().collect(),
        direct: None,
        merges: Vec::new(),
        pieces: None,
        scores: None,
        added,
    };
    if recipe.unknown.is_some_and(|id| recipe.ids.binary_search(&id).is_err()) {
        return Err(unsupported("model.unk_token is not spelled in the bytes of pre_tokenizer ByteLevel"));
    }
    if recipe.vocab_size > MOST_IDS {
        return Err(unsupported(format!("ids go up to {}, beyond {MOST_IDS}", recipe.vocab_size)));
    }
    match &model {
        Model::Bpe(model) => add_merges(model, &tokens, &mut recipe)?,
        Model::WordPiece(model) => add_pieces(model, &mut recipe)?,
        Model::Unigram(model) => add_scores(model, &mut recipe)?,
    }
    let bytes = recipe.write();
    // What is written must be readable: the reader's checks are the rest of the compiler's.
    Compact::from_bytes(&bytes)?;
    Ok(bytes)
}

/// Adds what byte-pair encoding knows besides its vocabulary.
fn add_merges(model: &Bpe, tokens: &[(u32, Vec<u8>)], recipe: &mut Recipe) -> Result<()> {
    recipe.byte_fallback = model.byte_fallback.unwrap_or(false);
    recipe.fuse_unknown = model.fuse_unk.unwrap_or(false);
    if recipe.byte_level && recipe.byte_fallback {
        return Err(unsupported("model.byte_fallback together with a ByteLevel pre_tokenizer"));
    }
    if model.end_of_word_suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
        return Err(unsupported("model.end_of_word_suffix is not empty"));
    }
    recipe.merges = merges(model, tokens, recipe.byte_level)?;
    if !model.ignore_merges.unwrap_or(false) {
        recipe.direct = Some(direct(recipe.clone())?);
    }
    Ok(())
}

/// Adds what WordPiece knows besides its vocabulary.
fn add_pieces(model: &WordPiece, recipe: &mut Recipe) -> Result<()> {
    if recipe.byte_level {
        return Err(unsupported("model.type is WordPiece together with a ByteLevel pre_tokenizer"));
    }
    // Checked to be small.
    let most_chars = model.max_input_chars_per_word as u32;
    recipe.pieces = Some(PieceRules { prefix: model.continuing_subword_prefix.clone(), most_chars });
    Ok(())
}

/// Adds what Unigram knows besides its vocabulary.
fn add_scores(model: &Unigram, recipe: &mut Recipe) -> Result<()> {
    if recipe.byte_level {
        return Err(unsupported("model.type is Unigram together with a ByteLevel pre_tokenizer"));
    }
    recipe.byte_fallback = model.byte_fallback;
    if let Some(score) = model.scores.iter().find(|score| !is_near_f32(**score)) {
        return Err(unsupported(format!("model.vocab has a score of {score:e}, which is beyond the numbers of f32")));
    }
    // Ids are numbers of pieces, so that all are there, in their order.
    recipe.scores = Some(model.scores.clone());
    Ok(())
}

fn normaliser(component: &Value) -> Result<Vec<Step>> {
    let steps = sequence(component, "normalizers")?.into_iter().map(|part| match kind(part) {
        "NFC" => Ok(Step::Nfc),
        "BertNormalizer" => Ok(Step::Bert(Bert::read(part)?)),
        "Replace" => match (part["pattern"]["String"].as_str(), part["content"].as_str()) {
            (Some(from), Some(to)) if !from.is_empty() => Ok(Step::Replace { from: from.into(), to: to.into() }),
            (None, Some(to)) if part["pattern"]["Regex"] == SPACES_PATTERN => Ok(Step::Spaces { to: to.into() }),
            _ => Err(unsupported("normalizer is a Replace of something else than a string")),
        },
        "Precompiled" => Ok(Step::Map(CharacterMap::of(part)?)),
        "Strip" => match (part["strip_left"].as_bool(), part["strip_right"].as_bool()) {
            (Some(left), Some(right)) => Ok(Step::Strip { left, right }),
            _ => Err(invalid("normalizer.strip_left or strip_right is not true or false")),
        },
        other => Err(unsupported(format!("normalizer is {other}"))),
    });
    let steps = steps.collect::<Result<Vec<_>>>()?;
    normalise::check(&steps)?;
    Ok(steps)
}

/// How a text becomes words.
struct PreTokenizer {
    splitter: Splitter,
    /// Whether tokens are bytes.
    byte_level: bool,
    prefix_space: bool,
    metaspace: Option<Metaspace>,
}

fn pre_tokenizer(component: &Value, normaliser: &[Step]) -> Result<PreTokenizer> {
    let mut made = PreTokenizer { splitter: Splitter::Whole, byte_level: false, prefix_space: false, metaspace: None };
    for part in sequence(component, "pretokenizers")? {
        let found = match kind(part) {
            // Nothing can follow: the characters of the text have become others.
            _ if made.byte_level => return Err(unsupported("pre_tokenizer goes on after ByteLevel")),
            _ if made.metaspace.is_some() => return Err(unsupported("pre_tokenizer goes on after Metaspace")),
            "ByteLevel" => {
                made.byte_level = true;
                let prefix = part["add_prefix_space"].as_bool();
                made.prefix_space =
                    prefix.ok_or_else(|| invalid("pre_tokenizer.add_prefix_space is not true or false"))?;
                // Every word would get a space.
                if made.prefix_space && made.splitter != Splitter::Whole {
                    return Err(unsupported("pre_tokenizer.add_prefix_space after a split"));
                }
                if part["use_regex"] == false { Splitter::Whole } else { Splitter::Gpt2 }
            }
            "Metaspace" => {
                made.metaspace = Some(Metaspace::read(part)?);
                Splitter::Whole
            }
            "Split" => split(part, normaliser)?,
            "BertPreTokenizer" => Splitter::Bert,
            "WhitespaceSplit" => Splitter::WhiteSpace,
            other => return Err(unsupported(format!("pre_tokenizer is {other}"))),
        };
        if found != Splitter::Whole && made.splitter != Splitter::Whole {
            return Err(unsupported("pre_tokenizer splits twice"));
        }
        if found != Splitter::Whole {
            made.splitter = found;
        }
    }
    Ok(made)
}

fn split(component: &Value, normaliser: &[Step]) -> Result<Splitter> {
    let pattern = &component["pattern"];
    // Gemma's: a split at spaces, where the normaliser leaves none.
    if pattern["String"] == " " && component["invert"] == false && leaves_no_space(normaliser) {
        return Ok(Splitter::Whole);
    }
    if component["behavior"] != "Isolated" || component["invert"] != false {
        return Err(unsupported("pre_tokenizer.behavior is not Isolated, or inverted"));
    }
    match pattern["Regex"].as_str() {
        Some(GPT2_PATTERN) => Ok(Splitter::Gpt2),
        Some(O200K_PATTERN) => Ok(Splitter::O200k),
        _ => Err(unsupported(format!("pre_tokenizer.pattern is {pattern}"))),
    }
}

fn leaves_no_space(normaliser: &[Step]) -> bool {
    normaliser.iter().fold(false, |none, step| match step {
        Step::Nfc | Step::Strip { .. } => none,
        Step::Bert(_) | Step::Map(_) => false,
        Step::Spaces { to } => none && !to.contains(' '),
        Step::Replace { from, to } => (none || from == " ") && !to.contains(' '),
    })
}

/// Returns the added tokens with their ids and as they are searched for.
fn added_tokens(tokens: &[Added], vocab: &HashMap<String, u32>, normaliser: &[Step]) -> Result<Vec<AddedToken>> {
    // A later entry replaces an earlier one of the same content or id.
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut by_id: BTreeMap<u32, &Added> = BTreeMap::new();
    let mut next = vocab.len() as u32;
    for token in tokens.iter().filter(|token| !token.content.is_empty()) {
        let known = ids.get(token.content.as_str()).or_else(|| vocab.get(&token.content)).copied();
        let id = known.unwrap_or(next);
        next += u32::from(known.is_none());
        ids.insert(&token.content, id);
        by_id.insert(id, token);
    }
    let searched = |token: &Added| -> Result<String> {
        added::check_length(&token.content)?;
        added::check_white_space(&token.content, token.lstrip, token.rstrip)?;
        match token.normalized {
            true => Ok(normalise(normaliser, &token.content, added::LONGEST * MOST_GROWTH)?.into_owned()),
            false => Ok(token.content.clone()),
        }
    };
    let added = by_id.into_iter().map(|(id, token)| {
        Ok(AddedToken {
            id,
            content: searched(token)?,
            normalized: token.normalized,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            single_word: token.single_word,
        })
    });
    added.collect()
}

/// Returns ids and strings in ascending order of ids. It leaves out tokens of a byte-level vocabulary that are not
/// spelled in its alphabet: no text and no merge leads to them.
fn tokens(vocab: &HashMap<String, u32>, byte_level: bool) -> Result<Vec<(u32, Vec<u8>)>> {
    let mut by_id: Vec<(u32, &str)> = vocab.iter().map(|(token, id)| (*id, token.as_str())).collect();
    by_id.sort_unstable();
    if let Some(pair) = by_id.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(invalid(format!("model.vocab gives {:?} and {:?} the same id", pair[0].1, pair[1].1)));
    }
    let spell = spelling(byte_level);
    Ok(by_id.into_iter().filter_map(|(id, token)| Some((id, spell(token)?))).collect())
}

/// Returns the function from a token of the vocabulary to the bytes that it stands for.
fn spelling(byte_level: bool) -> impl Fn(&str) -> Option<Vec<u8>> {
    let alphabet = alphabet();
    move |token| match byte_level {
        true => token.chars().map(|c| alphabet.get(&c).copied()).collect(),
        false => Some(token.as_bytes().to_vec()),
    }
}

fn ends(tokens: &[(u32, Vec<u8>)]) -> Result<Vec<u32>> {
    let mut end = 0;
    let ends = tokens.iter().map(|(_, token)| {
        end += token.len();
        u32::try_from(end).map_err(|_| unsupported("model.vocab is larger than 4 GiB"))
    });
    ends.collect()
}

/// Returns the merges as indices of the tokens made, with the lengths of their left parts.
fn merges(model: &Bpe, tokens: &[(u32, Vec<u8>)], byte_level: bool) -> Result<Vec<(u32, u32)>> {
    let spell = spelling(byte_level);
    let index: HashMap<&[u8], u32> = (0..).zip(tokens).map(|(index, (_, token))| (token.as_slice(), index)).collect();
    let mut merges = Vec::new();
    model.merges(|left, right| {
        if let (Some(mut left), Some(right)) = (spell(left), spell(right))
            && !left.is_empty()
            && !right.is_empty()
        {
            let length = left.len() as u32;
            left.extend(right);
            merges.extend(index.get(left.as_slice()).map(|made| (*made, length)));
        }
        Ok(())
    })?;
    // The last of several mentions of a merge counts.
    let last: HashMap<(u32, u32), usize> = merges.iter().copied().zip(0..).collect();
    let mut at = 0;
    merges.retain(|merge| {
        at += 1;
        last.get(merge) == Some(&(at - 1))
    });
    Ok(merges)
}

/// Returns which tokens the merges make from their own text: those need no merging at run time.
fn direct(recipe: Recipe) -> Result<Vec<u8>> {
    let words = Words::new(recipe)?;
    let vocabulary = words.vocabulary();
    let mut bits = vec![0; vocabulary.len().div_ceil(8)];
    let mut work = Work::default();
    for index in 0..vocabulary.len() {
        // A token that is not UTF-8 is never a word.
        if let Ok(token) = std::str::from_utf8(vocabulary.token(index)) {
            words.merge(token, &mut work);
            let makes_itself = work.symbols.len() == 1 && work.symbols[0].token as usize == index;
            bits[index / 8] |= u8::from(makes_itself) << (index % 8);
        }
    }
    Ok(bits)
}
