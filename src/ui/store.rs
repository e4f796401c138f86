//! What the browser keeps for us: pieces of files under their content hash, in the Cache API. It is the one store
//! that every browser has in pages and workers, and it takes bytes as they are.

use js_sys::{Array, Reflect, Uint8Array};
use leptos::prelude::window;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Request, Response};

use super::fetch::reason;
use super::state::{Storage, set};
use crate::download::survey;
use crate::zoo;

/// Keys look like addresses below the page; nothing is ever requested from there.
const FOLDER: &str = "kept/";

#[derive(Clone)]
pub struct Store(Cache);

impl Store {
    /// The store of this site; why there is none where the browser keeps nothing.
    pub async fn open() -> Result<Store, String> {
        let storage = storage()?;
        let cache = JsFuture::from(storage.open(&name())).await.map_err(|e| reason(&e))?;
        cache.dyn_into().map(Store).map_err(|e| reason(&e))
    }

    /// The bytes under a key, if they are there and can be read.
    pub async fn read(&self, key: &str) -> Option<Uint8Array> {
        let found = JsFuture::from(self.0.match_with_str(&address(key))).await.ok()?;
        let response: Response = found.dyn_into().ok()?;
        let buffer = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
        Some(Uint8Array::new(&buffer))
    }

    /// Keeps a copy of the bytes. An error says what the browser said.
    pub async fn write(&self, key: &str, bytes: Uint8Array) -> Result<(), String> {
        let response = Response::new_with_opt_buffer_source(Some(&bytes)).map_err(|e| reason(&e))?;
        JsFuture::from(self.0.put_with_str(&address(key), &response)).await.map(|_| ()).map_err(|e| reason(&e))
    }

    pub async fn remove(&self, key: &str) {
        // What cannot be removed is verified and found wanting when it is read.
        let _ = JsFuture::from(self.0.delete_with_str(&address(key))).await;
    }

    pub async fn keys(&self) -> Vec<String> {
        let Ok(keys) = JsFuture::from(self.0.keys()).await else { return Vec::new() };
        let key = |request: JsValue| {
            let url = request.dyn_into::<Request>().ok()?.url();
            Some(url.rsplit_once(FOLDER)?.1.to_string())
        };
        Array::from(&keys).iter().filter_map(key).collect()
    }

    /// Deletes everything.
    pub async fn clear(&self) -> Result<(), String> {
        for key in self.keys().await {
            JsFuture::from(self.0.delete_with_str(&address(&key))).await.map_err(|e| reason(&e))?;
        }
        Ok(())
    }
}

/// Brings what the page says of the device up to date, and deletes what belongs to no file of this site any more.
pub async fn look(storage: Storage, store: Store) {
    let (kept, stale) = survey(&zoo::files(), &store.keys().await);
    for key in stale {
        store.remove(&key).await;
    }
    set(storage.kept, Some(kept));
}

fn address(key: &str) -> String {
    format!("{FOLDER}{key}")
}

/// One store a site: sites of one origin in different folders may ship different models.
fn name() -> String {
    let path = window().location().pathname().unwrap_or_default();
    let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
    format!("cascade-models {folder}")
}

fn storage() -> Result<CacheStorage, String> {
    let found = Reflect::get(&window(), &JsValue::from_str("caches"));
    match found {
        // Browsers hide it from pages that anyone on the network could have changed.
        Ok(value) if value.is_undefined() => Err("this page is not in a secure context".into()),
        Ok(value) => Ok(value.unchecked_into()),
        Err(e) => Err(reason(&e)),
    }
}
