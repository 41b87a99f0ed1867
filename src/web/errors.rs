//! [`Error`] as JavaScript sees it, and the other way round.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::error::{Code, Error};

/// Returns an `Error` named `FelsicError` with `code`, and the causes as its `cause`. The texts are plain already.
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

/// Returns the error of an object with one of felsic's codes; anything else is a defect.
pub(super) fn error_of(reason: &JsValue) -> Error {
    let field = |name: &str| Reflect::get(reason, &name.into()).ok().filter(|value| !value.is_undefined());
    let code = field("code").and_then(|code| code.as_string()).and_then(|code| Code::from_name(&code));
    let error = Error::new(code.unwrap_or(Code::Internal), text_of(reason));
    match field("cause") {
        Some(cause) => error.because(text_of(&cause)),
        None => error,
    }
}

/// Returns what people read of a value that was thrown.
fn text_of(value: &JsValue) -> String {
    let message = || Reflect::get(value, &"message".into()).ok().and_then(|message| message.as_string());
    value.as_string().or_else(message).unwrap_or_else(|| format!("{value:?}"))
}
