//! [`Error`] as JavaScript sees it.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::error::Error;

/// An `Error` named `FelsicError` with `code`, and the causes as its `cause`. The texts are plain already.
pub(super) fn to_js(error: Error) -> JsValue {
    let js = js_sys::Error::new(error.message());
    js.set_name("FelsicError");
    let set = |name: &str, value: JsValue| {
        // A fresh Error object takes properties; if it ever did not, the message is still there.
        let _ = Reflect::set(&js, &name.into(), &value);
    };
    set("code", error.code().as_str().into());
    if let Some(causes) = error.causes() {
        set("cause", causes.into());
    }
    js.into()
}
