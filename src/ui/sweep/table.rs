//! The sweep's figures as a table.

use leptos::prelude::*;

use super::super::state::State;
use super::{main_curves, twin, twin_curves};
use crate::link::Pin;
use crate::sweep::{Curves, Kind, SWEPT};
use crate::words::{change, short};
use crate::zoo::ModelEntry;

/// The same figures as a table; a cell sets the layers.
#[component]
pub fn Table(state: State) -> impl IntoView {
    let both = Memo::new(move |_| state.sweep.twin_curves.with(Option::is_some) && state.sweep.with_twin.get());
    let head = move || {
        let title = |entry: Option<&'static ModelEntry>| {
            view! { <th colspan=SWEPT.len() scope="colgroup">{entry.map(|e| short(e.title))}</th> }
        };
        view! { <tr><th></th>{title(Some(state.model.get()))}{both.get().then(|| title(twin(state)))}</tr> }
    };
    let names = move || {
        let one = || {
            SWEPT
                .iter()
                .enumerate()
                .map(|(i, m)| view! { <th class=format!("curve-{i}") scope="col">{m.to_string()}</th> })
        };
        view! { {one().collect_view()}{both.get().then(|| one().collect_view())} }
    };
    let rows = move || {
        let kind = state.sweep.kind.get();
        let points = kind.points(state.model.get().layers);
        points.map(|k| view! { <Row state=state kind=kind k=k both=both/> }).collect_view()
    };
    view! {
        <div class="table-scroll">
            <table class="heads sweep-table">
                <caption>"Change of perplexity against the model’s own baseline; press a cell to set the layers so."</caption>
                <thead>{head}<tr><th scope="col">"k"</th>{names}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(state: State, kind: Kind, k: usize, both: Memo<bool>) -> impl IntoView {
    let cells = move |of: fn(State) -> Option<Curves>, model: &'static str| {
        let cell = move |(i, mode): (usize, &'static crate::model::LayerMode)| {
            let text = move || {
                let curves = of(state);
                curves.and_then(|c| Some(change(c.at(i, k)?, c.baseline))).unwrap_or_else(|| "·".into())
            };
            view! {
                <td><button class="quiet" disabled=move || state.share.locks(Pin::Modes) data-model=model data-k=k data-mode=mode.to_string()
                    on:click=move |_| state.set_point(kind, k, *mode)>{text}</button></td>
            }
        };
        SWEPT.iter().enumerate().map(cell).collect_view()
    };
    view! {
        <tr aria-current=move || (state.sweep.k.get() == Some(k)).to_string()>
            <th scope="row">{k}</th>
            {cells(main_curves, "main")}
            {move || both.get().then(|| cells(twin_curves, "twin"))}
        </tr>
    }
}
