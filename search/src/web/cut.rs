//! The class `Cutter`.

use super::errors::thrown;
use crate::cut::{self, Options};
use crate::error::{Code, Error};
use js_sys::{Array, Object, Reflect};
use std::sync::Arc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The part of a document that gets one vector. */
export interface Passage {
  /** Offset in the source, in UTF-16 code units. */
  start: number;
  /** The end, exclusive. */
  end: number;
  /** What a person reads. */
  text: string;
  /** The headings above it, outermost first, without the title. */
  trail: string[];
  /** What leads to it on its page, behind `#`; left out if there is nothing. */
  anchor?: string;
  /** What is embedded: title and trail in a first line, then the text. */
  input: string;
}
"#;

/// Cuts a document into passages: asks for the tokens of texts until it knows enough.
#[wasm_bindgen]
pub struct Cutter(cut::Cutter);

#[wasm_bindgen]
impl Cutter {
    /// Reads a document. `kind` is `text`, `markdown`, `html`, `code`, `csv` or `json`.
    #[wasm_bindgen(constructor)]
    pub fn new(
        kind: &str,
        source: String,
        #[wasm_bindgen(js_name = mostTokens)] most_tokens: f64,
        #[wasm_bindgen(js_name = overlapTokens)] overlap_tokens: f64,
        title: Option<String>,
    ) -> Result<Self, JsValue> {
        let options = || {
            let most_tokens = whole("mostTokens", most_tokens)?;
            let overlap_tokens = whole("overlapTokens", overlap_tokens)?;
            Ok((cut::kind(kind)?, Options { most_tokens, overlap_tokens, title }))
        };
        let cutter = options().and_then(|(kind, options)| cut::Cutter::new(kind, source, options));
        cutter.map(Self).map_err(thrown)
    }

    /// Returns the texts whose tokens have to be counted next; none if the passages are known.
    #[wasm_bindgen(unchecked_return_type = "string[]")]
    pub fn pieces(&self) -> Array {
        self.0.pieces().into_iter().map(JsValue::from_str).collect()
    }

    /// Takes the counts of tokens of the texts that [`pieces`](Self::pieces) returned.
    pub fn counted(&mut self, tokens: &[u32]) -> Result<(), JsValue> {
        self.0.counted(tokens).map_err(thrown)
    }

    /// Returns the passages in the order of the document.
    #[wasm_bindgen(unchecked_return_type = "Passage[]")]
    pub fn passages(&self) -> Result<Array, JsValue> {
        let mut trail: Option<(Arc<[String]>, Array)> = None;
        let passages = self.0.passages().map_err(thrown)?;
        let object = |passage: cut::Passage| {
            let kept = trail.take().filter(|(known, _)| Arc::ptr_eq(known, &passage.trail));
            let (known, names) = kept.unwrap_or_else(|| {
                let names = passage.trail.iter().map(|name| JsValue::from_str(name)).collect();
                (passage.trail.clone(), names)
            });
            let object = Object::new();
            let set = |name: &str, value: JsValue| {
                // A fresh object takes properties.
                let _ = Reflect::set(&object, &name.into(), &value);
            };
            set("start", (passage.start as f64).into());
            set("end", (passage.end as f64).into());
            set("text", passage.text.into());
            set("trail", names.slice(0, names.length()).into());
            if let Some(anchor) = &passage.anchor {
                set("anchor", JsValue::from_str(anchor));
            }
            set("input", passage.input.into());
            trail = Some((known, names));
            JsValue::from(object)
        };
        Ok(passages.into_iter().map(object).collect())
    }

    /// Returns the title that the document itself has.
    pub fn title(&self) -> Option<String> {
        self.0.title().map(str::to_owned)
    }
}

/// Returns a number of JavaScript's that has to be whole.
fn whole(name: &str, value: f64) -> crate::Result<u32> {
    let whole = value as u32;
    if f64::from(whole) != value {
        return Err(Error::new(Code::InputInvalid, format!("{name} is not a whole number of tokens: pass one")));
    }
    Ok(whole)
}
