//! Perplexity now beside the baseline, presets, and the cascade figure with its sentence.

use leptos::prelude::*;

use super::about::TimelapseSlider;
use super::cascade::mean;
use super::plot::{self, Plot};
use super::state::State;
use crate::model::LayerMode;
use crate::words::{cascade_sentence, change, perplexity, ratio};

#[component]
pub fn Numbers(state: State) -> impl IntoView {
    let baseline = move || state.baseline_perplexity.get().flatten();
    let number = move |value: Option<Option<f64>>| value.map_or("…".into(), |v| perplexity(v, baseline()));
    let ratio = move || match (state.perplexity.get(), state.baseline_perplexity.get()) {
        (Some(now), Some(base)) => ratio(now, base),
        _ => "…".into(),
    };
    let modified =
        move || state.modified.with(|m| m.as_ref().is_some_and(|run| run.modes != state.model.get().trained()));
    let controls = move || {
        state.controls.get().map(|c| {
            view! {
                <p class="controls">"Controls, the same layers: uniform "<b>{change(c.uniform, baseline())}</b>
                    ", off "<b>{change(c.off, baseline())}</b></p>
            }
        })
    };
    view! {
        <div class="numbers" class:waiting=move || state.phase.get().name() == "running">
            <div class="number now" class:modified=modified>
                <span>"perplexity now"</span><strong id="perplexity-now">{move || number(state.perplexity.get())}</strong>
            </div>
            <div class="number baseline">
                <span>"baseline"</span><strong id="perplexity-baseline">{move || number(state.baseline_perplexity.get())}</strong>
            </div>
            <div class="number" class:modified=modified>
                <span>"ratio"</span><strong id="perplexity-ratio">{ratio}</strong>
            </div>
        </div>
        <p id="cascade-sentence" aria-live="polite">{move || state.sentence.get()}</p>
        <div class="controls-slot">{controls}</div>
    }
}

#[component]
pub fn Presets(state: State) -> impl IntoView {
    let first7 = move |mode: LayerMode| move |_| state.set_first(7, mode);
    view! {
        <div class="presets" role="group" aria-label="Presets">
            <button data-preset="first7-linearized" on:click=first7(LayerMode::Linearized)>"First 7 linearised"</button>
            <button data-preset="first7-uniform" on:click=first7(LayerMode::Uniform)>"First 7 uniform"</button>
            <button data-preset="all-softmax" on:click=move |_| state.set_all(LayerMode::Softmax)>"All softmax"</button>
            <button data-preset="all-rank" on:click=move |_| state.set_all(LayerMode::Rank(state.rank.get_untracked()))>
                "All rank "{move || state.rank.get()}
            </button>
            <button data-preset="twin" title="The model to compare with, under the same switches and the same text"
                on:click=move |_| state.choose_model(state.model.get_untracked().twin)>"Twin"</button>
            <button data-preset="cascade" title="The model with α = 1: the clearest spectral cascade"
                on:click=move |_| state.choose_model("sd-6m-a1")>"α = 1: cascade"</button>
            <button id="reset" class="quiet" on:click=move |_| state.reset()>"Reset"</button>
        </div>
        <label class="rank-slider">
            <span>"K, routing rank kept by rank-k layers"</span>
            <input type="range" id="rank-slider" min="0" max="32" step="2" prop:value=move || state.rank.get().to_string()
                on:input=move |e| { if let Ok(k) = event_target_value(&e).parse() { state.set_rank(k) } }/>
            <output>{move || state.rank.get()}</output>
        </label>
    }
}

#[component]
pub fn CascadeFigure(state: State) -> impl IntoView {
    let picture = move || {
        let modes = state.modes.get();
        let trained = state.model.get().trained();
        let marked: Vec<bool> = modes.iter().zip(&trained).map(|(a, b)| a != b).collect();
        state.figure.with(|cascade| plot::cascade(cascade, &marked, None, state.narrow.get()))
    };
    let source = move || state.figure.with(|c| c.source);
    let caption = move || match source() {
        "recorded" => "Recorded earlier with this model; the live figure follows.",
        "gpu" => "Live, computed on your GPU from the text below.",
        "none" => "Computing…",
        "training" => "As it was during training, on a fixed validation text.",
        _ => "Live, computed by the CPU engine from the text below.",
    };
    let grows = move || {
        state.figure.with(|c| cascade_sentence(&c.layers.iter().map(|l| mean(&l.capacity)).collect::<Vec<_>>()))
    };
    view! {
        <figure id="cascade" data-source=source class:stale=move || !state.fresh.get()>
            <h2>"Spectral cascade"<span>"effective rank of routing, layer by layer"</span></h2>
            <Plot picture=Signal::derive(picture) label=Signal::derive(move || state.sentence.get())
                table=Signal::derive(move || state.figure.with(plot::cascade_table))/>
            <figcaption>{grows}" "{caption}</figcaption>
            <TimelapseSlider state=state/>
        </figure>
    }
}
