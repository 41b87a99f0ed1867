//! What a checkpoint says about its tokenizer beside `tokenizer.json`.
//!
//! transformers' `AutoTokenizer` adds to what `tokenizer.json` says: tokens that `tokenizer_config.json` lists, with
//! its flags, special tokens, and what a tokenizer class of its own does. Whatever changes ids is either honoured here,
//! by tokens that are appended to those of `tokenizer.json`, or refused by name. What transformers 4 and 5 read in
//! different ways is refused too: no ids are right there. The sources are `tokenization_utils_base.py`,
//! `tokenization_utils_fast.py` (4.57) and `tokenization_utils_tokenizers.py` (5.24); `docs/checkpoints.md` lists every
//! field.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::json::{Added, Unused, kind};
use super::{roberta, unsupported};
use crate::config::CONFIG_FILE;
use crate::config::fields::Fields;
use crate::error::{Code, Error, Result};

const CONFIG: &str = "tokenizer_config.json";
const MAP: &str = "special_tokens_map.json";
const ADDED: &str = "added_tokens.json";

/// The special tokens that have a field of their own, in transformers' order.
const NAMED: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// The reason for refusing a setting that transformers 4 and 5 read in different ways.
const DISAGREE: &str = "transformers 4 and 5 give different ids with that";

/// What a checkpoint's files beside `tokenizer.json` say about its tokenizer.
#[derive(Clone, Debug)]
pub struct TokenizerSettings {
    /// `tokenizer_config.json`, without fields where there is none.
    config: Fields<'static>,
    /// The older files, which count where `tokenizer_config.json` does not list the added tokens.
    older: Option<Older>,
    /// The name of the tokenizer's class without `Fast`, and what names it.
    class: Option<(String, &'static str)>,
}

#[derive(Clone, Debug)]
struct Older {
    map: Fields<'static>,
    added: Fields<'static>,
}

/// What `tokenizer.json` itself says, as far as the other files affect it.
pub(super) struct Own<'a> {
    pub added: &'a [Added],
    pub normalizer: &'a Value,
    pub pre_tokenizer: &'a Value,
    pub post_processor: &'a Value,
    pub unused: Unused,
}

