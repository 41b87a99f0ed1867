//! What is wanted of a line of JSON. The rest is read over and not kept: a tree of it would take up to 70 times its bytes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A line.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// A string.
    Text(String),
    /// An object: its fields, where it has them. Of several of one name the last counts.
    Object { text: Option<Field>, id: Option<Field> },
    /// Anything else.
    Other,
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Null,
    Text(String),
    /// An integer of 64 bits, in decimal.
    Integer(String),
    Other,
}

/// Reads a line whose text is in `field`.
///
/// # Errors
/// If it is not JSON.
pub(super) fn found(line: &str, field: &str) -> serde_json::Result<Found> {
    let mut json = serde_json::Deserializer::from_str(line);
    let found = Line { field }.deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

struct Line<'a> {
    field: &'a str,
}

impl<'de> DeserializeSeed<'de> for Line<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found, D::Error> {
        json.deserialize_any(self)
    }
}

/// Takes the values that have no part of their own.
macro_rules! others {
    ($value:expr, $($visit:ident: $type:ty),*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<Self::Value, E> {
            Ok($value)
        })*
    };
}

/// Reads over the items of a list.
fn skip<'de, A: SeqAccess<'de>>(mut items: A) -> Result<(), A::Error> {
    while items.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de> Visitor<'de> for Line<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    others!(Found::Other, visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

    fn visit_unit<E: Error>(self) -> Result<Found, E> {
        Ok(Found::Other)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Found, E> {
        Ok(Found::Text(text.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Found, A::Error> {
        skip(items)?;
        Ok(Found::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Found, A::Error> {
        let (mut text, mut id) = (None, None);
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                name if name == self.field => {
                    let value = fields.next_value_seed(FieldSeed)?;
                    // A field may have both duties.
                    if name == "id" {
                        id = Some(value.clone());
                    }
                    text = Some(value);
                }
                "id" => id = Some(fields.next_value_seed(FieldSeed)?),
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Found::Object { text, id })
    }
}

struct FieldSeed;

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Field, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    others!(Field::Other, visit_bool: bool, visit_f64: f64);

    fn visit_i64<E: Error>(self, number: i64) -> Result<Field, E> {
        Ok(Field::Integer(number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Field, E> {
        Ok(Field::Integer(number.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Field, E> {
        Ok(Field::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(text.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Field, A::Error> {
        skip(items)?;
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Field, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<Field> {
        Some(Field::Text(text.into()))
    }

    #[test]
    fn texts_and_ids_are_found_and_the_rest_is_read_over() {
        let line = r#"{"a":[1,{"text":"no"}],"text":"x","b":{"id":3},"id":7,"c":null}"#;
        let id = Some(Field::Integer("7".into()));
        assert_eq!(found(line, "text").unwrap(), Found::Object { text: text("x"), id });
        assert_eq!(found(r#"{"id":"a","id":"b"}"#, "id").unwrap(), Found::Object { text: text("b"), id: text("b") });
        assert_eq!(found(" \"a\\u00e9\" ", "text").unwrap(), Found::Text("aé".into()));
        for other in ["1", "-1", "0.5", "null", "true", "[\"text\"]"] {
            assert_eq!(found(other, "text").unwrap(), Found::Other, "{other}");
        }
        for (value, field) in [("null", Field::Null), ("[]", Field::Other), ("{}", Field::Other), ("1.5", Field::Other)]
        {
            let line = format!("{{\"text\":{value}}}");
            assert_eq!(found(&line, "text").unwrap(), Found::Object { text: Some(field), id: None });
        }
    }

    #[test]
    fn what_is_no_json_is_refused_also_where_it_is_read_over() {
        for line in ["", "{", "{\"a\":[1}", "{\"a\":tru}", "\"a\" b", "{\"text\":\"x\"} 1", "[1,]", "{\"a\" 1}"] {
            assert!(found(line, "text").is_err(), "{line}");
        }
    }
}
