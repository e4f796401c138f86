//! Title, menus, engine, and what the page has to say to the user.

use leptos::prelude::*;

use super::Shown;
use super::share::{Restrictions, ShareButton, Verdict};
use super::state::{EngineState, Phase, Progress, State, Storage};
use crate::link::{Part, Pin, TextChoice};
use crate::text::{PASSAGES, passage};
use crate::words::megabytes;
use crate::zoo::{MODELS, ModelEntry};

#[component]
pub fn Header(state: State) -> impl IntoView {
    let choose_passage = move |event| {
        let id = event_target_value(&event);
        match passage(&id) {
            Some(passage) => state.choose_text(TextChoice::Passage(passage.id)),
            // "Your own text" starts from what is on screen.
            None => state.choose_text(TextChoice::Own(state.text.with_untracked(|t| t.text().to_string()))),
        }
    };
    let chosen = move || match state.text.get() {
        TextChoice::Passage(id) => id,
        TextChoice::Own(_) => "own",
    };
    view! {
        <header class="top">
            <h1>"Cascade"<span class="tagline">"how attention routes and filters"</span></h1>
            <Shown state=state part=Part::Model>
                <label class="menu">
                    <span>"Model"</span>
                    <select id="model-select" disabled=move || state.share.locks(Pin::Model) prop:value=move || state.model.get().id
                        on:change=move |e| state.choose_model(&event_target_value(&e))>
                        {MODELS.iter().map(|m| view! {
                            <option value=m.id selected=move || state.model.get().id == m.id>
                                {move || model_label(m, state.storage)}
                            </option>
                        }).collect_view()}
                    </select>
                </label>
            </Shown>
            <Shown state=state part=Part::Passage>
                <label class="menu">
                    <span>"Text"</span>
                    <select id="passage-select" disabled=move || state.share.locks(Pin::Text) prop:value=chosen on:change=choose_passage>
                        {PASSAGES.iter().map(|p| view! {
                            <option value=p.id selected=move || chosen() == p.id>{p.title}</option>
                        }).collect_view()}
                        <option value="own" selected=move || chosen() == "own">"Your own text"</option>
                    </select>
                </label>
            </Shown>
            <Shown state=state part=Part::Engine>
                <div class="engine" class:on-cpu=move || state.engine.get().message.is_some()>
                    <span id="engine-label">{move || state.engine.get().label.unwrap_or_else(|| "starting…".into())}</span>
                    <span class="activity" role="status">{move || match state.phase.get() {
                        Phase::Loading => "loading",
                        Phase::Running => "computing",
                        Phase::Ready => "live",
                        Phase::Error(_) => "stopped",
                    }}</span>
                </div>
            </Shown>
            <Shown state=state part=Part::Share>
                <ShareButton state=state/>
            </Shown>
        </header>
    }
}

/// A model's line in the menu: without a network it says which ones cannot come.
fn model_label(model: &ModelEntry, storage: Storage) -> String {
    let size = megabytes(model.bytes);
    match storage.online.get() || storage.has(model.sha256) {
        true => format!("{} ({size})", model.title),
        false => format!("{} ({size}, not downloaded; you are offline)", model.title),
    }
}

/// Progress, errors, why there is no GPU, and what of a link was ignored.
#[component]
pub fn Messages(state: State) -> impl IntoView {
    // Only its numbers change while it is there: a button that is made anew under the pointer cannot be clicked.
    let part = move |f: fn(&Progress) -> u64| state.progress.with(|p| p.as_ref().map_or(0, f));
    let words = move || {
        let (done, from, total) = (part(|p| p.done), part(|p| p.from), part(|p| p.total));
        let begun = if from > 0 { format!(", resumed at {}", megabytes(from)) } else { String::new() };
        format!("{} of {}{begun}", megabytes(done).trim_end_matches(" MB"), megabytes(total))
    };
    let progress = view! {
        <Show when=move || state.progress.with(Option::is_some)>
            <div id="progress" role="status">
                <span class="what">{move || state.model.get().title}</span>
                <progress max=move || part(|p| p.total).to_string() prop:value=move || part(|p| p.done) as f64
                    value=move || part(|p| p.done).to_string() aria-label="Download of the model"></progress>
                <span>{words}</span>
                <button class="quiet" on:click=move |_| state.storage.abort()>"Cancel"</button>
            </div>
        </Show>
    };
    let error = move || {
        state.phase.get().error().map(|message| {
            view! {
                <div id="error" class="message bad" role="alert">
                    <span>{message}</span>
                    <button class="quiet" on:click=move |_| state.attempts.update(|n| *n += 1)>"Try again"</button>
                </div>
            }
        })
    };
    let engine = move || {
        let EngineState { message, again, .. } = state.engine.get();
        message.map(|message| {
            let again = again.then(|| {
                view! {
                    <button class="quiet" id="gpu-again" on:click=move |_| state.gpu_requests.update(|n| *n += 1)>
                        "Try the GPU again"
                    </button>
                }
            });
            view! { <div id="engine-message" class="message">{message}{again}</div> }
        })
    };
    let storage_note = move || {
        let note = state.storage.note;
        note.get().map(|text| {
            view! {
                <div id="storage-note" class="message" role="status">
                    {text}<button class="quiet" on:click=move |_| note.set(None)>"Close"</button>
                </div>
            }
        })
    };
    let notes = move || {
        let notes = [state.link_notes.get(), state.text_notes.get()].concat();
        (!notes.is_empty()).then(|| {
            view! {
                <ul id="notice" class="message">
                    {notes.into_iter().map(|note| view! { <li>{note}</li> }).collect_view()}
                </ul>
            }
        })
    };
    view! { <div class="messages">{progress}{error}{engine}{storage_note}{notes}<Verdict state=state/><Restrictions state=state/></div> }
}

#[component]
pub fn Footer(state: State) -> impl IntoView {
    view! {
        <footer>
            <super::storage::StorageLine state=state/>
            <p>
                "After “The Routing and Filtering Structure of Attention”, Jamil and Kapadia, "
                <a href="https://arxiv.org/abs/2605.18826">"arXiv 2605.18826"</a>
                ". Where its abstract is silent this is our reading of the paper. Everything runs on your own device."
            </p>
        </footer>
    }
}
