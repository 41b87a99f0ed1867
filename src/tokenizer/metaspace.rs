//! Words that carry the space before them as a character of their own: what a pre-tokeniser of type `Metaspace` does.

use super::{invalid, unsupported};
use crate::error::Result;
use serde_json::Value;

/// How spaces become a mark at the start of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Metaspace {
    /// What takes the place of a space; U+2581 in nearly every model.
    pub(super) mark: char,
    /// Whether the first word gets a mark, too.
    pub(super) prepend: bool,
}

impl Metaspace {
    /// Reads a `Metaspace`, in either generation of field names.
    ///
    /// # Errors
    /// `TokenizerInvalid` for malformed fields; `TokenizerUnsupported` for a mark that only the first word of a whole text
    /// gets, and for words that are not parted.
    pub(super) fn read(part: &Value) -> Result<Self> {
        let malformed = |name: &str, expected: &str| invalid(format!("pre_tokenizer.{name} is not {expected}"));
        let mark = part["replacement"].as_str().and_then(|text| text.parse().ok());
        let mark = mark.ok_or_else(|| malformed("replacement", "one character"))?;
        let flag = |name: &str| match &part[name] {
            Value::Null => Ok(None),
            value => value.as_bool().map(Some).ok_or_else(|| malformed(name, "true or false")),
        };
        let scheme = match &part["prepend_scheme"] {
            Value::Null if part.get("prepend_scheme").is_none() => "always",
            value => value.as_str().unwrap_or_default(),
        };
        if flag("split")? == Some(false) {
            return Err(unsupported("pre_tokenizer.split is false"));
        }
        let prepend = match (scheme, flag("add_prefix_space")?) {
            ("always", Some(false)) => return Err(malformed("add_prefix_space", "as prepend_scheme says")),
            ("always", _) => true,
            ("never", _) => false,
            ("first", _) => return Err(unsupported("pre_tokenizer.prepend_scheme is \"first\"")),
            _ => return Err(malformed("prepend_scheme", "\"always\", \"never\" or \"first\"")),
        };
        Ok(Self { mark, prepend })
    }

    /// Returns the largest growth of a text: a mark for a space, or one before a single byte.
    #[cfg(feature = "native")]
    pub(super) fn growth(mark: char) -> usize {
        1 + mark.len_utf8()
    }

    /// Returns the length in bytes of the first word, which ends before a space or a mark; 0 only for an empty text.
    pub(super) fn first_word(self, text: &str) -> usize {
        let first = text.chars().next().map_or(0, char::len_utf8);
        text[first..].find([' ', self.mark]).map_or(text.len(), |at| first + at)
    }

    /// Writes a word of [`Metaspace::first_word`] to `out`, as it is looked up.
    pub(super) fn spell(self, word: &str, is_first: bool, out: &mut String) {
        out.clear();
        let rest = word.strip_prefix(' ');
        if rest.is_some() || is_first && self.prepend && !word.starts_with(self.mark) {
            out.push(self.mark);
        }
        out.push_str(rest.unwrap_or(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use serde_json::json;

    fn words(text: &str, prepend: bool) -> Vec<String> {
        let metaspace = Metaspace { mark: '_', prepend };
        let (mut words, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (word, after) = rest.split_at(metaspace.first_word(rest));
            let mut spelled = String::new();
            metaspace.spell(word, words.is_empty(), &mut spelled);
            words.push(spelled);
            rest = after;
        }
        words
    }

    #[test]
    fn each_space_starts_a_word() {
        assert_eq!(words("a b  cé_d", true), ["_a", "_b", "_", "_cé", "_d"]);
        assert_eq!(words("a b", false), ["a", "_b"]);
        assert_eq!(words(" a", true), ["_a"]);
        assert_eq!(words("_", true), ["_"]);
        assert!(words("", true).is_empty());
    }

    #[test]
    fn fields_of_both_generations_are_read() {
        let read = |value: Value| Metaspace::read(&value).map_err(|error| error.code());
        let always = Ok(Metaspace { mark: '▁', prepend: true });
        assert_eq!(read(json!({ "replacement": "▁" })), always);
        assert_eq!(read(json!({ "replacement": "▁", "add_prefix_space": true })), always);
        assert_eq!(read(json!({ "replacement": "▁", "prepend_scheme": "always", "split": true })), always);
        assert_eq!(read(json!({ "replacement": "_", "prepend_scheme": "never" })).map(|read| read.prepend), Ok(false));
        for unsupported in
            [json!({ "replacement": "▁", "prepend_scheme": "first" }), json!({ "replacement": "▁", "split": false })]
        {
            assert_eq!(read(unsupported), Err(Code::TokenizerUnsupported));
        }
        for invalid in [
            json!({}),
            json!({ "replacement": "__" }),
            json!({ "replacement": "_", "prepend_scheme": null }),
            json!({ "replacement": "_", "prepend_scheme": "Always" }),
            json!({ "replacement": "_", "split": 1 }),
            json!({ "replacement": "_", "add_prefix_space": false }),
        ] {
            assert_eq!(read(invalid.clone()), Err(Code::TokenizerInvalid), "{invalid}");
        }
    }
}
