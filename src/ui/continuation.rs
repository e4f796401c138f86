//! The text continued, baseline and modified side by side.

use leptos::prelude::*;

use super::state::State;

#[component]
pub fn Continuation(state: State) -> impl IntoView {
    let _ = state;
    view! { <h2>"The text continued, baseline and modified side by side."</h2> }
}
