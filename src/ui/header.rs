//! Title, menus, engine, and what the page has to say to the user.

use leptos::prelude::*;

use super::Shown;
use super::share::{Restrictions, ShareButton, Verdict};
use super::state::{Phase, State};
use crate::link::{Part, Pin, TextChoice};
use crate::text::{PASSAGES, passage};
use crate::words::megabytes;
use crate::zoo::MODELS;

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
                                {format!("{} ({})", m.title, megabytes(m.bytes))}
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

/// Progress, errors, why there is no GPU, and what of a link was ignored.
#[component]
pub fn Messages(state: State) -> impl IntoView {
    let progress = move || {
        state.progress.get().map(|p| {
            let text = format!("{} of {}", megabytes(p.done).trim_end_matches(" MB"), megabytes(p.total));
            view! {
                <div id="progress" role="status">
                    <progress max=p.total.to_string() prop:value=p.done as f64 value=p.done.to_string()
                        aria-label="Download of the model"></progress>
                    <span>{text}</span>
                    <button class="quiet" on:click=move |_| {
                        state.phase.set(Phase::Error("The download was cancelled.".into()));
                        state.attempts.update_untracked(|n| *n += 1);
                    }>"Cancel"</button>
                </div>
            }
        })
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
        state.engine.get().message.map(|message| view! { <div id="engine-message" class="message">{message}</div> })
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
    view! { <div class="messages">{progress}{error}{engine}{notes}<Verdict state=state/><Restrictions state=state/></div> }
}

#[component]
pub fn Footer() -> impl IntoView {
    view! {
        <footer>
            <p>
                "After “The Routing and Filtering Structure of Attention”, Jamil and Kapadia, "
                <a href="https://arxiv.org/abs/2605.18826">"arXiv 2605.18826"</a>
                ". Where its abstract is silent this is our reading of the paper. Everything runs on your own device."
            </p>
        </footer>
    }
}
