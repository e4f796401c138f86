//! What computes the figures, and how exactly.

use leptos::prelude::*;

use super::state::State;

#[component]
pub fn Numerics(state: State) -> impl IntoView {
    let _ = state;
    view! { <h2>"What computes the figures, and how exactly."</h2> }
}
