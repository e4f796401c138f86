//! Downloads with progress, and a check that all bytes came.

use js_sys::Uint8Array;
use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader, RequestInit, Response};

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FetchError {
    #[error("{url} could not be reached ({reason}); check the connection and try again")]
    Network { url: String, reason: String },
    #[error("the server answered {status} for {url}")]
    Status { url: String, status: u16 },
    #[error("{url} has {found} bytes, and {expected} were expected: the download is incomplete or altered; try again")]
    Length { url: String, found: u64, expected: u64 },
    #[error("{url} is not the file this page was made for: its SHA-256 starts with {found}, not {expected}; try again")]
    Hash { url: String, found: String, expected: String },
    #[error("the download was cancelled")]
    Cancelled,
}

/// The bytes at an address relative to the page. `progress` is told of the bytes done so far; where it
/// answers false the download is cancelled.
pub async fn download(url: &str, mut progress: impl FnMut(u64) -> bool) -> Result<Vec<u8>, FetchError> {
    let network = |e: JsValue| FetchError::Network { url: url.into(), reason: reason(&e) };
    let controller = AbortController::new().map_err(network)?;
    let options = RequestInit::new();
    options.set_signal(Some(&controller.signal()));
    let response = JsFuture::from(window().fetch_with_str_and_init(url, &options)).await.map_err(network)?;
    let response: Response = response.dyn_into().map_err(network)?;
    if !response.ok() {
        return Err(FetchError::Status { url: url.into(), status: response.status() });
    }
    let mut bytes = Vec::new();
    let Some(body) = response.body() else { return Ok(bytes) };
    let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into().map_err(|e| network(e.into()))?;
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(network)?;
        let field = |name: &str| js_sys::Reflect::get(&chunk, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if field("done").is_truthy() {
            return Ok(bytes);
        }
        let chunk = Uint8Array::new(&field("value"));
        let start = bytes.len();
        bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[start..]);
        if !progress(bytes.len() as u64) {
            controller.abort();
            return Err(FetchError::Cancelled);
        }
    }
}

fn reason(error: &JsValue) -> String {
    let message = js_sys::Reflect::get(error, &"message".into()).ok().and_then(|m| m.as_string());
    message.unwrap_or_else(|| "no reason given".into())
}
