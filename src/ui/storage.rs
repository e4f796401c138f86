//! What the page keeps on the visitor's device, and the button that deletes it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::state::{State, set};
use super::store::{Store, look};
use crate::download::kept_sentence;

#[component]
pub fn StorageLine(state: State) -> impl IntoView {
    let storage = state.storage;
    let words = move || match (storage.kept.get(), storage.unavailable.get()) {
        (_, Some(why)) => {
            format!("This browser keeps no downloads of this page ({why}): models come anew at every visit.")
        }
        (Some(kept), _) => kept_sentence(&kept, storage.page_kept.get()),
        (None, None) => String::new(),
    };
    let delete = move |_| {
        spawn_local(async move {
            let outcome = match Store::open().await {
                Ok(store) => {
                    let cleared = store.clear().await;
                    look(storage, store).await;
                    cleared
                }
                Err(why) => Err(why),
            };
            let told = outcome.err().map(|why| format!("The downloads could not be deleted ({why})."));
            set(storage.note, told);
        });
    };
    let some = move || storage.kept.with(|kept| kept.as_ref().is_some_and(|kept| !kept.is_empty()));
    view! {
        <p id="storage">
            <span>{words}</span>
            {move || some().then(|| view! {
                <button class="quiet" id="delete-downloads" on:click=delete>"Delete downloads"</button>
            })}
        </p>
    }
}
