//! Every head of the model as a small mark, to choose one from.

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;

use super::super::state::{State, set};
use crate::heads::{HeadFigures, Order, head_sentence};

#[component]
pub fn Grid(state: State) -> impl IntoView {
    let heads = Memo::new(move |_| {
        let (solo, baseline) = (state.solo.get(), state.baseline_perplexity.get().flatten());
        // An overflow has no number, and is dearer than any.
        let cost = |layer: usize| {
            let perplexity = solo.get(layer).copied().flatten()?;
            Some(perplexity.map_or(f64::INFINITY, |p| p / baseline.unwrap_or(f64::NAN)))
        };
        let mut heads = state.cascade.with(|cascade| cascade.heads(cost));
        state.heads.order.get().sort(&mut heads);
        heads
    });
    let top = Memo::new(move |_| state.cascade.with(|cascade| cascade.top()));
    let cells = move || heads.with(|heads| heads.iter().map(|h| (h.layer, h.head)).collect::<Vec<_>>());
    let columns = move || format!("repeat({}, minmax(0, 1fr))", state.model.get().heads);
    let keys = move |event: KeyboardEvent| {
        let at = cursor(state);
        let place = heads.with_untracked(|heads| heads.iter().position(|h| (h.layer, h.head) == at)).unwrap_or(0);
        if matches!(event.key().as_str(), "Enter" | " ") {
            event.prevent_default();
            select(state, at);
            return;
        }
        let (count, columns) = (heads.with_untracked(Vec::len), state.model.get_untracked().heads);
        let Some(next) = neighbour(place, &event.key(), columns, count) else { return };
        event.prevent_default();
        let Some(next) = heads.with_untracked(|heads| heads.get(next).map(|h| (h.layer, h.head))) else { return };
        state.heads.cursor.set(Some(next));
        focus(next);
    };
    // The keyboard begins at the selected head again when it comes back.
    let left = move |event: FocusEvent| {
        let next = event.related_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
        if !next.is_some_and(|next| next.closest(".head-grid").is_ok_and(|grid| grid.is_some())) {
            set(state.heads.cursor, None);
        }
    };
    let chosen = Memo::new(move |_| {
        let at = (state.layer.get(), state.head.get());
        heads.with(|heads| heads.iter().find(|h| (h.layer, h.head) == at).copied())
    });
    let unknown = move || {
        let none = heads.with(|heads| heads.iter().all(|h| h.layer_cost.is_none()));
        (state.heads.order.get() == Order::LayerCost && none).then_some(
            "The costs follow once each layer has been linearised alone; on the CPU engine they are not run.",
        )
    };
    view! {
        <div class="grid-head">
            <h2>"Heads"<span>"layer.head"</span></h2>
            <select id="head-order" aria-label="Order of the heads"
                on:change=move |e| { if let Some(order) = Order::find(&event_target_value(&e)) { state.heads.order.set(order) } }>
                {Order::ALL.map(|order| view! {
                    <option value=order.id() selected=move || state.heads.order.get() == order>{order.title()}</option>
                })}
            </select>
        </div>
        <div class="head-grid" role="listbox" aria-label="Heads; arrow keys move, Enter selects"
            style:grid-template-columns=columns on:keydown=keys on:focusout=left>
            <For each=cells key=|at| *at let:at><Cell state=state at=at heads=heads top=top/></For>
        </div>
        <p class="grid-key" aria-hidden="true">
            <span class="operating">"rank here"</span><span class="capacity">"capacity"</span>
            <span class="routing">"routing"</span><span class="filtering">"filtering"</span>
        </p>
        <p class="head-sentence" aria-live="polite">{move || chosen.get().map(|h| head_sentence(&h))}</p>
        <p class="cut">{unknown}</p>
    }
}

/// Ranks as in the stack, operating filled and capacity outlined; below, how energy is split between routing
/// and filtering.
#[component]
fn Cell(state: State, at: (usize, usize), heads: Memo<Vec<HeadFigures>>, top: Memo<f64>) -> impl IntoView {
    let figures = Memo::new(move |_| heads.with(|heads| heads.iter().find(|h| (h.layer, h.head) == at).copied()));
    let selected = move || (state.layer.get(), state.head.get()) == at;
    let glyph = move || {
        figures.get().map(|h| {
            let width = |rank: f64| format!("{:.2}", 40.0 * (rank / top.get()).min(1.0));
            let share = format!("{:.2}", 40.0 * h.fraction);
            view! {
                <svg viewBox="0 0 40 12" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="capacity" x="0" y="0.5" height="5" width=width(h.capacity)></rect>
                    <rect class="operating" x="0" y="0.5" height="5" width=width(h.operating)></rect>
                    <rect class="filtering" x="0" y="8.5" height="3" width="40"></rect>
                    <rect class="routing" x="0" y="8.5" height="3" width=share></rect>
                </svg>
            }
        })
    };
    let label = move || {
        figures.get().map(|h| {
            format!(
                "Layer {}, head {}: effective rank {:.1} of {:.1}, routing {:.0} %",
                at.0 + 1,
                at.1 + 1,
                h.operating,
                h.capacity,
                100.0 * h.fraction
            )
        })
    };
    view! {
        <div class="head-cell" role="option" data-head=name(at) title=label aria-label=label
            aria-selected=move || selected().to_string()
            tabindex=move || if cursor(state) == at { "0" } else { "-1" }
            on:click=move |_| select(state, at)>
            <span>{name(at)}</span>
            {glyph}
        </div>
    }
}

fn name(at: (usize, usize)) -> String {
    format!("{}.{}", at.0 + 1, at.1 + 1)
}

/// Where the keyboard is; read inside a view it follows the signals.
fn cursor(state: State) -> (usize, usize) {
    let selected = (state.layer.get(), state.head.get());
    state.heads.cursor.get().unwrap_or(selected)
}

fn select(state: State, at: (usize, usize)) {
    set(state.layer, at.0);
    set(state.head, at.1);
}

/// The place in the grid that a key leads to.
fn neighbour(place: usize, key: &str, columns: usize, count: usize) -> Option<usize> {
    let next = match key {
        "ArrowLeft" => place.checked_sub(1)?,
        "ArrowRight" => place + 1,
        "ArrowUp" => place.checked_sub(columns)?,
        "ArrowDown" => place + columns,
        "Home" => 0,
        "End" => count.checked_sub(1)?,
        _ => return None,
    };
    (next < count).then_some(next)
}

fn focus(at: (usize, usize)) {
    let cell = document().query_selector(&format!("[data-head='{}']", name(at))).ok().flatten();
    if let Some(cell) = cell.and_then(|cell| cell.dyn_into::<web_sys::HtmlElement>().ok()) {
        // A cell that cannot take the focus leaves it where it was.
        let _ = cell.focus();
    }
}
