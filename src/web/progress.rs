//! The progress of a load, for a callback.

use js_sys::{Array, Function, Object};
use wasm_bindgen::JsValue;

use crate::source::Progress;

/// Calls `callback` with `{ phase, file, loadedBytes, totalBytes }`.
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
