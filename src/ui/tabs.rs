//! What is open below the stack, one thing at a time; only that is drawn and computed.

use leptos::prelude::*;

use super::state::State;
use super::{compare, continuation, cost, heads, numerics, sweep};
use crate::link::{Pin, View};

#[component]
pub fn Tabs(state: State) -> impl IntoView {
    let open = move || state.view.get();
    // Left and right walk over the tabs, as the pattern for tabs has it.
    let walk = move |event: leptos::ev::KeyboardEvent| {
        let Some(view) = neighbour(open(), &event.key()) else { return };
        event.prevent_default();
        state.open_view(view);
        focus(view);
    };
    let tabs = View::ALL.map(|view| {
        view! {
            <button role="tab" id=format!("tab-{}", view.id()) aria-controls="panel"
                aria-selected=move || (open() == view).to_string() tabindex=move || if open() == view { 0 } else { -1 }
                disabled=move || open() != view && state.share.locks(Pin::View)
                on:click=move |_| state.open_view(view)>{view.title()}</button>
        }
    });
    let panel = move || match open() {
        View::Heads => view! { <heads::Heads state=state/> }.into_any(),
        View::Sweep => view! { <sweep::Sweep state=state/> }.into_any(),
        View::Cost => view! { <cost::Cost state=state/> }.into_any(),
        View::Continuation => view! { <continuation::Continuation state=state/> }.into_any(),
        View::Compare => view! { <compare::Compare state=state/> }.into_any(),
        View::Numerics => view! { <numerics::Numerics state=state/> }.into_any(),
    };
    view! {
        <div class="tabs" role="tablist" aria-label="Closer looks" on:keydown=walk>{tabs}</div>
        <section id="panel" role="tabpanel" aria-labelledby=move || format!("tab-{}", open().id())>{panel}</section>
    }
}

/// The tab that a key leads to.
fn neighbour(view: View, key: &str) -> Option<View> {
    let (count, at) = (View::ALL.len(), View::ALL.iter().position(|v| *v == view)?);
    match key {
        "ArrowRight" => Some(View::ALL[(at + 1) % count]),
        "ArrowLeft" => Some(View::ALL[(at + count - 1) % count]),
        "Home" => Some(View::ALL[0]),
        "End" => Some(View::ALL[count - 1]),
        _ => None,
    }
}

fn focus(view: View) {
    use leptos::wasm_bindgen::JsCast;
    let tab = document().get_element_by_id(&format!("tab-{}", view.id()));
    if let Some(tab) = tab.and_then(|tab| tab.dyn_into::<leptos::web_sys::HtmlElement>().ok()) {
        // A tab that cannot take the focus leaves it where it was.
        let _ = tab.focus();
    }
}
