//! The words index of a collection, in the JSON of MiniSearch 7 (`serializationVersion` 2).
//!
//! Terms stand in the order of their bytes, so that the same passages give the same file; MiniSearch reads them in any.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::terms::terms;

/// The fields of a passage, in the order of their numbers.
const FIELDS: [&str; 2] = ["title", "text"];

/// Which passages contain which terms, and how often. Passages are added in the order of their rows.
#[derive(Default)]
pub struct Words {
    /// For each term and field the rows with it, each with the number of times.
    postings: HashMap<String, [Vec<(u32, u32)>; FIELDS.len()]>,
    /// The number of different terms in each field of each row; `None` where the passage has no such field.
    lengths: Vec<[Option<u32>; FIELDS.len()]>,
    averages: [f64; FIELDS.len()],
}

impl Words {
    /// Creates an index without passages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of passages.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Returns whether there are no passages.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Adds the passage of the next row. `title` is its title and the headings above it.
    pub fn add(&mut self, title: &str, text: &str) {
        let row = self.lengths.len();
        let mut lengths = [None; FIELDS.len()];
        for (field, content) in [title, text].into_iter().enumerate() {
            let terms = terms(content);
            let different = terms.iter().map(|term| &term.term).collect::<HashSet<&Cow<'_, str>>>().len();
            lengths[field] = u32::try_from(different).ok();
            // As MiniSearch computes it, step by step, so that the last bit agrees too.
            self.averages[field] = (self.averages[field] * row as f64 + different as f64) / (row as f64 + 1.0);
            for term in terms {
                self.count(&term.term, field, row as u32);
            }
        }
        self.lengths.push(lengths);
    }

    fn count(&mut self, term: &str, field: usize, row: u32) {
        let fields = match self.postings.get_mut(term) {
            Some(fields) => fields,
            None => self.postings.entry(term.to_string()).or_default(),
        };
        match fields[field].last_mut() {
            Some((last, times)) if *last == row => *times += 1,
            _ => fields[field].push((row, 1)),
        }
    }

    /// Writes the index as JSON.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: impl io::Write) -> io::Result<()> {
        serde_json::to_writer(out, self).map_err(io::Error::from)
    }
}

/// The names are MiniSearch's own.
impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut terms: Vec<&String> = self.postings.keys().collect();
        terms.sort_unstable();
        let rows = || 0..self.lengths.len();
        let index = terms.into_iter().map(|term| (term, Fields(&self.postings[term])));
        let mut json = serializer.serialize_struct("MiniSearch", 10)?;
        json.serialize_field("documentCount", &self.lengths.len())?;
        json.serialize_field("nextId", &self.lengths.len())?;
        json.serialize_field("documentIds", &Object(rows().map(|row| (row, row))))?;
        json.serialize_field("fieldIds", &Object(FIELDS.into_iter().zip(0..)))?;
        json.serialize_field("fieldLength", &Object(rows().zip(&self.lengths)))?;
        json.serialize_field("averageFieldLength", if self.is_empty() { &[][..] } else { &self.averages[..] })?;
        json.serialize_field("storedFields", &Object([(); 0].map(|()| ("", 0)).into_iter()))?;
        json.serialize_field("dirtCount", &0)?;
        json.serialize_field("index", &List(index))?;
        json.serialize_field("serializationVersion", &2)?;
        json.end()
    }
}

/// The rows with a term, by field; fields without it are left out.
struct Fields<'a>(&'a [Vec<(u32, u32)>; FIELDS.len()]);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let with = self.0.iter().enumerate().filter(|(_, rows)| !rows.is_empty());
        serializer.collect_map(with.map(|(field, rows)| (field, Object(rows.iter().copied()))))
    }
}

/// Pairs that are written as an object, one after another.
struct Object<I>(I);

impl<K: Serialize, V: Serialize, I: Iterator<Item = (K, V)> + Clone> Serialize for Object<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}

/// Values that are written as a list, one after another.
struct List<I>(I);

impl<V: Serialize, I: Iterator<Item = V> + Clone> Serialize for List<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(words: &Words) -> serde_json::Value {
        let mut out = Vec::new();
        words.write(&mut out).expect("written");
        serde_json::from_slice(&out).expect("JSON")
    }

    #[test]
    fn counts_terms_by_row_and_field() {
        let mut words = Words::new();
        words.add("Branches", "A branch, a commit.");
        words.add("", "commit commit");
        let json = json(&words);
        assert_eq!(json["documentCount"], 2);
        assert_eq!(json["fieldLength"], serde_json::json!({ "0": [1, 3], "1": [0, 1] }));
        assert_eq!(json["averageFieldLength"], serde_json::json!([0.5, 2.0]));
        let index = json["index"].as_array().expect("a list");
        assert_eq!(index[3], serde_json::json!(["commit", { "1": { "0": 1, "1": 2 } }]));
        assert_eq!(
            index.iter().map(|term| term[0].as_str()).collect::<Vec<_>>(),
            [Some("a"), Some("branch"), Some("branches"), Some("commit")]
        );
    }

    /// A test of `tests/browser` holds MiniSearch to the same file.
    #[test]
    fn the_index_is_the_one_that_mini_search_makes() {
        let lines = include_str!("../../../tests/fixtures/terms.jsonl").lines();
        let lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let texts: Vec<String> = lines.map(|line| line["text"].as_str().expect("a text").to_string()).collect();
        let mut words = Words::new();
        for (row, text) in texts.iter().enumerate() {
            words.add(row.checked_sub(1).map_or("", |before| &texts[before]), text);
        }
        let wanted: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/words.json")).expect("JSON");
        assert!(wanted["documentCount"].as_u64() >= Some(60));
        // Numbers such as 12 and 12.0 are the same in JavaScript.
        assert_eq!(as_floats(json(&words)), as_floats(wanted));
    }

    fn as_floats(value: serde_json::Value) -> serde_json::Value {
        use serde_json::Value;
        match value {
            Value::Number(number) => Value::from(number.as_f64()),
            Value::Array(values) => values.into_iter().map(as_floats).collect(),
            Value::Object(values) => values.into_iter().map(|(name, value)| (name, as_floats(value))).collect(),
            other => other,
        }
    }

    #[test]
    fn nothing_is_an_index_too() {
        assert_eq!(json(&Words::new())["documentCount"], 0);
        assert!(Words::new().is_empty());
    }
}
