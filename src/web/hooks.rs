//! Progress callbacks, abort signals and yielding to the event loop.

use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::table::Loader;
use crate::embedder::Hooks;
use crate::error::{Code, Error, Result};
use crate::source::Progress;

/// [`Code::Aborted`] if the signal is.
pub(super) fn check(signal: Option<&AbortSignal>) -> Result<()> {
    match signal {
        Some(signal) if signal.aborted() => Err(Error::new(Code::Aborted, "aborted by the caller")),
        _ => Ok(()),
    }
}

/// Hooks that call JavaScript.
pub(super) struct JsHooks {
    on_progress: Option<Function>,
    signal: Option<AbortSignal>,
    loader: Rc<Loader>,
}

impl JsHooks {
    pub fn new(on_progress: Option<Function>, signal: Option<AbortSignal>, loader: Rc<Loader>) -> Self {
        Self { on_progress, signal, loader }
    }
}

impl Hooks for JsHooks {
    fn progress(&mut self, done: usize, total: usize) {
        if let Some(callback) = &self.on_progress {
            // A callback that throws is the caller's affair and stops nothing.
            let _ = callback.call2(&JsValue::NULL, &(done as f64).into(), &(total as f64).into());
        }
    }

    async fn pause(&mut self) -> Result<()> {
        next_task().await;
        check(self.signal.as_ref())
    }

    async fn fetch(&mut self, shards: Vec<usize>) -> Result<()> {
        self.loader.load(&shards).await?;
        check(self.signal.as_ref())
    }
}

/// Waits for a turn of the event loop, so that messages (an abort among them) are handled. A resolved
/// promise would not do: it runs before any message.
async fn next_task() {
    let promise = Promise::new(&mut |resolve, _| {
        let timer = Reflect::get(&js_sys::global(), &"setTimeout".into()).ok();
        match timer.as_ref().and_then(|timer| timer.dyn_ref::<Function>()) {
            Some(timer) => drop(timer.call2(&JsValue::NULL, &resolve, &0.into())),
            None => drop(resolve.call0(&JsValue::NULL)),
        }
    });
    let _ = JsFuture::from(promise).await;
}

/// Calls back with `{ phase, file, loadedBytes, totalBytes }`.
pub(super) fn report_load(callback: Option<&Function>, progress: &Progress) {
    let Some(callback) = callback else { return };
    let entries = [
        ("phase", JsValue::from(progress.phase.as_str())),
        ("file", JsValue::from(progress.file.as_str())),
        ("loadedBytes", (progress.loaded_bytes as f64).into()),
        ("totalBytes", (progress.total_bytes as f64).into()),
    ];
    let entries: Array = entries.into_iter().map(|(name, value)| Array::of2(&name.into(), &value)).collect();
    if let Ok(object) = Object::from_entries(&entries) {
        let _ = callback.call1(&JsValue::NULL, &object);
    }
}
