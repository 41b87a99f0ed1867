//! A text before the tokenizer sees it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::EmbedOptions;
use crate::error::{Code, Error, Result};

/// Returns whether a character is white space to Python's `str.strip`, which sentence-transformers calls: Unicode's
/// White_Space and the four separators U+001C to U+001F.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Puts the prompt in front, then strips white space: the order of sentence-transformers.
pub(super) fn prepare<'a>(
    text: &'a str,
    options: &EmbedOptions,
    prompts: &BTreeMap<String, String>,
) -> Result<Cow<'a, str>> {
    let text = match options.prompt.as_deref() {
        None => Cow::Borrowed(text),
        Some(name) => match prompts.get(name) {
            Some(prompt) if prompt.is_empty() => Cow::Borrowed(text),
            Some(prompt) => Cow::Owned(format!("{prompt}{text}")),
            None => {
                let known: Vec<&str> = prompts.keys().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_string() } else { known.join(", ") };
                let message = format!("this model has no prompt named {name:?}; it has: {known}");
                return Err(Error::new(Code::InputInvalid, message));
            }
        },
    };
    Ok(match text {
        text if !options.strip => text,
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(is_space)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(is_space).to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_what_python_strips() {
        let none = BTreeMap::new();
        let stripped = |text| prepare(text, &EmbedOptions::default(), &none).expect("no prompt").into_owned();
        assert_eq!(stripped(" \t\u{1c}\u{1f}\u{85}\u{a0}\u{3000}a b\u{2003}\r\n"), "a b");
        assert_eq!(stripped("\u{200b}a\u{feff}"), "\u{200b}a\u{feff}", "zero-width characters are not white space");
        let kept = EmbedOptions { strip: false, ..EmbedOptions::default() };
        assert_eq!(prepare(" a ", &kept, &none).expect("no prompt"), " a ");
    }

    #[test]
    fn a_prompt_comes_first_and_an_unknown_one_is_refused() {
        let prompts = BTreeMap::from([("query".to_string(), "query: ".to_string())]);
        let with = |name: &str| EmbedOptions { prompt: Some(name.to_string()), ..EmbedOptions::default() };
        assert_eq!(prepare(" x ", &with("query"), &prompts).expect("known"), "query:  x");
        assert_eq!(prepare("x", &with("other"), &prompts).expect_err("unknown").code(), Code::InputInvalid);
    }
}
