//! Two models under the same switches.

use leptos::prelude::*;

use super::state::State;

#[component]
pub fn Compare(state: State) -> impl IntoView {
    let _ = state;
    view! { <h2>"Two models under the same switches."</h2> }
}
