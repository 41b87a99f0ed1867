//! Files from a server, in a browser.
//!
//! `fetch` is taken from the global object, so that this works in a window, in every kind of worker and
//! in Node. Pieces are handed on as they come; nothing is gathered here.

use std::ops::Range;

use js_sys::{Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader, Response};

use super::{Sink, Source};
use crate::error::{Code, Error, Result};

/// Bytes copied out of JavaScript at a time.
const PIECE: u32 = 256 << 10;

/// The files under a URL.
#[derive(Clone, Debug)]
pub struct HttpSource {
    base: String,
    signal: Option<AbortSignal>,
}

impl HttpSource {
    /// The files under `base`, an absolute URL that ends in `/`. A `signal` aborts every read.
    ///
    /// # Errors
    /// [`Code::InputInvalid`] for a URL to which no file name can be added.
    pub fn new(base: &str, signal: Option<AbortSignal>) -> Result<Self> {
        match base.contains("://") && base.ends_with('/') && !base.contains(['?', '#']) {
            true => Ok(Self { base: base.to_string(), signal }),
            false => {
                let message = format!("the model's URL is {base:?}; expected an absolute URL that ends in \"/\"");
                Err(Error::new(Code::InputInvalid, message))
            }
        }
    }

    fn aborted(&self) -> bool {
        self.signal.as_ref().is_some_and(AbortSignal::aborted)
    }

    /// The error for a promise that was rejected.
    fn failed(&self, what: &str, reason: &JsValue) -> Error {
        if self.aborted() || name_of(reason) == "AbortError" {
            return abort();
        }
        Error::new(Code::Network, what).because(message_of(reason))
    }

    async fn fetch(&self, url: &str, range: Option<&Range<u64>>) -> Result<Response> {
        let broken = |value: JsValue| {
            Error::new(Code::Internal, "this platform has no usable fetch").because(message_of(&value))
        };
        let init = Object::new();
        if let Some(signal) = &self.signal {
            Reflect::set(&init, &"signal".into(), signal).map_err(broken)?;
        }
        if let Some(range) = range {
            let headers = Object::new();
            let value = format!("bytes={}-{}", range.start, range.end.saturating_sub(1));
            Reflect::set(&headers, &"range".into(), &value.into()).map_err(broken)?;
            Reflect::set(&init, &"headers".into(), &headers).map_err(broken)?;
        }
        let global = js_sys::global();
        let fetch: Function = Reflect::get(&global, &"fetch".into()).and_then(JsCast::dyn_into).map_err(broken)?;
        let promise: Promise = fetch.call2(&global, &url.into(), &init).and_then(JsCast::dyn_into).map_err(broken)?;
        let what = format!("{url} could not be fetched; check the URL, the connection and the server's CORS headers");
        let response = JsFuture::from(promise).await.map_err(|reason| self.failed(&what, &reason))?;
        response.dyn_into().map_err(broken)
    }

    /// Reads the body to its end, or until `sink` fails or `wanted` bytes after the first `skip` have come.
    async fn stream(&self, response: &Response, url: &str, skip: u64, wanted: u64, sink: Sink<'_>) -> Result<()> {
        let Some(body) = response.body() else { return Ok(()) };
        let reader: ReadableStreamDefaultReader = body
            .get_reader()
            .dyn_into()
            .map_err(|_| Error::new(Code::Internal, "this platform's streams have no default reader"))?;
        let result = self.drain(&reader, url, skip, wanted, sink).await;
        // Ends the transfer if it is not at its end; whether that works makes no difference any more.
        let _ = JsFuture::from(reader.cancel()).await;
        result
    }

    async fn drain(
        &self,
        reader: &ReadableStreamDefaultReader,
        url: &str,
        mut skip: u64,
        mut wanted: u64,
        sink: Sink<'_>,
    ) -> Result<()> {
        let mut piece = Vec::new();
        while wanted > 0 {
            let what = format!("the connection broke while {url} was read");
            let step = JsFuture::from(reader.read()).await.map_err(|reason| self.failed(&what, &reason))?;
            let field = |name: &str| Reflect::get(&step, &name.into()).unwrap_or(JsValue::UNDEFINED);
            if field("done").is_truthy() {
                return Ok(());
            }
            let chunk: Uint8Array = field("value")
                .dyn_into()
                .map_err(|_| Error::new(Code::Network, format!("{url} came as something other than bytes")))?;
            let from = skip.min(u64::from(chunk.length()));
            let to = from.saturating_add(wanted).min(u64::from(chunk.length()));
            skip -= from;
            wanted -= to - from;
            let (mut from, to) = (from as u32, to as u32);
            while from < to {
                let end = to.min(from.saturating_add(PIECE));
                piece.resize((end - from) as usize, 0);
                chunk.subarray(from, end).copy_to(&mut piece);
                sink(&piece)?;
                from = end;
            }
        }
        Ok(())
    }
}

impl Source for HttpSource {
    async fn read(&self, file: &str, range: Option<Range<u64>>, sink: Sink<'_>) -> Result<()> {
        if self.aborted() {
            return Err(abort());
        }
        if range.as_ref().is_some_and(Range::is_empty) {
            return Ok(());
        }
        let url = self.location(file);
        let response = self.fetch(&url, range.as_ref()).await?;
        let range = range.unwrap_or(0..u64::MAX);
        // A server may ignore the range and send everything.
        let skip = match response.status() {
            206 => 0,
            _ if response.ok() => range.start,
            status => {
                discard(&response);
                return match status {
                    416 => Ok(()),
                    404 | 410 => Err(Error::new(Code::NotFound, format!("{url} does not exist"))),
                    _ => Err(Error::new(Code::Network, format!("{url} answered with HTTP status {status}"))),
                };
            }
        };
        let wanted = range.end - range.start;
        self.stream(&response, &url, skip, wanted, sink).await?;
        match self.aborted() {
            true => Err(abort()),
            false => Ok(()),
        }
    }

    fn location(&self, file: &str) -> String {
        format!("{}{file}", self.base)
    }
}

/// Lets go of a body that nobody reads, so that its connection is free again.
fn discard(response: &Response) {
    if let Some(body) = response.body() {
        let cancelled = body.cancel();
        wasm_bindgen_futures::spawn_local(async move { drop(JsFuture::from(cancelled).await) });
    }
}

fn abort() -> Error {
    Error::new(Code::Aborted, "aborted by the caller")
}

fn text_of(value: &JsValue, field: &str) -> Option<String> {
    Reflect::get(value, &field.into()).ok().and_then(|text| text.as_string())
}

fn name_of(value: &JsValue) -> String {
    text_of(value, "name").unwrap_or_default()
}

fn message_of(value: &JsValue) -> String {
    text_of(value, "message").unwrap_or_else(|| format!("{value:?}"))
}
