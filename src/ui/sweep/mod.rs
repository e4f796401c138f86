//! The sweep: what simplifying costs, as curves and as a table whose cells set the layers.

mod crosshair;
mod table;

use leptos::prelude::*;

use super::export::Save;
use super::plot::{Sweep as Figure, sweep};
use super::state::{State, TwinState};
use crate::export::Column;
use crate::sweep::{Curves, Kind, SWEPT, about, columns, estimate, sentence};
use crate::words::megabytes;
use crate::zoo::{self, ModelEntry};
use crosshair::{Crosshair, Readout};
use table::Table;

fn twin(state: State) -> Option<&'static ModelEntry> {
    zoo::find(state.model.get().twin)
}

fn on_cpu(state: State) -> bool {
    state.engine.with(|e| e.label.as_ref().is_some_and(|label| label.starts_with("CPU")))
}

/// Curves of the kind that is chosen, while they are wanted.
fn main_curves(state: State) -> Option<Curves> {
    state.sweep.curves.get().filter(|c| c.kind == state.sweep.kind.get())
}

fn twin_curves(state: State) -> Option<Curves> {
    let wanted = state.sweep.with_twin.get();
    state.sweep.twin_curves.get().filter(|c| wanted && c.kind == state.sweep.kind.get())
}

fn columns_now(state: State) -> Vec<Column> {
    let (main, other) = (main_curves(state), twin_curves(state));
    let ids = [state.model.get().id, state.model.get().twin];
    let models: Vec<_> = ids.into_iter().zip([&main, &other]).filter_map(|(id, c)| Some((id, c.as_ref()?))).collect();
    columns(state.sweep.kind.get(), state.model.get().layers, &models)
}

#[component]
pub fn Sweep(state: State) -> impl IntoView {
    let layers = move || state.model.get().layers;
    let picture = Memo::new(move |_| {
        let (main, twin) = (main_curves(state), twin_curves(state));
        let figure =
            Figure { kind: state.sweep.kind.get(), layers: layers(), main: main.as_ref(), twin: twin.as_ref() };
        sweep(&figure, state.narrow.get())
    });
    let words = move || {
        let (main, other) = (main_curves(state), twin_curves(state));
        let names = [Some(state.model.get().title), twin(state).map(|t| t.title)];
        let models: Vec<_> =
            names.iter().zip([&main, &other]).filter_map(|(n, c)| Some(((*n)?, c.as_ref()?))).collect();
        sentence(&models)
    };
    view! {
        <div class="text-head">
            <h2>"Sweep"<span>"what simplifying costs, on this text"</span></h2>
            <div class="choices" role="group" aria-label="What a curve runs over">
                {Kind::ALL.map(|kind| view! {
                    <button data-kind=kind.id() aria-pressed=move || (state.sweep.kind.get() == kind).to_string()
                        on:click=move |_| state.sweep.choose(kind)>{kind.title()}</button>
                })}
            </div>
            <Progress state=state/>
        </div>
        <Begin state=state/>
        <div class="sweep">
            <figure>
                <Models state=state/>
                <Crosshair state=state picture=picture/>
                <Readout state=state/>
                <figcaption id="sweep-sentence" aria-live="polite">{words}</figcaption>
                <Save state=state id="sweep" title="What simplifying layers costs: change of perplexity"
                    data=move || columns_now(state) sentence=Signal::derive(move || words().unwrap_or_default())/>
            </figure>
            <Table state=state/>
        </div>
    }
}

/// On the CPU engine a sweep takes so long that it waits to be asked for.
#[component]
fn Begin(state: State) -> impl IntoView {
    let waiting = move || on_cpu(state) && !state.sweep.asked.get();
    let time = move || {
        let times = state.cost.times.get()?;
        let models = if state.sweep.with_twin.get() { 2 } else { 1 };
        let points = models * SWEPT.len() * state.model.get().layers;
        Some(about(estimate(points, times.forward)))
    };
    move || {
        waiting().then(|| {
            view! {
                <p class="begin">
                    <button id="sweep" on:click=move |_| state.sweep.asked.set(true)>
                        {move || time().map_or("Run the sweep".into(), |t| format!("Run the sweep ({t} on this CPU)"))}
                    </button>
                </p>
            }
        })
    }
}

/// How far the curves are.
#[component]
fn Progress(state: State) -> impl IntoView {
    let text = move || {
        let (mut done, mut total) = main_curves(state)?.progress();
        if let Some(twin) = twin_curves(state) {
            (done, total) = (done + twin.progress().0, total + twin.progress().1);
        }
        let coming = state.sweep.with_twin.get() && matches!(state.sweep.twin.get(), TwinState::Coming(..));
        let waits = state.sweep.with_twin.get() && !coming && state.sweep.twin_curves.with(Option::is_none);
        Some(match (done == total, coming, waits) {
            (false, ..) => format!("{done} of {total} points"),
            (true, false, false) => "done".into(),
            _ => "waiting for the twin".into(),
        })
    };
    view! { <span class="cut" id="sweep-status" role="status">{text}</span> }
}

/// Which line is which model, and what there is to say of the twin's weights.
#[component]
fn Models(state: State) -> impl IntoView {
    let news = move || match state.sweep.twin.get() {
        _ if !state.sweep.with_twin.get() => None,
        TwinState::Here => None,
        TwinState::Coming(done, total) => {
            let text = format!("{} of {}", megabytes(done).trim_end_matches(" MB"), megabytes(total));
            Some(view! {
                <span class="coming" role="status">
                    <progress max=total.to_string() prop:value=done as f64 aria-label="Download of the twin"></progress>
                    {text}
                </span>
            }
            .into_any())
        }
        TwinState::Failed(message) => Some(
            view! {
                <span class="failed" role="alert">{message}" "
                    <button class="quiet" on:click=move |_| {
                        state.sweep.twin.set(TwinState::Here);
                        state.sweep.arrivals.update(|n| *n += 1);
                    }>"Try again"</button>
                </span>
            }
            .into_any(),
        ),
    };
    view! {
        <p class="models">
            <span class="solid">{move || state.model.get().title}</span>
            <label class="dashed">
                <input type="checkbox" id="sweep-twin" prop:checked=move || state.sweep.with_twin.get()
                    on:change=move |e| state.sweep.with_twin.set(event_target_checked(&e))/>
                {move || twin(state).map(|t| t.title)}
            </label>
            {news}
        </p>
    }
}
