//! The model as a stack, one row a layer: switch, routing rank, routing fraction, cost of simplifying it alone.

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;

use super::cascade::mean;
use super::state::State;
use crate::link::Pin;
use crate::model::LayerMode;
use crate::words::{change, mode_help};

/// A position of the switch: its key, and its mode for the current K.
type Position = (char, fn(u16) -> LayerMode);

const SWITCH: [Position; 8] = [
    ('S', |_| LayerMode::Softmax),
    ('L', |_| LayerMode::Linearized),
    ('E', |_| LayerMode::Elu1),
    ('U', |_| LayerMode::Uniform),
    ('R', |_| LayerMode::Routing),
    ('F', |_| LayerMode::Filtering),
    ('K', LayerMode::Rank),
    ('O', |_| LayerMode::Off),
];

#[component]
pub fn Stack(state: State) -> impl IntoView {
    let stop_painting = window_event_listener(leptos::ev::pointerup, move |_| state.painting.set(None));
    on_cleanup(move || stop_painting.remove());
    let layers = Memo::new(move |_| state.modes.with(Vec::len));
    view! {
        <div class="stack-head" aria-hidden="true">
            <span>"layer"</span>
            <span>"mode"</span>
            <span>"rank "<b class="key operating">"here"</b>" and "<b class="key capacity">"capacity"</b></span>
            <span title="Share of the scores' energy that is routing; the rest is filtering">"routing"</span>
            <span title="Change of perplexity with this layer alone linearised">"alone, L"</span>
        </div>
        <div class="stack" role="grid" aria-label="Layers, in reading order" on:keydown=move |e| key(state, &e)>
            {move || (0..layers.get()).map(|layer| view! { <Row state=state layer=layer/> }).collect_view()}
        </div>
        <p class="switch-legend">{SWITCH.iter().map(|(key, mode)| {
            let mode = *mode;
            view! {
                <span title=move || mode_help(mode(state.rank.get()))><kbd>{*key}</kbd>" "{move || mode(state.rank.get()).to_string()}</span>
            }
        }).collect_view()}</p>
    }
}

#[component]
fn Row(state: State, layer: usize) -> impl IntoView {
    let mode = Memo::new(move |_| state.modes.with(|m| m.get(layer).copied().unwrap_or(LayerMode::Softmax)));
    let selected = Memo::new(move |_| state.layer.get() == layer);
    let simplified = move || state.model.get().trained().get(layer) != Some(&mode.get());
    let values = Memo::new(move |_| state.cascade.with(|c| (c.layers.get(layer).cloned(), c.top())));
    let cost = move || match state.solo.with(|s| s.get(layer).copied().flatten()) {
        Some(perplexity) => change(perplexity, state.baseline_perplexity.get().flatten()),
        None => "·".into(),
    };
    let bars = move || {
        let (layer, top) = values.get();
        layer.map(|l| {
            let percent = move |rank: f64| format!("{:.2}%", 100.0 * (rank / top).min(1.0));
            let (operating, capacity) = (mean(&l.operating), mean(&l.capacity));
            let title = format!("mean routing rank {operating:.1} on this text, capacity {capacity:.1}");
            let dots = l.operating.iter().map(|rank| view! { <i style:left=percent(*rank)></i> }).collect_view();
            view! {
                <span class="bar" role="gridcell" title=title>
                    <span class="capacity" style:width=percent(capacity)></span>
                    <span class="operating" style:width=percent(operating)></span>
                    {dots}
                    <b>{format!("{operating:.1}")}</b>
                </span>
            }
        })
    };
    let fraction = move || {
        values.get().0.map(|l| {
            let share = format!("{:.0}%", 100.0 * mean(&l.fraction));
            view! {
                <span class="fraction" role="gridcell" title="routing, and the rest filtering">
                    <i style:width=share.clone()></i><b>{share}</b>
                </span>
            }
        })
    };
    let enter = move |_: PointerEvent| {
        if let Some(mode) = state.painting.get_untracked() {
            state.paint(layer, mode);
        }
    };
    let place =
        move || values.get().0.is_none().then(|| view! { <span role="gridcell"></span><span role="gridcell"></span> });
    view! {
        <div class="row" role="row" tabindex=move || if selected.get() { "0" } else { "-1" }
            data-layer=layer + 1 data-mode=move || mode.get().to_string()
            aria-selected=move || selected.get().to_string() class:simplified=simplified
            aria-label=move || format!("Layer {}, {}", layer + 1, mode.get())
            on:click=move |_| state.layer.set(layer) on:pointerenter=enter>
            <span class="number" role="rowheader">{layer + 1}</span>
            <span class="switch" role="gridcell" on:click=move |e| e.stop_propagation()>
                {SWITCH.iter().map(|(key, of)| view! {
                    <Choice state=state layer=layer key=*key of=*of mode=mode/>
                }).collect_view()}
            </span>
            {bars}
            {fraction}
            {place}
            <span class="cost" role="gridcell">{cost}</span>
        </div>
    }
}

#[component]
fn Choice(state: State, layer: usize, key: char, of: fn(u16) -> LayerMode, mode: Memo<LayerMode>) -> impl IntoView {
    let mine = move || of(state.rank.get());
    let press = move |event: PointerEvent| {
        // A touch would hold on to this button; let it go, so that a drag reaches the other rows.
        if let Some(target) = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) {
            let _ = target.release_pointer_capture(event.pointer_id());
        }
        state.begin_painting(layer, of(state.rank.get_untracked()));
    };
    view! {
        <button type="button" tabindex="-1" disabled=move || state.share.locks(Pin::Modes) data-set-mode=move || mine().to_string()
            aria-pressed=move || (mode.get() == mine()).to_string()
            title=move || format!("{}: {}", mine(), mode_help(mine()))
            on:pointerdown=press on:click=move |_| state.set_mode(layer, of(state.rank.get_untracked()))>
            {key}
        </button>
    }
}

/// Arrows move, letters set modes; with Shift a letter sets every layer from the first to this one.
fn key(state: State, event: &KeyboardEvent) {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let last = state.modes.with_untracked(Vec::len).saturating_sub(1);
    let layer = state.layer.get_untracked();
    let target = match event.key().as_str() {
        "ArrowUp" => layer.saturating_sub(1),
        "ArrowDown" => (layer + 1).min(last),
        "Home" => 0,
        "End" => last,
        other => {
            let letter = other.chars().next().filter(|_| other.chars().count() == 1);
            let found = SWITCH.iter().find(|(key, _)| letter.is_some_and(|l| l.eq_ignore_ascii_case(key)));
            if let Some((_, mode)) = found {
                event.prevent_default();
                let first = if event.shift_key() { 0 } else { layer };
                state.fill(first..=layer, mode(state.rank.get_untracked()));
            }
            return;
        }
    };
    event.prevent_default();
    state.layer.set(target);
    // Focus follows the selection.
    let row = document().query_selector(&format!("[data-layer='{}']", target + 1)).ok().flatten();
    if let Some(row) = row.and_then(|r| r.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = row.focus();
    }
}
