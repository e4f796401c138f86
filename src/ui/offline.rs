//! The page without a network: has the service worker (`assets/sw.js`) keep the page's own files, and follows
//! whether there is a network.

use js_sys::{Array, Reflect};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MessageEvent, RegistrationOptions, ServiceWorkerContainer, ServiceWorkerRegistration, ServiceWorkerUpdateViaCache,
};

use super::mark;
use super::state::{Phase, State, set};

pub fn follow(state: State) {
    let online = state.storage.online;
    let changed = move |now: bool| {
        set(online, now);
        // What failed for want of a network is taken up again.
        if now && state.phase.with_untracked(|phase| matches!(phase, Phase::Error(_))) {
            state.attempts.update(|n| *n += 1);
        }
    };
    let handles = [
        window_event_listener(leptos::ev::online, move |_| changed(true)),
        window_event_listener(leptos::ev::offline, move |_| changed(false)),
    ];
    on_cleanup(move || handles.into_iter().for_each(|handle| handle.remove()));
    // At a first visit the link belongs to the model: the worker starts once the model is live.
    Effect::new(move |done: Option<bool>| {
        let ready = state.phase.with(|phase| *phase == Phase::Ready);
        if ready && done != Some(true) {
            mark("cascade: live");
            spawn_local(async move {
                // Without a worker everything works, only not offline; the storage line then promises nothing.
                let _ = keep_page(state).await;
            });
        }
        ready || done == Some(true)
    });
}

async fn keep_page(state: State) -> Result<(), JsValue> {
    let navigator = window().navigator();
    if Reflect::get(&navigator, &"serviceWorker".into())?.is_undefined() {
        return Ok(());
    }
    let container: ServiceWorkerContainer = navigator.service_worker();
    let heard = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let kept = Reflect::get(&event.data(), &"kept".into());
        set(state.storage.page_kept, kept.is_ok_and(|kept| kept.is_truthy()));
    });
    container.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    // It listens for as long as the page is there.
    heard.forget();
    let options = RegistrationOptions::new();
    options.set_update_via_cache(ServiceWorkerUpdateViaCache::None);
    JsFuture::from(container.register_with_options("sw.js", &options)).await?;
    let ready: ServiceWorkerRegistration = JsFuture::from(container.ready()?).await?.unchecked_into();
    if let Some(worker) = ready.active() {
        worker.post_message(loaded_files()?.as_ref())?;
    }
    Ok(())
}

/// The addresses of the page's own files: what this visit has loaded, and what another may need.
fn loaded_files() -> Result<Array, JsValue> {
    let files = Array::new();
    let performance = window().performance().ok_or(JsValue::NULL)?;
    for entry in performance.get_entries_by_type("resource") {
        files.push(&Reflect::get(&entry, &"name".into())?);
    }
    // The CPU engine too: a GPU may be lost where there is no network.
    let meta = document().query_selector("meta[name=cpu-engine]")?;
    if let Some(worker) = meta.and_then(|meta| meta.get_attribute("content")) {
        let base = document().base_uri()?.unwrap_or_default();
        for file in ["worker.js", "simd.wasm", "scalar.wasm"] {
            let url = worker.replace("worker.js", file);
            files.push(&web_sys::Url::new_with_base(&url, &base)?.href().into());
        }
    }
    Ok(files)
}
