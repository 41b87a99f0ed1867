//! A model on one device.

use std::rc::Rc;

use js_sys::{Float32Array, Function, Object, Reflect, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use web_sys::AbortSignal;

use super::errors::to_js;
use super::helpers::{HelpersOfCall, JsHelpers};
use super::hooks::{self, HooksOfCall, JsHooks};
use super::memory::memory_bytes;
use super::progress::report_load;
use super::store::{Files, StoreSource};
use super::table::Loader;
use crate::embedder::{EmbedOptions, Embedder};
use crate::error::{Code, Error, Result};
use crate::kernels::profile;
use crate::kernels::simd::Fine;
use crate::model::DeviceKind;
use crate::source::load_first;

/// Reads the options of `embed`, `tokenize` and `countTokens` as JavaScript passes them.
fn options(given: JsValue) -> Result<EmbedOptions> {
    if given.is_undefined() || given.is_null() {
        return Ok(EmbedOptions::default());
    }
    serde_wasm_bindgen::from_value(given)
        .map_err(|error| Error::new(Code::InputInvalid, "invalid options").because(error.to_string()))
}

/// A model on one device.
#[wasm_bindgen]
pub struct Engine {
    loader: Rc<Loader>,
}

#[wasm_bindgen]
impl Engine {
    /// Loads a pack onto `device` (`cpu` or `webgpu`), except its vocabulary table. `files` are those at `model_url`
    /// (absolute, ends in `/`). A GPU must reproduce the pack's self-test vectors before it is returned. `on_progress`
    /// also reports blocks of the table, whenever they are loaded.
    pub async fn create(
        model_url: String,
        device: String,
        files: Files,
        on_progress: Option<Function>,
        signal: Option<AbortSignal>,
    ) -> std::result::Result<Engine, JsValue> {
        create(model_url, &device, files, on_progress, signal).await.map_err(to_js)
    }

    /// Returns the shards of the vocabulary table that are missing, in the order of its rows.
    pub fn missing(&self) -> Vec<u32> {
        self.embedder().table().missing().into_iter().map(|shard| shard as u32).collect()
    }

    /// Loads a shard of the vocabulary table, so that texts with its tokens need not wait for it. Without `keep` it is
    /// not held in memory, only brought to where `files` keeps it.
    pub async fn prefetch(&self, shard: usize, keep: bool) -> std::result::Result<(), JsValue> {
        let loaded = match keep {
            true => self.loader.load(&[shard]).await,
            false => self.loader.fetch(shard).await,
        };
        loaded.map_err(to_js)
    }

    /// Describes the engine in a plain object.
    pub fn info(&self) -> std::result::Result<JsValue, JsValue> {
        serde_wasm_bindgen::to_value(&self.embedder().info()).map_err(JsValue::from)
    }

    /// Returns the SHA-256 of the manifest that the engine was made from; `Helper.create` wants it.
    pub fn pack(&self) -> Option<String> {
        self.embedder().pack().map(str::to_string)
    }

    /// Returns the name of the table group that a shard of the vocabulary table belongs to.
    #[wasm_bindgen(js_name = groupOf)]
    pub fn group_of(&self, shard: usize) -> Option<String> {
        self.loader.group_of(shard)
    }

    /// Returns `{ vectors: Float32Array [texts * dimensions], tokens: Uint32Array, truncated: Uint8Array }`. Several
    /// calls may be under way at once: one computes while others wait for their `hooks`.
    pub async fn embed(
        &self,
        texts: Vec<String>,
        given: JsValue,
        hooks: Option<HooksOfCall>,
        helpers: Option<HelpersOfCall>,
    ) -> std::result::Result<JsValue, JsValue> {
        let made = async {
            let mut helpers = JsHelpers { helpers, hooks: hooks.clone() };
            let mut hooks = JsHooks::new(hooks, Rc::clone(&self.loader));
            self.embedder().embed_helped(&texts, &options(given)?, &mut hooks, &mut helpers).await
        };
        let made = made.await.map_err(to_js)?;
        let tokens: Vec<u32> = made.iter().map(|one| one.tokens as u32).collect();
        let truncated: Vec<u8> = made.iter().map(|one| u8::from(one.truncated)).collect();
        let result = Object::new();
        Reflect::set(&result, &"vectors".into(), &Float32Array::from(made.as_flat()))?;
        Reflect::set(&result, &"tokens".into(), &Uint32Array::from(tokens.as_slice()))?;
        Reflect::set(&result, &"truncated".into(), &Uint8Array::from(truncated.as_slice()))?;
        Ok(result.into())
    }

    /// Returns the vectors of texts, white space kept, as a pack's self-test holds them: made of the weights, with more bits
    /// of activations than [`Self::embed`] takes.
    #[wasm_bindgen(js_name = testVectors)]
    pub async fn test_vectors(&self, texts: Vec<String>) -> std::result::Result<Float32Array, JsValue> {
        let options = EmbedOptions { strip: false, ..EmbedOptions::default() };
        let made = async {
            let mut hooks = JsHooks::new(None, Rc::clone(&self.loader));
            // Nothing else is computed in the worker that makes a pack.
            let _fine = Fine::new();
            self.embedder().embed_hooked(&texts, &options, &mut hooks).await
        };
        Ok(Float32Array::from(made.await.map_err(to_js)?.as_flat()))
    }

    /// Returns the token ids that the model gets for a text.
    pub fn tokenize(&self, text: &str, given: JsValue) -> std::result::Result<Uint32Array, JsValue> {
        let ids = options(given).and_then(|options| self.embedder().tokenize(text, &options)).map_err(to_js)?;
        Ok(Uint32Array::from(ids.as_slice()))
    }

    /// Returns the number of tokens of a text before truncation.
    #[wasm_bindgen(js_name = countTokens)]
    pub fn count_tokens(&self, text: &str, given: JsValue) -> std::result::Result<usize, JsValue> {
        options(given).and_then(|options| self.embedder().count_tokens(text, &options)).map_err(to_js)
    }

    /// Starts (`true`) or ends a profile of this worker. Its end returns `{ operation: milliseconds }`, of the CPU's
    /// kernels.
    pub fn profile(&self, on: bool) -> std::result::Result<Object, JsValue> {
        let result = Object::new();
        match on {
            true => profile::start(),
            false => {
                for (operation, milliseconds) in profile::stop() {
                    Reflect::set(&result, &operation.into(), &milliseconds.into())?;
                }
            }
        }
        Ok(result)
    }

    /// Returns the bytes of this module's memory, which never shrinks.
    #[wasm_bindgen(js_name = memoryBytes)]
    pub fn memory_bytes(&self) -> f64 {
        memory_bytes()
    }
}

impl Engine {
    fn embedder(&self) -> &Embedder {
        &self.loader.embedder
    }
}

async fn create(
    model_url: String,
    device: &str,
    files: Files,
    on_progress: Option<Function>,
    signal: Option<AbortSignal>,
) -> Result<Engine> {
    let kind = match device {
        "cpu" => DeviceKind::Cpu,
        "webgpu" => DeviceKind::Gpu,
        other => return Err(Error::new(Code::InputInvalid, format!("device is {other:?}; use \"cpu\" or \"webgpu\""))),
    };
    let source = StoreSource::new(files, model_url);
    let report = &mut |progress| report_load(on_progress.as_ref(), &progress);
    let (parts, manifest, meter) = load_first(&source, report).await?;
    let embedder = Embedder::new(parts, kind).await?;
    let loader = Loader::new(embedder, manifest, source, meter, on_progress);
    if kind == DeviceKind::Gpu {
        loader.load(&loader.embedder.missing_for_self_test()?).await?;
        loader.embedder.self_test().await?;
    }
    hooks::check(signal.as_ref())?;
    Ok(Engine { loader })
}
