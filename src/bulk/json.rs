//! Answers as JSON lines.

use serde::Serialize;

use super::engine::{Answer, Made};
use crate::error::{Code, Error, Result};

/// A line of output; what does not apply is left out.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding: Option<&'a [f32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Reason<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'a str,
    message: String,
}

/// Returns the id of a text: its own, else its number in the input.
pub(super) fn id(answer: &Answer) -> String {
    answer.id.clone().unwrap_or_else(|| answer.place.number.to_string())
}

/// Returns an answer as a line of JSON: `{"embedding", "tokens"}`, with `"truncated": true` where it is, or `{"error"}`; before them `"id"`
/// and `"text"` if `with_text`.
///
/// # Errors
/// [`Code::Internal`], which does not happen: numbers and strings are JSON.
pub fn json_line(answer: &Answer, with_text: bool) -> Result<Vec<u8>> {
    let made: Option<&Made> = answer.made.as_ref().ok();
    let error = answer.made.as_ref().err();
    let line = Line {
        id: with_text.then(|| id(answer)),
        text: answer.text.as_deref().filter(|_| with_text),
        embedding: made.map(|made| made.vector.as_slice()),
        tokens: made.map(|made| made.tokens),
        truncated: made.is_some_and(|made| made.truncated),
        error: error.map(|error| Reason { code: error.code().as_str(), message: error.to_string() }),
    };
    self::line(&line)
}

/// Returns something as a line of JSON.
pub(super) fn line(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)
        .map_err(|error| Error::new(Code::Internal, "a line cannot be written as JSON").because(error))?;
    line.push(b'\n');
    Ok(line)
}
