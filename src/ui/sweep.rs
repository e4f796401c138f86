//! The sweep: the first k layers in one mode, k = 0…L, a curve a mode, with the exact figures as a table whose
//! cells set the layers.

use leptos::prelude::*;

use super::plot;
use super::state::State;
use crate::sweep::{Curves, Kind, SWEPT};
use crate::words::{change, sweep_sentence};

#[component]
pub fn Sweep(state: State) -> impl IntoView {
    let baseline = move || state.baseline_perplexity.get().flatten();
    let ratios = move || {
        let base = baseline()?;
        let curves = state.sweep.get();
        let curve = |values: &Vec<Option<f64>>| values.iter().map(|p| p.map(|p| p / base)).collect::<Vec<_>>();
        Some(curves.iter().map(curve).collect::<Vec<_>>())
    };
    let layers = move || state.model.get().layers;
    let svg = move || {
        let mut curves = Curves::new(Kind::First, layers(), baseline());
        for (i, values) in state.sweep.get().into_iter().enumerate() {
            values.into_iter().enumerate().for_each(|(k, p)| curves.set(i, k, p));
        }
        let figure = plot::Sweep { kind: Kind::First, layers: layers(), main: Some(&curves), twin: None };
        plot::sweep(&figure, state.narrow.get()).svg
    };
    let done = move || state.sweep.with(|s| s.iter().map(Vec::len).sum::<usize>());
    let total = move || SWEPT.len() * (layers() + 1);
    let button = move || {
        if !state.sweeping.get() {
            return view! { <button id="sweep" on:click=move |_| state.sweeping.set(true)>"Run the sweep"</button> }
                .into_any();
        }
        let left = total() - done();
        let text = if left > 0 { format!("{} of {} runs", done(), total()) } else { "done".to_string() };
        view! { <span class="cut" role="status">{text}</span> }.into_any()
    };
    let sentence = move || {
        let curves = ratios()?;
        sweep_sentence(curves.first()?, curves.get(2)?)
    };
    view! {
        <div class="text-head">
            <h2>"Sweep"<span>"the first k layers simplified: perplexity against the baseline, on this text"</span></h2>
            {button}
        </div>
        <Show when=move || state.sweeping.get()>
            <div class="sweep">
                <figure>
                    <p class="curve-key">{SWEPT.iter().enumerate().map(|(i, mode)| view! {
                        <span class=format!("curve-{i}")>{mode.to_string()}</span>
                    }).collect_view()}<span class="curve-paper">"the paper: S-D < 5 % at 7"</span></p>
                    <div class="plot" role="img" aria-label="Perplexity ratio against the number of simplified layers"
                        inner_html=svg></div>
                    <figcaption>{sentence}</figcaption>
                </figure>
                <div class="table-scroll">
                    <table class="heads sweep-table">
                        <caption>"Change of perplexity; press a cell to set the layers so."</caption>
                        <thead><tr><th>"k"</th>{SWEPT.iter().map(|m| view! { <th>{m.to_string()}</th> }).collect_view()}</tr></thead>
                        <tbody>{move || (0..=layers()).map(|k| view! {
                            <tr>
                                <th scope="row">{k}</th>
                                {SWEPT.iter().enumerate().map(|(i, mode)| {
                                    let value = move || state.sweep.with(|s| s.get(i).and_then(|c| c.get(k)).copied());
                                    let text = move || value().map_or("·".into(), |p| change(p, baseline()));
                                    let mode = *mode;
                                    view! {
                                        <td><button class="quiet" on:click=move |_| state.set_first(k, mode)>{text}</button></td>
                                    }
                                }).collect_view()}
                            </tr>
                        }).collect_view()}</tbody>
                    </table>
                </div>
            </div>
        </Show>
    }
}
