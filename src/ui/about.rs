//! The selected model's card, and the time-lapse of its training.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::cascade::Cascade;
use super::fetch::get;
use super::state::State;
use crate::card::{Card, Split, Timelapse};
use crate::words::{megabytes, signed};

/// A file beside the model's weights, read as JSON. The error is a sentence.
pub async fn read<T: serde::de::DeserializeOwned>(id: &str, file: &str) -> Result<T, String> {
    let bytes = get(&format!("checkpoints/{id}/{file}")).await.map_err(|e| e.to_string())?;
    serde_json::from_slice(&bytes).map_err(|e| format!("{file} of {id} cannot be read: {e}"))
}

#[component]
pub fn About(state: State) -> impl IntoView {
    let card = state.card;
    // The card comes with the model: what it recorded is on screen before the weights are there.
    Effect::new(move |_| {
        let id = state.model.get().id;
        spawn_local(async move {
            let read = read::<Card>(id, "card.json").await;
            // Another model may have been chosen meanwhile.
            if state.model.get_untracked().id != id {
                return;
            }
            if let Ok(card) = &read
                && state.cascade.with_untracked(|c| c.source == "none")
            {
                state.cascade.set(Cascade::recorded_on(card));
            }
            card.set(Some(read));
        });
    });
    // The card of another model is not this one's.
    let current = move || card.get().filter(|c| c.as_ref().map_or(true, |c| c.id == state.model.get().id));
    view! {
        <details class="about" id="about" prop:open=move || state.model.with(|_| false)>
            <summary>{move || state.model.get().shows}" "<span class="more">"Card"</span></summary>
            {move || match current() {
                None => view! { <p>"Reading the card…"</p> }.into_any(),
                Some(Err(message)) => view! { <p class="message bad">{message}</p> }.into_any(),
                Some(Ok(card)) => body(&card, state.model.get().bytes).into_any(),
            }}
        </details>
    }
}

fn body(card: &Card, bytes: u64) -> impl IntoView + use<> {
    let recipe = &card.recipe;
    let mut facts = vec![
        (
            "Size",
            format!(
                "{:.2} M parameters, {:.2} M of them in attention; {}",
                card.parameters as f64 / 1e6,
                card.attention_parameters as f64 / 1e6,
                megabytes(bytes)
            ),
        ),
        (
            "Recipe",
            format!(
                "{} steps of {} × {} tokens ({:.0} M tokens), learning rate {}{}",
                recipe.steps,
                recipe.batch,
                recipe.n_ctx,
                card.tokens_seen as f64 / 1e6,
                recipe.lr,
                recipe.optimizer.as_deref().map_or("", |o| if o == "muon" { ", Muon" } else { ", AdamW" }),
            ),
        ),
    ];
    let form: Vec<String> = [
        recipe.embed_scale.map(|a| format!("α = {a}")),
        recipe.filter.as_ref().map(|f| format!("{f} filter")),
        (recipe.linear_sequences > 0).then(|| {
            format!(
                "{} of {} sequences a batch pass the first layers linearised",
                recipe.linear_sequences, recipe.batch
            )
        }),
        (!card.rollbacks.is_empty()).then(|| format!("{} returns after loss spikes", card.rollbacks.len())),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !form.is_empty() {
        facts.push(("Form", form.join(", ")));
    }
    facts.push(("Held-out text", format!("{}; {}", figures("test", &card.test), figures("validation", &card.valid))));
    for (name, other) in [("Twin", &card.twin), ("Against", &card.baseline)] {
        if let Some(other) = other {
            let percent = |ratio: f64| format!("{} %", signed(100.0 * (ratio - 1.0), 1));
            let (test, valid) = (percent(other.ratio.test), percent(other.ratio.valid));
            facts.push((name, format!("perplexity {test} (test), {valid} (validation) to {}", other.id)));
        }
    }
    if let Some((mean, least, most)) = card.spread().filter(|_| card.seeds.len() > 1) {
        let seeds = card.seeds.len();
        facts.push(("Seeds", format!("{seeds}: test perplexity {mean:.2} on average, {least:.2} to {most:.2}")));
    }
    let limits = card.limits.clone();
    view! {
        <dl>{facts.into_iter().map(|(name, text)| view! { <dt>{name}</dt><dd>{text}</dd> }).collect_view()}</dl>
        <ul class="limits">{limits.into_iter().map(|limit| view! { <li>{limit}</li> }).collect_view()}</ul>
        <p class="data">
            "Trained on public-domain books and CC-BY stories; authors of the held-out texts are not in the training "
            "text. The paper’s models have 7M to 355M parameters: ours of 1M, 6M and 15M stand in for its smallest."
        </p>
    }
}

fn figures(name: &str, split: &Split) -> String {
    let change = |ratio: Option<f64>| match ratio {
        Some(r) if r < 2.0 => format!("{} %", signed(100.0 * (r - 1.0), 1)),
        Some(r) => format!("×{r:.1}"),
        None => "collapse".into(),
    };
    let simplified = split
        .summary
        .as_ref()
        .map(|s| format!(" (first {} linearised {}, uniform {})", s.first, change(s.linearized), change(s.uniform)));
    format!("perplexity {:.2} on {name} text{}", split.perplexity, simplified.unwrap_or_default())
}

/// Drag through training and see the cascade form.
#[component]
pub fn TimelapseSlider(state: State) -> impl IntoView {
    let failed = RwSignal::new(None::<String>);
    let open = move |_| {
        let id = state.model.get_untracked().id;
        spawn_local(async move {
            match read::<Timelapse>(id, "timelapse.json").await {
                Ok(lapse) if state.model.get_untracked().id == id => {
                    state.moment.set(lapse.records.len().saturating_sub(1));
                    state.timelapse.set(Some(lapse));
                    failed.set(None);
                }
                Ok(_) => {}
                Err(message) => failed.set(Some(message)),
            }
        });
    };
    // A time-lapse belongs to its model.
    Effect::new(move |before: Option<&'static str>| {
        let id = state.model.get().id;
        if before.is_some_and(|old| old != id) {
            state.timelapse.set(None);
        }
        id
    });
    let slider = move || {
        state.timelapse.get().map(|lapse| {
            let label = {
                let lapse = lapse.clone();
                move || {
                    let record = lapse.records.get(state.moment.get())?;
                    let tokens = record.tokens as f64 / 1e6;
                    Some(format!(
                        "step {} of {}, {tokens:.1} M tokens, loss {:.2}",
                        record.step, lapse.steps, record.valid_loss
                    ))
                }
            };
            view! {
                <label class="rank-slider">
                    <span>"training"</span>
                    <input type="range" id="timelapse-slider" min="0" max=lapse.records.len() - 1
                        prop:value=move || state.moment.get().to_string()
                        on:input=move |e| { if let Ok(n) = event_target_value(&e).parse() { state.moment.set(n) } }/>
                    <output class="wide">{label}</output>
                </label>
                <button class="quiet" on:click=move |_| state.timelapse.set(None)>"Back to live"</button>
            }
        })
    };
    view! {
        <div class="timelapse">
            {move || state.timelapse.get().is_none().then(|| view! {
                <button class="quiet" id="timelapse" on:click=open>"Watch it form in training"</button>
            })}
            {slider}
            {move || failed.get().map(|m| view! { <span class="message bad">{m}</span> })}
        </div>
    }
}
