//! The tour's card, and the mark around what it speaks of.

use leptos::ev::KeyboardEvent;
use leptos::html::Section;
use leptos::prelude::*;

use super::state::State;
use crate::explain::{CHAPTERS, STEPS};

/// Class of the part of the page that the step is about.
const MARK: &str = "toured";

#[component]
pub fn Tour(state: State) -> impl IntoView {
    let step = state.explain.step;
    let card = NodeRef::<Section>::new();
    Effect::new(move |_| {
        unmark();
        let Some(step) = step.get().and_then(|at| STEPS.get(at)) else { return };
        // The scene is drawn first.
        request_animation_frame(move || mark(step.target));
        if let Some(card) = card.get() {
            // A card that cannot take the focus is read all the same.
            let _ = card.focus();
        }
    });
    let keys = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        if event.key() == "Escape" && step.get_untracked().is_some() && !state.explain.help.get_untracked() {
            state.end_tour();
        }
    });
    on_cleanup(move || keys.remove());
    let at = move || step.get().unwrap_or(0);
    let last = move || at() + 1 == STEPS.len();
    let back = move |_| state.tour_to(at().saturating_sub(1));
    let next = move |_| state.tour_to(at() + 1);
    view! {
        <Show when=move || step.get().is_some()>
            <section id="tour" node_ref=card tabindex="-1" role="region" aria-label="Tour" aria-live="polite">
                <p class="tour-place">{move || format!("{} · {}", STEPS[at()].chapter + 1, CHAPTERS[STEPS[at()].chapter])}
                    <span>{move || format!("{} of {}", at() + 1, STEPS.len())}</span></p>
                <h2>{move || STEPS[at()].title}</h2>
                <p>{move || STEPS[at()].text}</p>
                <div class="tour-buttons">
                    <button class="quiet" id="tour-end" on:click=move |_| state.end_tour()>{move || if last() { "Close" } else { "End the tour" }}</button>
                    <button id="tour-back" disabled=move || at() == 0 on:click=back>"Back"</button>
                    <button id="tour-next" class="primary" on:click=next>{move || if last() { "Done" } else { "Next" }}</button>
                </div>
            </section>
        </Show>
    }
}

fn mark(target: &str) {
    let Some(element) = document().query_selector(target).ok().flatten() else { return };
    // A class that cannot be set leaves the element unmarked, and that is all.
    let _ = element.class_list().add_1(MARK);
    let options = web_sys::ScrollIntoViewOptions::new();
    options.set_block(web_sys::ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

fn unmark() {
    while let Some(element) = document().query_selector(&format!(".{MARK}")).ok().flatten() {
        if element.class_list().remove_1(MARK).is_err() {
            return;
        }
    }
}
