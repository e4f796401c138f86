//! Perplexity now beside the baseline, presets, and the cascade figure with its sentence.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::about::{TimelapseSlider, read};
use super::cascade::{self, Cascade, mean};
use super::export::Save;
use super::help::Notice;
use super::plot::{self, Data, Plot};
use super::state::State;
use crate::card::Card;
use crate::link::Pin;
use crate::model::LayerMode;
use crate::words::{cascade_sentence, change, perplexity, ratio, short};
use crate::zoo;

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
    let pinned = move || state.share.locks(Pin::Modes);
    let model_pinned = move || pinned() || state.share.locks(Pin::Model);
    let first7 = move |mode: LayerMode| move |_| state.set_first(7, mode);
    view! {
        <fieldset class="presets" aria-label="Presets" disabled=pinned>
            <button data-preset="first7-linearized" on:click=first7(LayerMode::Linearized)>"First 7 linearised"</button>
            <button data-preset="first7-uniform" on:click=first7(LayerMode::Uniform)>"First 7 uniform"</button>
            <button data-preset="all-softmax" on:click=move |_| state.set_all(LayerMode::Softmax)>"All softmax"</button>
            <button data-preset="all-rank" on:click=move |_| state.set_all(LayerMode::Rank(state.rank.get_untracked()))>
                "All rank "{move || state.rank.get()}
            </button>
            <button data-preset="twin" disabled=model_pinned title="The model to compare with, under the same switches and the same text"
                on:click=move |_| state.choose_model(state.model.get_untracked().twin)>"Twin"</button>
            <button data-preset="cascade" disabled=model_pinned title="The model with α = 1: the clearest spectral cascade"
                on:click=move |_| state.choose_model("sd-6m-a1")>"α = 1: cascade"</button>
            <button id="reset" class="quiet" on:click=move |_| state.reset()>"Reset"</button>
        </fieldset>
        <label class="rank-slider">
            <span>"K, routing rank kept by rank-k layers"</span>
            <input type="range" id="rank-slider" disabled=pinned min="0" max="32" step="2" prop:value=move || state.rank.get().to_string()
                on:input=move |e| { if let Ok(k) = event_target_value(&e).parse() { state.set_rank(k) } }/>
            <output>{move || state.rank.get()}</output>
        </label>
        <Notice state=state/>
    }
}

#[component]
pub fn CascadeFigure(state: State) -> impl IntoView {
    let under =
        move || Some((state.under.of(state.model.get().twin)?, short(zoo::find(state.model.get().twin)?.title)));
    let picture = Memo::new(move |_| {
        let modes = state.modes.get();
        let trained = state.model.get().trained();
        let marked: Vec<bool> = modes.iter().zip(&trained).map(|(a, b)| a != b).collect();
        let under = under();
        let under = under.as_ref().map(|(cascade, name)| (cascade, name.as_str()));
        state.figure.with(|cascade| plot::cascade(cascade, &marked, under, 0.0, state.narrow.get()))
    });
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
            <Plot picture=picture label=Signal::derive(move || state.sentence.get())/>
            <figcaption>{grows}" "{caption}</figcaption>
            <div class="figure-tools">
                <Under state=state/>
                <TimelapseSlider state=state/>
                <Data table=Signal::derive(move || state.figure.with(plot::cascade_table))/>
            </div>
            <Save state=state id="cascade" title=cascade::TITLE
                data=move || state.figure.with(|c| c.columns())/>
        </figure>
    }
}

/// Lays the twin's cascade under the figure: at once what its card recorded, live as soon as the twin is loaded.
#[component]
fn Under(state: State) -> impl IntoView {
    let entry = move || zoo::find(state.model.get().twin);
    // The card is read when it is first wanted, and again for another model.
    Effect::new(move |_| {
        let Some(id) = entry().map(|e| e.id).filter(|_| state.under.on.get()) else { return };
        if state.under.recorded.with_untracked(|r| r.as_ref().is_some_and(|(of, read)| *of == id && read.is_ok())) {
            return;
        }
        spawn_local(async move {
            let read = read::<Card>(id, "card.json").await;
            state.under.recorded.set(Some((id, read.map(|card| Cascade::recorded_on(&card)))));
        });
    });
    let toggle = move |_| state.under.on.update(|on| *on = !*on);
    let words = move || {
        let entry = entry().filter(|_| state.under.on.get())?;
        let source = state.under.of(entry.id).map(|cascade| cascade.source);
        Some(match source {
            Some("recorded") => format!("Dashed: {}, as recorded on a validation text.", entry.title),
            Some(_) => format!("Dashed: {}, live on this text.", entry.title),
            None => state.under.failure(entry.id).unwrap_or_else(|| "…".into()),
        })
    };
    view! {
        <button class="quiet" id="twin-under" aria-pressed=move || state.under.on.get().to_string() on:click=toggle>
            "Twin under it"
        </button>
        <span id="twin-under-words">{words}</span>
    }
}
