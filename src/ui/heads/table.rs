//! The heads of the selected layer, in numbers.

use leptos::prelude::*;

use super::super::state::{State, set};
use crate::spectra::{HeadSpectra, effective_rank, rank90};

#[component]
pub fn Table(state: State) -> impl IntoView {
    let rows = move || {
        let heads = state.spectra.get().and_then(|s| Some(s.get(state.layer.get())?.heads.clone()))?;
        Some(heads.iter().enumerate().map(|(i, head)| row(state, i, head)).collect_view())
    };
    let rms = move || state.spectra.with(|s| Some(s.as_ref()?.get(state.layer.get())?.residual_rms));
    view! {
        <h2>{move || format!("Layer {}", state.layer.get() + 1)}
            <span>{move || rms().map(|r| format!("residual stream {r:.2} RMS at its input"))}</span></h2>
        <div class="table-scroll">
            <table class="heads layer-heads">
                <thead>
                    <tr>
                        <th>"head"</th>
                        <th title="Effective rank of the routing part of the scores on this text">"here"</th>
                        <th title="Effective rank of the routing part of the weight kernel">"cap."</th>
                        <th title="Singular values that hold 90 % of the routing energy here">"90 %"</th>
                        <th title="Share of the scores' energy that is routing">"rout."</th>
                        <th title="Largest real part of the weight kernel's eigenvalues">"Re λ"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn row(state: State, index: usize, head: &HeadSpectra) -> impl IntoView + use<> {
    let (operating, capacity) = (&head.operating, head.capacity());
    let largest = head.weights().max_re_eig;
    let largest = if largest.abs() < 1e-9 { "0".into() } else { format!("{largest:.3}") };
    view! {
        <tr aria-current=move || (state.head.get() == index).to_string() on:click=move |_| set(state.head, index)>
            <th scope="row"><button class="quiet" on:click=move |_| set(state.head, index)>{index + 1}</button></th>
            <td>{format!("{:.1}", effective_rank(&operating.routing))}</td>
            <td>{format!("{:.1}", effective_rank(&capacity.routing))}</td>
            <td>{rank90(&operating.routing)}</td>
            <td>{format!("{:.0} %", 100.0 * operating.routing_fraction())}</td>
            <td>{largest}</td>
        </tr>
    }
}
