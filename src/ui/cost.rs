//! What the current switches cost in arithmetic, parameters and memory.

use leptos::prelude::*;

use super::state::State;

#[component]
pub fn Cost(state: State) -> impl IntoView {
    let _ = state;
    view! { <h2>"What the current switches cost in arithmetic, parameters and memory."</h2> }
}
