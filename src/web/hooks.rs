//! Progress callbacks, abort signals and yielding to the event loop.

use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
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

#[wasm_bindgen]
extern "C" {
    type MessageChannel;

    #[wasm_bindgen(constructor)]
    fn new() -> MessageChannel;

    #[wasm_bindgen(method, getter)]
    fn port1(this: &MessageChannel) -> MessagePort;

    #[wasm_bindgen(method, getter)]
    fn port2(this: &MessageChannel) -> MessagePort;

    type MessagePort;

    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &MessagePort, callback: &Function);

    #[wasm_bindgen(method, js_name = postMessage)]
    fn post_message(this: &MessagePort, message: &JsValue);

    #[wasm_bindgen(method)]
    fn close(this: &MessagePort);
}

/// Waits for a turn of the event loop, so that messages (an abort among them) are handled. A resolved
/// promise would not do: it runs before any message. A timer would, but browsers hold up those that follow one
/// another for 4 ms; a message of one's own comes behind those that are waiting, and at once.
async fn next_task() {
    let channel = MessageChannel::new();
    let (here, there) = (channel.port1(), channel.port2());
    let promise = Promise::new(&mut |resolve, _| {
        here.set_onmessage(&resolve);
        there.post_message(&JsValue::NULL);
    });
    let _ = JsFuture::from(promise).await;
    here.close();
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
