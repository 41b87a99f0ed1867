//! Reading single fields of a JSON object, so that each error names its file and field.

use std::borrow::Cow;

use serde::de::Error;
use serde_json::{Map, Value};

use super::{invalid, unsupported};
use crate::error::{Result, lfs_pointer};
use crate::tree;

/// Parses JSON as checkpoints have it: with a byte order mark, and with numbers that are not finite, which Python
/// writes and reads. Those become strings, so that only a field that is read refuses them.
/// A file whose tree would take too much memory is refused.
pub(crate) fn json(bytes: &[u8]) -> serde_json::Result<Value> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if tree::is_too_large(bytes) {
        return Err(serde_json::Error::custom("more objects and lists than any file of a checkpoint has"));
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(error) => serde_json::from_slice(&quoted(bytes)).map_err(|_| error),
    }
}

/// Returns the bytes with `NaN`, `Infinity` and `-Infinity` in quotes where they stand outside of strings.
fn quoted(bytes: &[u8]) -> Vec<u8> {
    const NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut in_string) = (0, false);
    while at < bytes.len() {
        let found = NUMBERS.iter().find(|number| !in_string && bytes[at..].starts_with(number));
        let length = match (found, bytes[at]) {
            (Some(number), _) => number.len(),
            (None, b'\\') if in_string => 2,
            (None, b'"') => {
                in_string = !in_string;
                1
            }
            _ => 1,
        };
        let end = bytes.len().min(at + length);
        let quote: &[u8] = if found.is_some() { b"\"" } else { b"" };
        out.extend([quote, &bytes[at..end], quote].concat());
        at = end;
    }
    out
}

/// A JSON object of a checkpoint, with the name that errors give it, like `config.json`.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    origin: String,
    map: Cow<'a, Map<String, Value>>,
}

// Nothing here is inlined: many places read fields, and the packer's binary would have each function as many times.
impl Fields<'_> {
    /// Parses `bytes`, which must hold one JSON object.
    #[inline(never)]
    pub fn parse(origin: &str, bytes: &[u8]) -> Result<Self> {
        if let Some(pointer) = lfs_pointer(bytes) {
            return Err(invalid(format!("{origin} {pointer}")));
        }
        match json(bytes) {
            Ok(Value::Object(map)) => Ok(Self { origin: origin.to_string(), map: Cow::Owned(map) }),
            Ok(_) => Err(invalid(format!("{origin} is not a JSON object"))),
            Err(error) => Err(invalid(format!("{origin} is not JSON")).because(error)),
        }
    }

    /// Returns an object without fields, for a file that does not exist.
    pub fn empty(origin: &str) -> Self {
        Self { origin: origin.to_string(), map: Cow::Owned(Map::new()) }
    }

    /// Returns whether the field exists, even if it is `null`.
    #[inline(never)]
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Returns the value of a field; `null` counts as absent.
    #[inline(never)]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Returns whether the field exists and is `null`.
    pub fn is_null(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(Value::is_null)
    }

    /// Returns a field that holds an object. Its own fields are then named like `rope_parameters.rope_type`.
    #[inline(never)]
    pub fn object(&self, name: &str) -> Result<Option<Fields<'_>>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => {
                Ok(Some(Fields { origin: format!("{}.", self.path(name)), map: Cow::Borrowed(map) }))
            }
            Some(other) => Err(self.wrong(name, other, "an object")),
        }
    }

    /// Returns a whole number.
    #[inline(never)]
    pub fn count(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
        count.map(Some).ok_or_else(|| self.wrong(name, value, "a whole number"))
    }

    /// Returns a whole number that must be present.
    pub fn needed_count(&self, name: &str) -> Result<usize> {
        self.count(name)?.ok_or_else(|| invalid(format!("{} is missing", self.path(name))))
    }

    /// Returns any number.
    #[inline(never)]
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| self.wrong(name, value, "a number"))
    }

    /// Returns a string.
    #[inline(never)]
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(name, value, "a string"))
    }

    /// Returns `true` or `false`; absent is `false`.
    #[inline(never)]
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, value, "true or false")),
        }
    }

    /// Refuses the file if a flag is set, because felsic would ignore it: `why` follows the name.
    #[inline(never)]
    pub fn refuse_flag(&self, name: &str, why: &str) -> Result<()> {
        match self.flag(name)? {
            false => Ok(()),
            true => Err(unsupported(format!("{} is true; {why}", self.path(name)))),
        }
    }

    /// Refuses the file if a field says anything: anything but `null`, an empty list or an empty object.
    #[inline(never)]
    pub fn refuse_given(&self, name: &str, why: &str) -> Result<()> {
        let is_given = self.get(name).is_some_and(|value| match value {
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => true,
        });
        match is_given {
            false => Ok(()),
            true => Err(unsupported(format!("{} is set; {why}", self.path(name)))),
        }
    }

    /// Returns all fields.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.map.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns file and field, as an error names them.
    #[inline(never)]
    pub fn path(&self, name: &str) -> String {
        match self.origin.ends_with('.') {
            true => format!("{}{name}", self.origin),
            false => format!("{}: {name}", self.origin),
        }
    }

    /// Returns the error for a field that holds something other than `expected`.
    #[inline(never)]
    pub fn wrong(&self, name: &str, value: &Value, expected: &str) -> crate::error::Error {
        let mut found = value.to_string();
        if found.len() > 60 {
            found = match value {
                Value::Array(_) => "an array".into(),
                Value::Object(_) => "an object".into(),
                _ => "a long string".into(),
            };
        }
        invalid(format!("{} is {found}; expected {expected}", self.path(name)))
    }
}
