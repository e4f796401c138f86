/// Lets the page paint and handle its events: there is one thread, and long work must leave room on it.
#[cfg(target_arch = "wasm32")]
pub async fn breathe() {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            // It fails only for a window that is closing; the run then simply never goes on.
            let _ = window.set_timeout_with_callback(&resolve);
        }
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// Natively nobody waits on this thread.
#[cfg(not(target_arch = "wasm32"))]
pub async fn breathe() {}
