//! The selected layer's heads, and the singular values of the selected one.

use leptos::prelude::*;

use super::plot::{Plot, spectrum, spectrum_table};
use super::state::State;
use crate::spectra::{HeadSpectra, effective_rank, rank90};

#[component]
pub fn Details(state: State) -> impl IntoView {
    let heads = move || state.spectra.get().and_then(|s| Some(s.get(state.layer.get())?.heads.clone()));
    let rows = move || {
        let heads = heads()?;
        Some(heads.iter().enumerate().map(|(i, head)| row(state, i, head)).collect_view())
    };
    let values = Memo::new(move |_| {
        let head = heads().and_then(|h| h.get(state.head.get()).cloned());
        head.map(|h| (h.operating.routing, h.capacity.routing)).unwrap_or_default()
    });
    let rms = move || state.spectra.with(|s| Some(s.as_ref()?.get(state.layer.get())?.residual_rms));
    view! {
        <h2>{move || format!("Layer {}", state.layer.get() + 1)}
            <span>{move || rms().map(|r| format!("residual stream {r:.2} RMS at its input; pick a head"))}</span></h2>
        <div class="details">
            <div class="table-scroll">
                <table class="heads">
                    <thead>
                        <tr>
                            <th>"head"</th>
                            <th title="Effective rank of the routing part of the scores on this text">"rank here"</th>
                            <th title="Effective rank of the routing part of the weight kernel">"capacity"</th>
                            <th title="Singular values that hold 90 % of the routing energy here">"90 %"</th>
                            <th title="Share of the scores' energy that is routing">"routing"</th>
                            <th title="Largest real part of the weight kernel's eigenvalues">"max Re λ"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <figure>
                <Plot picture=Signal::derive(move || values.with(|(here, could)| spectrum(here, could, state.narrow.get())))
                    label="Singular values of the routing part of the selected head"
                    table=Signal::derive(move || values.with(|(here, could)| spectrum_table(here, could)))/>
                <figcaption>
                    "Singular values of head "{move || state.head.get() + 1}"’s routing part, largest first, as a share of the "
                    "largest. They come in pairs: one pair is one rotation plane."
                </figcaption>
            </figure>
        </div>
    }
}

fn row(state: State, index: usize, head: &HeadSpectra) -> impl IntoView + use<> {
    let (operating, capacity) = (&head.operating, &head.capacity);
    let largest = if head.max_re_eig.abs() < 1e-9 { "0".into() } else { format!("{:.3}", head.max_re_eig) };
    view! {
        <tr aria-current=move || (state.head.get() == index).to_string() on:click=move |_| state.head.set(index)>
            <th scope="row"><button class="quiet" on:click=move |_| state.head.set(index)>{index + 1}</button></th>
            <td>{format!("{:.1}", effective_rank(&operating.routing))}</td>
            <td>{format!("{:.1}", effective_rank(&capacity.routing))}</td>
            <td>{rank90(&operating.routing)}</td>
            <td>{format!("{:.0} %", 100.0 * operating.routing_fraction())}</td>
            <td>{largest}</td>
        </tr>
    }
}