impl TokenizerSettings {
    /// Reads the settings. `read` returns the bytes of a file of the checkpoint, or `None` where there is no such file.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for what is not JSON, [`Code::TokenizerUnsupported`] for what is not run; and whatever
    /// `read` returns.
    pub fn from_files(mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<Self> {
        Self::of(&mut read)
    }

    fn of(read: &mut dyn FnMut(&str) -> Result<Option<Vec<u8>>>) -> Result<Self> {
        let mut object = |name: &str| read(name)?.map(|bytes| Fields::parse(name, &bytes)).transpose();
        let config = object(CONFIG)?.unwrap_or_else(|| Fields::empty(CONFIG));
        let older = match config.has("added_tokens_decoder") {
            true => None,
            false => Some(Older {
                map: object(MAP)?.unwrap_or_else(|| Fields::empty(MAP)),
                added: object(ADDED)?.unwrap_or_else(|| Fields::empty(ADDED)),
            }),
        };
        let class_of = |fields: &Fields| -> Result<Option<String>> {
            let name = fields.text("tokenizer_class")?;
            Ok(name.map(|name| name.strip_suffix("Fast").unwrap_or(name).to_string()))
        };
        let class = match class_of(&config)? {
            Some(name) => Some((name, CONFIG)),
            None => object(CONFIG_FILE)?
                .map(|fields| class_of(&fields))
                .transpose()?
                .flatten()
                .map(|name| (name, CONFIG_FILE)),
        };
        let settings = Self { config, older, class };
        settings.refuse_flags()?;
        Ok(settings)
    }

    fn refuse_flags(&self) -> Result<()> {
        for (name, why) in [
            ("split_special_tokens", "felsic finds special tokens in a text, as tokenizers do by default"),
            ("from_slow", "felsic runs tokenizer.json, not the vocabulary's older files"),
            ("fix_mistral_regex", "write the pattern into tokenizer.json"),
        ] {
            if self.config.flag(name)? {
                return Err(unsupported(format!("{} is true; {why}", self.config.path(name))));
            }
        }
        let other = |file: &Value| file.as_str() != Some("tokenizer.json");
        if let Some(files) = self.config.get("fast_tokenizer_files")
            && files.as_array().is_none_or(|files| files.iter().any(other))
        {
            let name = self.config.path("fast_tokenizer_files");
            return Err(unsupported(format!("{name} names a file by version; felsic reads tokenizer.json alone")));
        }
        Ok(())
    }

    /// Returns the tokens that are added to those of `tokenizer.json`, in order.
    ///
    /// # Errors
    /// `TokenizerUnsupported` for what is not run, `TokenizerInvalid` for what is malformed.
    pub(super) fn additions(&self, own: &Own) -> Result<Vec<Added>> {
        self.check_sides(own)?;
        self.check_prefix_space(own.pre_tokenizer)?;
        let mut tokens = Tokens::of(own.added);
        for field in NAMED {
            tokens.named.extend(self.named(field)?.map(|(_, token)| token.content().to_string()));
        }
        self.add_listed(own, &mut tokens)?;
        self.add_named(own, &mut tokens)?;
        self.add_extra(&mut tokens)?;
        self.check_class(own, &tokens)?;
        Ok(tokens.additions)
    }

    /// Checks from which end a long text is cut.
    fn check_sides(&self, own: &Own) -> Result<()> {
        let (side, name) = match self.config.text("truncation_side")? {
            Some(side) => (side.to_string(), self.config.path("truncation_side")),
            None => {
                let side = own.unused.direction().unwrap_or_default();
                (side.to_string(), "tokenizer.json: truncation.direction".to_string())
            }
        };
        match side.eq_ignore_ascii_case("left") {
            true => Err(unsupported(format!("{name} is \"left\"; felsic cuts off the end of a text"))),
            false => Ok(()),
        }
    }

    /// Checks the prefix space: transformers 4 writes the setting of `tokenizer_config.json` into `tokenizer.json`, 5
    /// does not read it.
    fn check_prefix_space(&self, pre_tokenizer: &Value) -> Result<()> {
        let own = pre_tokenizer["add_prefix_space"].as_bool().filter(|_| kind(pre_tokenizer) == "ByteLevel");
        let Some(own) = own else { return Ok(()) };
        if self.config.is_null("add_prefix_space") || self.config.flag("add_prefix_space")? == own {
            return Ok(());
        }
        let (name, given) = (self.config.path("add_prefix_space"), !own);
        Err(unsupported(format!(
            "{name} is {given}, but tokenizer.json: pre_tokenizer.add_prefix_space is {own}; {DISAGREE}"
        )))
    }

    /// Adds the tokens of `added_tokens_decoder`, or the older `added_tokens.json`, in the order of their ids.
    fn add_listed(&self, own: &Own, tokens: &mut Tokens) -> Result<()> {
        let (mut read, mut own_too) = (Vec::new(), false);
        match &self.older {
            None => {
                let fields = self.config.object("added_tokens_decoder")?;
                let fields = fields.ok_or_else(|| malformed(&self.config.path("added_tokens_decoder"), "an object"))?;
                for (id, value) in fields.entries() {
                    let name = fields.path(id);
                    let id: u32 = id.parse().map_err(|_| malformed(&name, "named by an id"))?;
                    read.push((id, self.listed(&name, value, tokens)?));
                }
            }
            Some(older) => {
                for (content, id) in older.added.entries() {
                    let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
                    let id = id.ok_or_else(|| malformed(&older.added.path(content), "an id"))?;
                    let is_special = tokens.is_named(content) || self.is_in_a_list(content);
                    read.push((id, Added { normalized: !is_special, ..Added::plain(content) }));
                }
                own_too = true;
            }
        }
        let own = own.added.iter().filter(|_| own_too).filter_map(|token| Some((token.id?, token)));
        // Of several with one id the last counts.
        let listed: BTreeMap<u32, &Added> = read.iter().map(|(id, token)| (*id, token)).chain(own).collect();
        for token in listed.into_values() {
            tokens.listed.push(token.content.clone());
            tokens.add(token.clone());
        }
        Ok(())
    }

    /// Returns a token of `added_tokens_decoder`. Unless the file says so, a special one is not searched for in the
    /// normalised text, and transformers 4 also treats those of lists as special.
    fn listed(&self, name: &str, value: &Value, tokens: &Tokens) -> Result<Added> {
        let token = full(name, value, false)?;
        if !value["normalized"].is_null() || token.special {
            return Ok(token);
        }
        if tokens.is_named(&token.content) {
            return Ok(Added { normalized: false, ..token });
        }
        match self.is_in_a_list(&token.content) {
            true => Err(unsupported(format!("{name} does not say whether it is normalized; {DISAGREE}"))),
            false => Ok(token),
        }
    }

    /// Returns whether a token is in a list of special tokens.
    #[inline(never)]
    fn is_in_a_list(&self, content: &str) -> bool {
        let lists = ["additional_special_tokens", "extra_special_tokens"];
        let is = |token: &Value| token == content || token["content"] == content;
        let has = |fields: &Fields| {
            lists.iter().any(|name| match fields.get(name) {
                Some(Value::Array(list)) => list.iter().any(is),
                Some(Value::Object(map)) => map.values().any(is),
                _ => false,
            })
        };
        has(&self.config) || self.older.as_ref().is_some_and(|older| has(&older.map))
    }

    /// Returns the special token of a field, and what to call the field; `special_tokens_map.json` counts where it is
    /// read.
    #[inline(never)]
    fn named(&self, field: &str) -> Result<Option<(String, Token)>> {
        if let Some(older) = &self.older
            && older.map.has(field)
        {
            let name = older.map.path(field);
            return older.map.get(field).map(|value| Ok((name.clone(), token(&name, value, true)?))).transpose();
        }
        let name = self.config.path(field);
        self.config.get(field).map(|value| Ok((name.clone(), token(&name, value, true)?))).transpose()
    }

    fn is_given(&self, field: &str) -> bool {
        self.config.has(field) || self.older.as_ref().is_some_and(|older| older.map.has(field))
    }

    /// Adds the special tokens with a field of their own. The one for padding may be named by `tokenizer.json` alone.
    fn add_named(&self, own: &Own, tokens: &mut Tokens) -> Result<()> {
        for field in NAMED {
            match (self.named(field)?, own.unused.pad_token()) {
                // Listed with its flags; they count.
                (Some((_, token)), _) if tokens.listed.iter().any(|content| content == token.content()) => {}
                (Some((name, token)), _) => tokens.add_special(&name, token)?,
                (None, Some(content)) if field == "pad_token" && !self.is_given(field) => {
                    tokens.add_special("tokenizer.json: padding.pad_token", Token::Content(content.to_string()))?;
                }
                (None, _) => {}
            }
        }
        Ok(())
    }

    /// Adds the special tokens that are in none of the fields that every tokenizer has.
    fn add_extra(&self, tokens: &mut Tokens) -> Result<()> {
        let before = tokens.additions.len();
        let extra = self.list_or_object("extra_special_tokens")?;
        let is_list = matches!(&extra, Some((_, Value::Array(list))) if !list.is_empty());
        if let Some((name, value)) = self.list_or_object("additional_special_tokens")?.filter(|_| !is_list) {
            for value in value.as_array().ok_or_else(|| malformed(&name, "a list"))? {
                tokens.add_extra(&name, value)?;
            }
        }
        let between = tokens.additions.len();
        match extra {
            Some((name, Value::Array(list))) => {
                list.iter()
                    .try_for_each(|value| tokens.add_special(&name, token(&name, value, name.starts_with(MAP))?))?;
            }
            Some((name, Value::Object(map))) => {
                map.values().try_for_each(|value| tokens.add_extra(&name, value))?;
            }
            Some((name, _)) => return Err(malformed(&name, "a list or an object")),
            None => {}
        }
        if between > before && tokens.additions.len() > between {
            let name = self.config.path("additional_special_tokens");
            return Err(unsupported(format!("{name} and extra_special_tokens both add tokens; {DISAGREE}")));
        }
        self.check_only_newer(tokens)
    }

    /// Returns a field of `tokenizer_config.json` or of the older map. Where both have it they must say the same, since
    /// transformers 4 joins the two and 5 takes one.
    #[inline(never)]
    fn list_or_object(&self, field: &str) -> Result<Option<(String, Value)>> {
        let of = |fields: &Fields| fields.get(field).map(|value| (fields.path(field), value.clone()));
        let older = self.older.as_ref().and_then(|older| of(&older.map));
        match (of(&self.config), older) {
            (Some((name, own)), Some((_, older))) if own != older => {
                Err(unsupported(format!("{name} is not that of {MAP}; {DISAGREE}")))
            }
            (Some(own), _) => Ok(Some(own)),
            (None, older) => Ok(older),
        }
    }

    /// Refuses tokens that transformers 5 adds and 4 does not: those of fields that end in `_token`.
    fn check_only_newer(&self, tokens: &Tokens) -> Result<()> {
        let maps = [Some(&self.config), self.older.as_ref().map(|older| &older.map)];
        for fields in maps.into_iter().flatten() {
            let others = fields.entries().filter(|(name, value)| {
                name.ends_with("_token") && !NAMED.contains(name) && (value.is_string() || value["content"].is_string())
            });
            let given = fields.object("model_specific_special_tokens")?;
            let others = others.map(|(name, value)| (fields.path(name), value.clone()));
            let given =
                given.iter().flat_map(|given| given.entries().map(|(name, value)| (given.path(name), value.clone())));
            for (name, value) in others.chain(given) {
                let token = token(&name, &value, fields.path("").starts_with(MAP))?;
                if !token.content().is_empty() && !tokens.known.contains_key(token.content()) {
                    let content = token.content();
                    return Err(unsupported(format!(
                        "{name} is {content:?}, which is not among the added tokens; {DISAGREE}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Checks what transformers 4 does for a class of its own; 5 runs every ModernBERT tokenizer in the same way.
    fn check_class(&self, own: &Own, tokens: &Tokens) -> Result<()> {
        let Some((class, file)) = &self.class else { return Ok(()) };
        let name = format!("{file}: tokenizer_class");
        let defaults: &[(&str, &str)] = match class.as_str() {
            "PreTrainedTokenizer" | "TokenizersBackend" => &[],
            "GPT2Tokenizer" => {
                let end = "<|endoftext|>";
                &[("unk_token", end), ("bos_token", end), ("eos_token", end)]
            }
            "BertTokenizer" => &[
                ("unk_token", "[UNK]"),
                ("sep_token", "[SEP]"),
                ("pad_token", "[PAD]"),
                ("cls_token", "[CLS]"),
                ("mask_token", "[MASK]"),
            ],
            roberta::ROBERTA | roberta::XLM_ROBERTA => &roberta::DEFAULTS,
            "GemmaTokenizer" => {
                &[("unk_token", "<unk>"), ("bos_token", "<bos>"), ("eos_token", "<eos>"), ("pad_token", "<pad>")]
            }
            "LlamaTokenizer" => &[("unk_token", "<unk>"), ("bos_token", "<s>"), ("eos_token", "</s>")],
            _ => {
                return Err(unsupported(format!(
                    "{name} is {class:?}, of which felsic does not know what transformers 4 does for it; \
                     set it to \"PreTrainedTokenizerFast\" if the ids are the same with that"
                )));
            }
        };
        for (field, default) in defaults {
            if !self.is_given(field) && !tokens.known.contains_key(*default) {
                return Err(unsupported(format!(
                    "{name} is {class:?}, which brings the token {default:?}; {DISAGREE}"
                )));
            }
        }
        match class.as_str() {
            "BertTokenizer" => self.check_bert(&name, own.normalizer),
            roberta::ROBERTA | roberta::XLM_ROBERTA => self.check_roberta(&name, class, own, tokens),
            "GemmaTokenizer" | "LlamaTokenizer" => {
                if class == "LlamaTokenizer" && self.config.get("add_prefix_space").is_some() {
                    let setting = self.config.path("add_prefix_space");
                    return Err(unsupported(format!("{setting} is set for a LlamaTokenizer; {DISAGREE}")));
                }
                self.check_template(&name, class, defaults, own.post_processor)
            }
            _ => Ok(()),
        }
    }

    /// Checks the settings that the class writes into a `BertNormalizer`.
    fn check_bert(&self, name: &str, normalizer: &Value) -> Result<()> {
        if kind(normalizer) != "BertNormalizer" {
            return Ok(());
        }
        let or_true = |field: &str| Ok::<bool, Error>(!self.config.has(field) || self.config.flag(field)?);
        let accents = self.config.get("strip_accents").cloned().unwrap_or(Value::Null);
        let same = normalizer["lowercase"] == or_true("do_lower_case")?
            && normalizer["strip_accents"] == accents
            && normalizer["handle_chinese_chars"] == or_true("tokenize_chinese_chars")?;
        match same {
            true => Ok(()),
            false => Err(unsupported(format!(
                "{name} is \"BertTokenizer\", whose do_lower_case, strip_accents and tokenize_chinese_chars are not those \
                 of tokenizer.json; {DISAGREE}"
            ))),
        }
    }

    /// Checks the sections that the class makes itself, and that the token for masks has the flags of its listing, since
    /// the class gives it others.
    fn check_roberta(&self, name: &str, class: &str, own: &Own, tokens: &Tokens) -> Result<()> {
        let content = |field: &str| -> Result<String> {
            let default = roberta::DEFAULTS.iter().find(|(name, _)| *name == field).map_or("", |(_, content)| content);
            Ok(self.named(field)?.map_or(default.to_string(), |(_, token)| token.content().to_string()))
        };
        let prepend = !self.config.has("add_prefix_space") || self.config.flag("add_prefix_space")?;
        let is_of_class = match class {
            roberta::ROBERTA => roberta::is_roberta(own.normalizer, own.pre_tokenizer),
            _ => roberta::is_xlm_roberta(own.normalizer, own.pre_tokenizer, prepend)?,
        };
        if !is_of_class || !roberta::is_framed(own.post_processor, &content("cls_token")?, &content("sep_token")?) {
            return Err(unsupported(format!(
                "{name} is {class:?}, whose normalizer, pre_tokenizer or post_processor is not that of tokenizer.json; \
                 {DISAGREE}"
            )));
        }
        let mask = content("mask_token")?;
        match tokens.listed.contains(&mask) {
            true => Ok(()),
            false => Err(unsupported(format!(
                "{name} is {class:?}, which gives {mask:?} flags that no list of added tokens gives it; {DISAGREE}"
            ))),
        }
    }

    /// Checks the template of its own that the class makes.
    fn check_template(&self, name: &str, class: &str, defaults: &[(&str, &str)], own: &Value) -> Result<()> {
        let content = |field: &str| -> Result<String> {
            let default = defaults.iter().find(|(name, _)| *name == field).map_or("", |(_, content)| content);
            Ok(self.named(field)?.map_or(default.to_string(), |(_, token)| token.content().to_string()))
        };
        let mut expected = Vec::new();
        if !self.config.has("add_bos_token") || self.config.flag("add_bos_token")? {
            expected.push(content("bos_token")?);
        }
        expected.push(String::new());
        if self.config.flag("add_eos_token")? {
            expected.push(content("eos_token")?);
        }
        let found = match (kind(own), own["single"].as_array()) {
            ("TemplateProcessing", Some(pieces)) => {
                let piece = |piece: &Value| piece["SpecialToken"]["id"].as_str().unwrap_or_default().to_string();
                pieces.iter().map(piece).collect()
            }
            _ => vec![String::new()],
        };
        match found == expected {
            true => Ok(()),
            false => Err(unsupported(format!(
                "{name} is {class:?}, whose template by add_bos_token and add_eos_token is not that of tokenizer.json; \
                 {DISAGREE}"
            ))),
        }
    }
}

/// The added tokens while they are collected.
struct Tokens {
    /// How each is found, by its content; see [`flags`].
    known: HashMap<String, u32>,
    /// Contents of those that are listed with their flags: a field that names one of them takes these flags.
    listed: Vec<String>,
    /// Contents of the special tokens with a field of their own.
    named: Vec<String>,
    additions: Vec<Added>,
}

impl Tokens {
    fn of(own: &[Added]) -> Self {
        let known = own.iter().map(|token| (token.content.clone(), flags(token))).collect();
        Self { known, listed: Vec::new(), named: Vec::new(), additions: Vec::new() }
    }

    fn is_named(&self, content: &str) -> bool {
        self.named.iter().any(|named| named == content)
    }

    /// Adds a token, unless it is already there with the same flags.
    #[inline(never)]
    fn add(&mut self, token: Added) {
        let is_known = self.known.get(&token.content) == Some(&flags(&token));
        if !is_known && !token.content.is_empty() {
            self.known.insert(token.content.clone(), flags(&token));
            self.additions.push(token);
        }
    }

    /// Adds a special token of a list; one that also has a field is that field's.
    #[inline(never)]
    fn add_extra(&mut self, name: &str, value: &Value) -> Result<()> {
        let token = token(name, value, name.starts_with(MAP))?;
        if self.is_named(token.content()) {
            return Ok(());
        }
        if let Token::Full(full) = &token
            && !full.special
            && value["normalized"].is_null()
        {
            let content = &full.content;
            return Err(unsupported(format!("{name} does not say whether {content:?} is normalized; {DISAGREE}")));
        }
        self.add_special(name, token)
    }

    /// Adds a special token, unless there is one with its content. If its flags differ from those of the one that is
    /// there, they count in transformers 4 and not in 5.
    #[inline(never)]
    fn add_special(&mut self, name: &str, token: Token) -> Result<()> {
        match (self.known.get(token.content()), token) {
            (None, Token::Content(content)) => {
                self.add(Added { normalized: false, special: true, ..Added::plain(&content) });
            }
            (None, Token::Full(token)) => self.add(token),
            (Some(known), Token::Full(token)) if *known != flags(&token) => {
                let content = token.content;
                return Err(unsupported(format!(
                    "{name} gives {content:?} flags that are not those of tokenizer.json; {DISAGREE}"
                )));
            }
            (Some(_), _) => {}
        }
        Ok(())
    }
}

/// What decides where a token is found, its content apart.
fn flags(token: &Added) -> u32 {
    [token.single_word, token.lstrip, token.rstrip, token.normalized]
        .into_iter()
        .fold(0, |bits, flag| bits << 1 | u32::from(flag))
}

/// A token as a field has it.
enum Token {
    /// Its content alone.
    Content(String),
    /// With its flags.
    Full(Added),
}

impl Token {
    fn content(&self) -> &str {
        match self {
            Token::Content(content) => content,
            Token::Full(token) => &token.content,
        }
    }
}

#[inline(never)]
fn token(name: &str, value: &Value, is_special: bool) -> Result<Token> {
    match value.as_str() {
        Some(content) => Ok(Token::Content(content.to_string())),
        None => Ok(Token::Full(full(name, value, is_special)?)),
    }
}

/// Returns a token with its flags; absent flags are as `AddedToken` has them.
#[inline(never)]
fn full(name: &str, value: &Value, is_special: bool) -> Result<Added> {
    let content = value["content"].as_str().ok_or_else(|| malformed(name, "a token with its content"))?;
    let flag = |flag: &str, default: bool| match &value[flag] {
        Value::Null => Ok(default),
        Value::Bool(set) => Ok(*set),
        _ => Err(malformed(&format!("{name}.{flag}"), "true or false")),
    };
    let special = flag("special", is_special)? || is_special;
    Ok(Added {
        id: None,
        content: content.to_string(),
        single_word: flag("single_word", false)?,
        lstrip: flag("lstrip", false)?,
        rstrip: flag("rstrip", false)?,
        normalized: flag("normalized", !special)?,
        special,
    })
}

#[inline(never)]
fn malformed(name: &str, expected: &str) -> Error {
    Error::new(Code::TokenizerInvalid, format!("{name} is not {expected}"))
}
