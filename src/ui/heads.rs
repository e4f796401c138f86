//! The selected layer's heads, and one head's matrices.

use leptos::prelude::*;

use super::state::State;
use super::{details, maps};

#[component]
pub fn Heads(state: State) -> impl IntoView {
    view! {
        <div class="heads-view">
            <section class="details-panel" aria-label="Heads of the selected layer">
                <details::Details state=state/>
            </section>
            <section class="maps-panel" aria-label="Matrices of the selected head">
                <maps::Maps state=state/>
            </section>
        </div>
    }
}
