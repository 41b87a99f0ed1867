//! Abort signals, and what a call leaves to its worker.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::errors::error_of;
use super::table::Loader;
use crate::embedder::Hooks;
use crate::error::{Code, Error, Result};

fn aborted() -> Error {
    Error::new(Code::Aborted, "aborted by the caller")
}

/// Returns [`Code::Aborted`] if the signal is aborted.
pub(super) fn check(signal: Option<&AbortSignal>) -> Result<()> {
    match signal {
        Some(signal) if signal.aborted() => Err(aborted()),
        _ => Ok(()),
    }
}

#[wasm_bindgen]
extern "C" {
    /// What a worker does for one call: `EngineHooks` of `pkg/src/engine.ts`.
    #[derive(Clone)]
    pub type HooksOfCall;

    #[wasm_bindgen(method, getter)]
    fn aborted(this: &HooksOfCall) -> bool;

    #[wasm_bindgen(method, catch)]
    fn progress(this: &HooksOfCall, done: usize, total: usize) -> std::result::Result<(), JsValue>;

    #[wasm_bindgen(method)]
    fn pause(this: &HooksOfCall) -> Promise;

    #[wasm_bindgen(method)]
    fn need(this: &HooksOfCall, shards: Vec<u32>) -> Promise;
}

impl HooksOfCall {
    /// Returns [`Code::Aborted`] if the call is aborted.
    pub(super) fn check(&self) -> Result<()> {
        match self.aborted() {
            true => Err(aborted()),
            false => Ok(()),
        }
    }
}

/// Hooks that call JavaScript. Without any, a call runs through and loads what it needs by itself.
pub(super) struct JsHooks {
    hooks: Option<HooksOfCall>,
    loader: Rc<Loader>,
}

impl JsHooks {
    pub fn new(hooks: Option<HooksOfCall>, loader: Rc<Loader>) -> Self {
        Self { hooks, loader }
    }
}

async fn settled(promise: Promise) -> Result<()> {
    JsFuture::from(promise).await.map(drop).map_err(|reason| error_of(&reason))
}

impl Hooks for JsHooks {
    fn progress(&mut self, done: usize, total: usize) {
        if let Some(hooks) = &self.hooks {
            // A callback that throws is the caller's affair and stops nothing.
            let _ = hooks.progress(done, total);
        }
    }

    async fn pause(&mut self) -> Result<()> {
        match &self.hooks {
            Some(hooks) => settled(hooks.pause()).await,
            None => Ok(()),
        }
    }

    async fn fetch(&mut self, shards: Vec<usize>) -> Result<()> {
        match &self.hooks {
            Some(hooks) => settled(hooks.need(shards.into_iter().map(|shard| shard as u32).collect())).await,
            None => self.loader.load(&shards).await,
        }
    }
}
