//! The selected head's singular values, and the eigenvalues of its weight kernel beside the twin's.

use leptos::prelude::*;

use super::super::export::Save;
use super::super::plot::{Ink, Plot, eigenvalue_table, eigenvalues, spectrum, spectrum_table};
use super::super::state::{State, TwinWeights};
use super::{of_head, titled, twin};
use crate::export::Column;
use crate::heads::{eigenvalue_sentence, kernel_eigenvalues, spectrum_sentence};
use crate::words::megabytes;
use crate::zoo::{self, ModelEntry};

#[component]
pub fn Spectra(state: State) -> impl IntoView {
    let values = Memo::new(move |_| {
        let (layer, head) = (state.layer.get(), state.head.get());
        state.spectra.with(|spectra| {
            let head = spectra.as_ref()?.get(layer)?.heads.get(head)?;
            Some((head.operating.routing.clone(), head.capacity().routing.clone()))
        })
    });
    let here = Signal::derive(move || values.get().unwrap_or_default().0);
    let could = Signal::derive(move || values.get().unwrap_or_default().1);
    view! {
        <h2>"Spectra"<span>{move || format!("layer {}, head {}", state.layer.get() + 1, state.head.get() + 1)}</span></h2>
        <Spectrum state=state values=here ink=Ink::ROUTING id="spectrum-here"
            title="Routing on this text" help="rotation planes of the scores’ routing part"/>
        <Spectrum state=state values=could ink=Ink::CAPACITY id="spectrum-capacity"
            title="Capacity" help="the same of the weights alone"/>
        <div class="eigenvalues">
            {move || {
                let model = state.model.get();
                let twin = zoo::find(model.twin);
                view! {
                    <Eigenvalues state=state model=model/>
                    {twin.map(|twin| view! { <Eigenvalues state=state model=twin/> })}
                }
            }}
        </div>
    }
}

#[component]
fn Spectrum(
    state: State,
    values: Signal<Vec<f64>>,
    ink: Ink,
    id: &'static str,
    title: &'static str,
    help: &'static str,
) -> impl IntoView {
    let sentence = move || values.with(|v| if v.is_empty() { "Computing…".into() } else { spectrum_sentence(v) });
    view! {
        <figure id=id>
            <p class="figure-title"><b>{title}</b>" "{help}</p>
            <Plot picture=Signal::derive(move || values.with(|v| spectrum(v, ink))) label=Signal::derive(sentence)
                table=Signal::derive(move || values.with(|v| spectrum_table(v)))/>
            <figcaption>{sentence}</figcaption>
            <Save state=state id=Signal::derive(move || of_head(state, id))
                title=Signal::derive(move || titled(state, &format!("{title}, singular values")))
                sentence=Signal::derive(sentence)
                data=move || values.with(|v| vec![Column::new("index", 1..=v.len()), Column::new("singular_value", v.clone())])/>
        </figure>
    }
}

/// (Re, Im) of a weight kernel's eigenvalues, and how many more are exactly 0.
type Kernel = (Vec<(f64, f64)>, usize);

#[component]
fn Eigenvalues(state: State, model: &'static ModelEntry) -> impl IntoView {
    let kernel = Memo::new(move |_| -> Option<Kernel> {
        let (layer, head) = (state.layer.get().min(model.layers - 1), state.head.get().min(model.heads - 1));
        state.heads.shelf.with(|shelf| Some(kernel_eigenvalues(shelf.get(model.id)?, layer, head)))
    });
    let there = Memo::new(move |_| kernel.with(Option::is_some));
    let known = Signal::derive(move || kernel.get().unwrap_or_default());
    let sentence = move || known.with(|(values, zeros)| eigenvalue_sentence(values, *zeros));
    let role = move || if state.model.get() == model { "Eigenvalues of M" } else { "The twin’s" };
    view! {
        <figure class="eigenvalue-figure" data-model=model.id>
            <p class="figure-title"><b>{role}</b>" "{model.title}</p>
            {move || if there.get() {
                view! {
                    <Plot picture=Signal::derive(move || known.with(|(v, zeros)| eigenvalues(v, *zeros)))
                        label=Signal::derive(sentence)
                        table=Signal::derive(move || known.with(|(v, zeros)| eigenvalue_table(v, *zeros)))/>
                    <figcaption>{sentence}</figcaption>
                    <Save state=state id=Signal::derive(move || of_head(state, &format!("eigenvalues-{}", model.id)))
                        title=Signal::derive(move || titled(state, &format!("Eigenvalues of M, {}", model.title)))
                        sentence=Signal::derive(sentence)
                        data=move || known.with(|(values, _)| vec![
                            Column::new("re", values.iter().map(|e| e.0)),
                            Column::new("im", values.iter().map(|e| e.1)),
                        ])/>
                }.into_any()
            } else if state.model.get() == model {
                view! { <div class="eigenvalue-wait">"The weights are on their way."</div> }.into_any()
            } else {
                view! { <Offer state=state model=model/> }.into_any()
            }}
        </figure>
    }
}

/// Loads the other model's weights when asked to.
#[component]
fn Offer(state: State, model: &'static ModelEntry) -> impl IntoView {
    let content = move || match state.heads.twin.get() {
        TwinWeights::Loading(done) => {
            let text = format!("{} of {}", megabytes(done), megabytes(model.bytes));
            view! {
                <progress max=model.bytes.to_string() prop:value=done.to_string() aria-label="Weights of the twin"></progress>
                <p>{text}</p>
                <button on:click=move |_| state.heads.twin.set(TwinWeights::Away)>"Cancel"</button>
            }
            .into_any()
        }
        other => {
            let failed = if let TwinWeights::Failed(why) = other { Some(why) } else { None };
            view! {
                <p>"The same layer and head of the other family, for comparison."</p>
                <button class="load-twin" on:click=move |_| twin::load(state, model)>
                    {format!("Load its weights ({})", megabytes(model.bytes))}
                </button>
                {failed.map(|why| view! { <p role="alert">{why}</p> })}
            }
            .into_any()
        }
    };
    view! { <div class="eigenvalue-wait">{content}</div> }
}
