//! The page. `state` owns every signal, `driver` does the work in the background, components only wire.

mod about;
mod cascade;
mod compare;
mod continuation;
mod cost;
mod driver;
mod fetch;
mod header;
mod heads;
mod history;
mod loaded;
mod machine;
mod numerics;
mod plot;
mod stack;
mod state;
mod summary;
mod sweep;
mod tabs;
mod text_view;

use leptos::prelude::*;

use state::State;

/// Puts the page into the document's body.
pub fn start() {
    if let Some(shell) = document().get_element_by_id("shell") {
        shell.remove();
    }
    mount_to_body(App);
}

#[component]
fn App() -> impl IntoView {
    let state = State::new(&history::fragment());
    history::follow(state);
    driver::follow(state);
    view! {
        <header::Header state=state/>
        <about::About state=state/>
        <header::Messages state=state/>
        <main>
            <div class="column">
                <section class="stack-panel" aria-label="Layers">
                    <stack::Stack state=state/>
                </section>
                <section class="text-panel" aria-label="Text">
                    <text_view::TextView state=state/>
                </section>
            </div>
            <div class="column">
                <section class="side-panel" aria-label="Result">
                    <summary::Numbers state=state/>
                    <summary::Presets state=state/>
                    <summary::CascadeFigure state=state/>
                </section>
            </div>
            <tabs::Tabs state=state/>
        </main>
        <header::Footer/>
        <script id="report" type="application/json" data-state=move || state.phase.get().name()
            data-error=move || state.phase.get().error() prop:textContent=move || state.report.get()></script>
    }
}
