//! The selected head's scores, routing part, filtering part and mixing weights as linked heat maps.

use leptos::prelude::*;

use super::super::state::State;
use super::map::{KINDS, Map};
use crate::heads::Viewport;
use crate::spectra::HeadMaps;
use crate::text::visible;
use crate::words::signed;

/// One press of a zoom button or key.
const STEP: f64 = 1.5;

#[component]
pub fn Maps(state: State) -> impl IntoView {
    let shown = Memo::new(move |_| shown(state));
    let view = Memo::new(move |_| state.heads.viewport.get().kept(tokens(state)));
    let title = move || state.maps.with(|m| m.as_ref().map(|m| format!("Layer {}, head {}", m.layer + 1, m.head + 1)));
    let words = move || match shown.get() {
        Some(shown) => state.maps.with(|maps| maps.as_ref().map(|maps| shown.words(maps))),
        None => Some("The matrices follow when the model has run.".into()),
    };
    let stale = move || {
        state.maps.with(|m| m.as_ref().is_none_or(|m| (m.layer, m.head) != (state.layer.get(), state.head.get())))
    };
    view! {
        <div class="maps-head">
            <h2>{title}<span>"query by row, key by column"</span></h2>
            <Tools state=state view=view/>
        </div>
        <p class="map-words" id="map-words" aria-live="polite">{words}</p>
        <div class="maps" class:stale=stale>
            {KINDS.iter().map(|kind| view! { <Map state=state kind=*kind view=view shown=shown/> }).collect_view()}
        </div>
        <Neighbourhood state=state shown=shown/>
        <Marks state=state/>
    }
}

/// The pair of tokens that the page speaks of, and why.
#[derive(Clone, PartialEq)]
pub struct Shown {
    /// Query and key.
    pub cell: (usize, usize),
    /// Nobody chose it: it is where routing is strongest.
    pub unasked: bool,
    pub query: String,
    pub key: String,
}

/// None where there are no matrices yet.
fn shown(state: State) -> Option<Shown> {
    let count = tokens(state);
    let chosen = state.heads.pointed.get().or_else(|| state.heads.locked.get());
    let chosen = chosen.filter(|(i, j)| *i < count && *j < count);
    let cell = chosen.or_else(|| state.maps.with(|m| m.as_ref().map(|m| m.strongest_routing())))?;
    Some(Shown { cell, unasked: chosen.is_none(), query: token(state, cell.0), key: token(state, cell.1) })
}

impl Shown {
    /// The two tokens.
    pub fn pair(&self) -> String {
        format!("query {} “{}”, key {} “{}”", self.cell.0 + 1, self.query, self.cell.1 + 1, self.key)
    }

    fn words(&self, maps: &HeadMaps) -> String {
        let (i, j) = self.cell;
        let at = i * maps.tokens + j;
        let number = |values: &[f32]| signed(f64::from(values[at]), 3);
        let weight = if j <= i { format!("{:.4}", maps.weights[at]) } else { "not visible".into() };
        format!(
            "{}{}: G {} = routing {} and filtering {}; weight ({}) {weight}",
            if self.unasked { "Strongest routing: " } else { "" },
            self.pair(),
            number(&maps.scores),
            number(&maps.routing),
            number(&maps.filtering),
            maps.mode,
        )
    }
}

/// Tokens of the matrices on screen.
pub fn tokens(state: State) -> usize {
    state.maps.with(|maps| maps.as_ref().map_or(2, |maps| maps.tokens))
}

/// A token of the text, as it is shown.
pub fn token(state: State, index: usize) -> String {
    state.reading.with(|reading| {
        let found = reading.as_ref().and_then(|r| Some(visible(&r.tokenizer.decode(*r.ids.get(index)?))));
        found.unwrap_or_default()
    })
}

#[component]
fn Tools(state: State, view: Memo<Viewport>) -> impl IntoView {
    let zoom = move |factor: f64| zoom_about_cell(state, factor);
    let range = move || {
        let [rows, columns] = view.get().range(tokens(state));
        match rows == columns {
            true => format!("tokens {}–{}", rows.0, rows.1),
            false => format!("queries {}–{}, keys {}–{}", rows.0, rows.1, columns.0, columns.1),
        }
    };
    view! {
        <div class="map-tools" role="group" aria-label="Zoom of all four maps">
            <span id="map-range">{range}</span>
            <button id="map-closer" aria-label="Closer" title="Closer (+, or turn the wheel)" on:click=move |_| zoom(STEP)>"+"</button>
            <button id="map-further" aria-label="Further" title="Further (−)" on:click=move |_| zoom(1.0 / STEP)>"−"</button>
            <button id="map-whole" title="Everything (0, or double-click)"
                on:click=move |_| state.heads.viewport.set(Viewport::WHOLE)>"whole"</button>
        </div>
    }
}

/// Zooms about the held cell where it is in view, else about the middle.
pub fn zoom_about_cell(state: State, factor: f64) {
    let tokens = untrack(|| tokens(state));
    state.heads.viewport.update(|view| {
        let size = view.size(tokens);
        let at = state
            .heads
            .locked
            .get_untracked()
            .map(|(i, j)| ((j as f64 + 0.5 - view.x) / size, (i as f64 + 0.5 - view.y) / size));
        let inside = |(u, v): &(f64, f64)| (0.0..1.0).contains(u) && (0.0..1.0).contains(v);
        *view = view.kept(tokens).zoom(tokens, factor, at.filter(inside).unwrap_or((0.5, 0.5)));
    });
}

/// Exact values around the pair, as a table: what the maps show to those who see them.
#[component]
fn Neighbourhood(state: State, shown: Memo<Option<Shown>>) -> impl IntoView {
    let caption = move || shown.get().map(|s| format!("Query {} “{}”", s.cell.0 + 1, s.query));
    let rows = move || {
        let (shown, maps) = (shown.get()?, state.maps.get()?);
        let (i, j) = shown.cell;
        let first = j.saturating_sub(3).min(maps.tokens.saturating_sub(7));
        let row = |key: usize| {
            let at = i * maps.tokens + key;
            let number = |values: &[f32]| signed(f64::from(values[at]), 3);
            let weight = if key <= i { format!("{:.4}", maps.weights[at]) } else { "·".into() };
            view! {
                <tr aria-current=(key == j).to_string()>
                    <th scope="row">{key + 1}</th>
                    <td class="token-name">{token(state, key)}</td>
                    <td>{number(&maps.scores)}</td>
                    <td>{number(&maps.routing)}</td>
                    <td>{number(&maps.filtering)}</td>
                    <td>{weight}</td>
                </tr>
            }
        };
        Some((first..maps.tokens.min(first + 7)).map(row).collect_view())
    };
    view! {
        <details class="neighbourhood">
            <summary>"Exact values around this pair"</summary>
            <div class="table-scroll">
                <table class="heads">
                    <caption>{caption}</caption>
                    <thead><tr><th>"key"</th><th>"token"</th><th>"G"</th><th>"routing"</th><th>"filtering"</th><th>"weight"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
}

/// Marks the chosen query and key in the text.
#[component]
fn Marks(state: State) -> impl IntoView {
    let rules = move || {
        let (query, key) = state.heads.pointed.get().or_else(|| state.heads.locked.get())?;
        Some(format!(
            ".token[data-index='{query}'] {{ box-shadow: inset 0 0 0 2px var(--ink); border-radius: 3px; }} \
             .token[data-index='{key}'] {{ box-shadow: inset 0 -3px 0 var(--ink); }}"
        ))
    };
    view! { <style>{rules}</style> }
}
