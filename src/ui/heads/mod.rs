//! One layer, one head: choose it, see what it does to this text, and what its weights are.

mod grid;
mod map;
mod maps;
mod planes;
mod spectra;
mod table;
mod twin;

use leptos::prelude::*;

use super::state::State;

#[component]
pub fn Heads(state: State) -> impl IntoView {
    view! {
        <div class="heads-view">
            <section class="heads-choose" aria-label="Choose a head">
                <grid::Grid state=state/>
                <table::Table state=state/>
            </section>
            <section class="heads-maps" aria-label="Matrices of the selected head">
                <maps::Maps state=state/>
            </section>
            <section class="heads-spectra" aria-label="Spectra of the selected head">
                <spectra::Spectra state=state/>
            </section>
            <section class="heads-planes" aria-label="Rotation planes of the selected head">
                <planes::Planes state=state/>
            </section>
        </div>
    }
}

/// The id of a file about the selected head.
fn of_head(state: State, what: &str) -> String {
    format!("{what}-l{}h{}", state.layer.get() + 1, state.head.get() + 1)
}

/// Its title.
fn titled(state: State, what: &str) -> String {
    format!("{what}: layer {}, head {}", state.layer.get() + 1, state.head.get() + 1)
}
