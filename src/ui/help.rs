//! Help: the tour's chapters, the keys, and the glossary, in one dialog.

use leptos::ev::KeyboardEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;

use super::dialog::follow;
use super::state::State;
use crate::explain::{CHAPTERS, GLOSSARY, KEYS, chapter_start};

#[component]
pub fn HelpButton(state: State) -> impl IntoView {
    let explain = state.explain;
    let keys = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        if event.key() == "?" && !typing(&event) {
            explain.open_help();
        }
    });
    on_cleanup(move || keys.remove());
    view! {
        <button class="quiet" id="help" class:fresh=move || !explain.seen.get() aria-haspopup="dialog"
            on:click=move |_| explain.open_help()>{move || if explain.seen.get() { "Help" } else { "New here?" }}</button>
        <HelpDialog state=state/>
    }
}

/// Whether the key goes into a field.
fn typing(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|t| matches!(t.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

#[component]
fn HelpDialog(state: State) -> impl IntoView {
    let open = state.explain.help;
    let dialog = NodeRef::<Dialog>::new();
    follow(dialog, open);
    view! {
        <dialog id="help-dialog" node_ref=dialog aria-labelledby="help-title" on:close=move |_| open.set(false)>
            <div class="share-head">
                <h2 id="help-title">"Help"</h2>
                <button class="quiet" aria-label="Close" on:click=move |_| open.set(false)>"✕"</button>
            </div>
            <Show when=move || open.get()>
                <h3>"A tour in three chapters"</h3>
                <Show when=move || state.can_tour() fallback=|| view! {
                    <p>"This link pins or leaves out parts of the page, so the tour cannot lead through it."</p>
                }>
                    <ol class="chapters">{CHAPTERS.iter().enumerate().map(|(i, chapter)| view! {
                        <li><button data-chapter=i + 1 on:click=move |_| state.tour_to(chapter_start(i))>{*chapter}</button></li>
                    }).collect_view()}</ol>
                </Show>
                <h3>"Keys"</h3>
                <dl class="keys">{KEYS.iter().map(|(keys, what)| view! {
                    <dt><kbd>{*keys}</kbd></dt><dd>{*what}</dd>
                }).collect_view()}</dl>
                <h3>"Glossary"</h3>
                <dl class="glossary">{GLOSSARY.iter().map(|term| view! {
                    <dt>{term.word}</dt><dd>{term.meaning}</dd>
                }).collect_view()}</dl>
            </Show>
        </dialog>
    }
}

/// What to look at under the present switches.
#[component]
pub fn Notice(state: State) -> impl IntoView {
    let list = move || {
        let model = state.model.get();
        let sd = model.id.starts_with("sd");
        let found = state.modes.with(|modes| crate::explain::notice(modes, &model.trained(), sd));
        found.into_iter().map(|text| view! { <li>{text}</li> }).collect_view()
    };
    view! {
        <details class="to-notice">
            <summary>"What should I notice?"</summary>
            <ul>{list}</ul>
        </details>
    }
}
