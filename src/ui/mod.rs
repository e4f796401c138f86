//! The page. `state` owns every signal, `driver` does the work in the background, components only wire.

mod about;
mod cascade;
mod compare;
mod continuation;
mod cost;
mod dialog;
mod driver;
mod export;
mod fetch;
mod header;
mod heads;
mod help;
mod history;
mod library;
mod loaded;
mod machine;
mod numerics;
mod offline;
mod plot;
mod save;
mod share;
mod stack;
mod state;
mod storage;
mod store;
mod summary;
mod sweep;
mod tabs;
mod text_view;
mod tour;
mod twin;

use leptos::prelude::*;

use crate::link::Part;
use state::State;

/// Puts the page into the document's body.
pub fn start() {
    if let Some(shell) = document().get_element_by_id("shell") {
        shell.remove();
    }
    mount_to_body(App);
    mark("cascade: content");
}

/// Notes a moment of the start among the browser's performance marks.
fn mark(name: &str) {
    if let Some(performance) = window().performance() {
        // A mark that is refused is only missing from a profile.
        let _ = performance.mark(name);
    }
}

#[component]
fn App() -> impl IntoView {
    let state = State::new(&history::fragment());
    history::follow(state);
    driver::follow(state);
    offline::follow(state);
    let embedded = move || state.share.embed.get();
    view! {
        <Show when=move || !embedded()>
            <header::Header state=state/>
            <tour::Tour state=state/>
        </Show>
        <Shown state=state part=Part::Card>
            <about::About state=state/>
        </Shown>
        <header::Messages state=state/>
        <main class:embed=embedded>
            <div class="column">
                <Shown state=state part=Part::Stack>
                    <section class="stack-panel" aria-label="Layers">
                        <stack::Stack state=state/>
                    </section>
                </Shown>
                <Shown state=state part=Part::Text>
                    <section class="text-panel" aria-label="Text">
                        <text_view::TextView state=state/>
                    </section>
                </Shown>
            </div>
            <div class="column">
                <section class="side-panel" aria-label="Result">
                    <Shown state=state part=Part::Numbers>
                        <summary::Numbers state=state/>
                    </Shown>
                    <Shown state=state part=Part::Presets>
                        <summary::Presets state=state/>
                    </Shown>
                    <Shown state=state part=Part::Figure>
                        <summary::CascadeFigure state=state/>
                    </Shown>
                </section>
            </div>
            <Shown state=state part=Part::Tabs>
                <tabs::Tabs state=state/>
            </Shown>
        </main>
        <Show when=embedded fallback=move || view! { <header::Footer state=state/> }>
            <share::EmbedFooter state=state/>
        </Show>
        <script id="report" type="application/json" data-state=move || state.phase.get().name()
            data-error=move || state.phase.get().error() prop:textContent=move || state.report.get()></script>
    }
}

/// A part of the page, unless the link leaves it out or the page is embedded and too small for it.
#[component]
fn Shown(state: State, part: Part, children: ChildrenFn) -> impl IntoView {
    let shown = Memo::new(move |_| !state.share.hides(part) && (part.embedded() || !state.share.embed.get()));
    view! { <Show when=move || shown.get()>{children()}</Show> }
}
