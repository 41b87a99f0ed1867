//! Helpers: further workers of the page that compute batches with layers of their own.

use js_sys::{Array, Float32Array, Function, Promise, Reflect, Uint32Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::errors::to_js;
use super::hooks::{self, HooksOfCall};
use super::memory::memory_bytes;
use super::progress::report_load;
use super::store::{Files, StoreSource};
use crate::embedder::{Done, Helpers, Layers, Work};
use crate::error::Result;
use crate::model::DeviceKind;
use crate::source::load_layers;

#[wasm_bindgen]
extern "C" {
    /// The helpers of one call, as `pkg/src/helpers.ts` makes them.
    pub type HelpersOfCall;

    #[wasm_bindgen(method, getter)]
    fn count(this: &HelpersOfCall) -> usize;

    #[wasm_bindgen(method, js_name = hasRoom)]
    fn has_room(this: &HelpersOfCall, waiting: usize) -> bool;

    #[wasm_bindgen(method)]
    fn give(this: &HelpersOfCall, group: usize, rows: Float32Array, lengths: Uint32Array);

    /// Returns `[group, vectors | undefined]` of each batch; `group` is its number.
    #[wasm_bindgen(method)]
    fn take(this: &HelpersOfCall) -> Array;

    #[wasm_bindgen(method)]
    fn wait(this: &HelpersOfCall) -> Promise;
}

/// The helpers of a call that may have none.
pub(super) struct JsHelpers {
    pub helpers: Option<HelpersOfCall>,
    pub hooks: Option<HooksOfCall>,
}

impl Helpers for JsHelpers {
    fn count(&self) -> usize {
        self.helpers.as_ref().map_or(0, HelpersOfCall::count)
    }

    fn has_room(&self, waiting: usize) -> bool {
        self.helpers.as_ref().is_some_and(|helpers| helpers.has_room(waiting))
    }

    fn give(&mut self, work: Work) {
        if let Some(helpers) = &self.helpers {
            let lengths: Vec<u32> = work.lengths.iter().map(|length| *length as u32).collect();
            helpers.give(work.group, work.rows.as_slice().into(), lengths.as_slice().into());
        }
    }

    fn take(&mut self) -> Vec<Done> {
        let taken = self.helpers.as_ref().map(HelpersOfCall::take).unwrap_or_default();
        let done = |pair: JsValue| {
            let at = |index| Reflect::get_u32(&pair, index).unwrap_or_default();
            let group = at(0).as_f64()? as usize;
            Some(Done { group, pooled: at(1).dyn_ref().map(Float32Array::to_vec) })
        };
        taken.iter().filter_map(done).collect()
    }

    async fn wait(&mut self) -> Result<()> {
        if let Some(helpers) = &self.helpers {
            // It settles with the next result or the abort of this call, and never rejects.
            let _ = JsFuture::from(helpers.wait()).await;
        }
        self.hooks.as_ref().map_or(Ok(()), HooksOfCall::check)
    }
}

/// The layers of a pack on the CPU, without tokenizer and vocabulary table.
#[wasm_bindgen]
pub struct Helper {
    layers: Layers,
}

#[wasm_bindgen]
impl Helper {
    /// Loads the layers of the pack whose manifest has the SHA-256 `pack`; `files` are those at `model_url`.
    pub async fn create(
        model_url: String,
        pack: String,
        files: Files,
        on_progress: Option<Function>,
        signal: Option<AbortSignal>,
    ) -> std::result::Result<Helper, JsValue> {
        let made = async {
            let source = StoreSource::new(files, model_url);
            let mut report = |progress| report_load(on_progress.as_ref(), &progress);
            let (config, mut tensors) = load_layers(&source, &pack, &mut report).await?;
            let layers = Layers::new(&config, &mut tensors, DeviceKind::Cpu).await?;
            hooks::check(signal.as_ref())?;
            Ok(Helper { layers })
        };
        made.await.map_err(to_js)
    }

    /// Returns pooled vectors [sequences, H] of rows of the vocabulary table, `lengths` tokens a sequence.
    pub async fn pooled(&self, rows: Vec<f32>, lengths: Vec<u32>) -> std::result::Result<Float32Array, JsValue> {
        let lengths: Vec<usize> = lengths.iter().map(|length| *length as usize).collect();
        let pooled = self.layers.pooled(rows, &lengths).await.map_err(to_js)?;
        Ok(Float32Array::from(pooled.as_slice()))
    }

    /// Returns the bytes of this module's memory, which never shrinks.
    #[wasm_bindgen(js_name = memoryBytes)]
    pub fn memory_bytes(&self) -> f64 {
        memory_bytes()
    }
}
