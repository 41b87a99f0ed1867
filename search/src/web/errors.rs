//! [`Error`] as JavaScript sees it.

use crate::error::Error;
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// Returns an `Error` named `FelsicError` with `code`.
pub(super) fn thrown(error: Error) -> JsValue {
    let js = js_sys::Error::new(&error.to_string());
    js.set_name("FelsicError");
    // A fresh Error object takes properties; if it ever did not, the message is still there.
    let _ = Reflect::set(&js, &"code".into(), &error.code().as_str().into());
    js.into()
}
