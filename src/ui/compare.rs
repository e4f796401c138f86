//! Two models under the same switches, on the same text.

use leptos::prelude::*;

use super::cascade::{self, Cascade};
use super::export::Save;
use super::plot::{self, Plot};
use super::state::{Beside, State, TwinState, comparable};
use crate::engine::{Run, furthest_apart};
use crate::link::Pin;
use crate::text::visible;
use crate::words::{megabytes, perplexity, ratio, short, signed};
use crate::zoo::{self, ModelEntry};

/// Tokens in the list of where the two differ most.
const LISTED: usize = 8;

#[component]
pub fn Compare(state: State) -> impl IntoView {
    let other = move || state.compared();
    let shown = move || state.compare.beside.get().filter(|b| other().is_some_and(|o| o.id == b.model.id));
    let choose = move |event| {
        let id = event_target_value(&event);
        let twin = state.model.get_untracked().twin;
        state.compare.with.set(zoo::find(&id).filter(|m| m.id != twin));
    };
    let options = move || {
        let model = state.model.get();
        let option = |m: &'static ModelEntry| {
            view! {
                <option value=m.id selected=move || other().is_some_and(|o| o.id == m.id)>
                    {format!("{} ({})", m.title, megabytes(m.bytes))}
                </option>
            }
        };
        comparable(model).map(option).collect_view()
    };
    let coming = move || match state.sweep.twin.get() {
        _ if shown().is_some() => None,
        TwinState::Coming(done, total) => Some(
            view! { <p class="compare-note" role="status">{format!("{} of {}", megabytes(done), megabytes(total))}
            " of its weights are here"</p> }
            .into_any(),
        ),
        TwinState::Failed(why) => Some(
            view! {
                <p class="compare-note">{why}" "<button class="quiet" on:click=move |_| {
                    state.sweep.twin.set(TwinState::Here);
                    state.sweep.arrivals.update(|n| *n += 1);
                }>"Try again"</button></p>
            }
            .into_any(),
        ),
        TwinState::Here => Some(view! { <p class="compare-note" role="status">"computing…"</p> }.into_any()),
    };
    // One scale for both figures: what looks higher is higher.
    let top = move || state.cascade.with(Cascade::top).max(shown().map_or(0.0, |b| b.cascade.top()));
    let first = move || {
        let (base, now) = (state.baseline.get()?, state.modified.get()?);
        Some(figures(&base, &now))
    };
    let second = move || shown().map(|b| figures(&b.baseline, &b.now));
    let words = Signal::derive(move || shown().map(|b| sentence(state, &b)).unwrap_or_default());
    view! {
        <div class="text-head">
            <h2>"Two models"<span>"under the same switches, on the same text"</span></h2>
            <label class="menu"><span>"Beside it"</span>
                <select id="compare-select" on:change=choose>{options}</select></label>
            <button class="quiet" id="compare-swap" disabled=move || state.share.locks(Pin::Model)
                on:click=move |_| state.swap_models()>"Swap"</button>
        </div>
        <div class="compare">
            <section id="compare-first" aria-label="The model on screen">
                <h3>{move || state.model.get().title}</h3>
                {move || first().map(numbers)}
                <Drawn state=state cascade=Signal::derive(move || state.cascade.get()) top=Signal::derive(top)
                    model=Signal::derive(move || state.model.get()) words=words/>
            </section>
            <section id="compare-second" aria-label="The model beside it">
                <h3>{move || other().map(|o| o.title)}</h3>
                {move || second().map(numbers)}
                {coming}
                {move || shown().is_some().then(|| view! {
                    <Drawn state=state cascade=Signal::derive(move || shown().map_or_else(Cascade::unknown, |b| b.cascade))
                        top=Signal::derive(top) model=Signal::derive(move || other().unwrap_or(state.model.get())) words=words/>
                })}
            </section>
        </div>
        <p class="figure-note">{words}</p>
        {move || shown().and_then(|b| differing(state, &b))}
    }
}

/// Perplexity now, baseline and ratio, as text.
fn figures(baseline: &Run, now: &Run) -> [String; 3] {
    let (base, now) = (baseline.perplexity(), now.perplexity());
    [perplexity(now, base), perplexity(base, base), ratio(now, base)]
}

fn numbers([now, baseline, ratio]: [String; 3]) -> impl IntoView {
    let number = |class: &'static str, name: &'static str, value: String| {
        view! { <div class=format!("number {class}")><span>{name}</span><strong>{value}</strong></div> }
    };
    view! {
        <div class="numbers">{number("now", "perplexity now", now)}{number("baseline", "baseline", baseline)}{number("", "ratio", ratio)}</div>
    }
}

#[component]
fn Drawn(
    state: State,
    cascade: Signal<Cascade>,
    top: Signal<f64>,
    model: Signal<&'static ModelEntry>,
    words: Signal<String>,
) -> impl IntoView {
    let picture = Memo::new(move |_| {
        let trained = state.model.get().trained();
        let marked: Vec<bool> = state.modes.with(|modes| modes.iter().zip(&trained).map(|(a, b)| a != b).collect());
        cascade.with(|cascade| plot::cascade(cascade, &marked, None, top.get(), state.narrow.get()))
    });
    view! {
        <figure class="compare-figure">
            <Plot picture=picture label=Signal::derive(|| "Effective rank of routing, layer by layer".to_string())/>
            <Save state=state id="cascade" title=cascade::TITLE
                data=move || cascade.with(Cascade::columns) sentence=words model=model/>
        </figure>
    }
}

/// Which of the two pays more for the switches, and which predicts better.
fn sentence(state: State, beside: &Beside) -> String {
    let (Some(base), Some(now)) = (state.baseline.get(), state.modified.get()) else { return String::new() };
    let name = |model: &ModelEntry| short(model.title);
    let (one, two) = (name(state.model.get()), name(beside.model));
    let worth = |run: &Run| run.perplexity().map_or("an overflow".into(), |p| format!("{p:.2}"));
    let unchanged = now.modes == base.modes;
    let start =
        format!("With every layer as trained: {} for {one}, {} for {two}.", worth(&base), worth(&beside.baseline));
    if unchanged {
        return start;
    }
    let times = |base: &Run, now: &Run| ratio(now.perplexity(), base.perplexity());
    format!(
        "{start} Under these switches {one} pays {}, {two} {}.",
        times(&base, &now),
        times(&beside.baseline, &beside.now)
    )
}

/// The tokens whose losses differ most between the two.
fn differing(state: State, beside: &Beside) -> Option<impl IntoView + use<>> {
    let (reading, now) = (state.reading.get()?, state.modified.get()?);
    let name = |model: &ModelEntry| short(model.title);
    let rows = furthest_apart(&now, &beside.now, LISTED).into_iter().map(|(at, one, two)| {
        let text = |i: usize| reading.ids.get(i).map(|id| visible(&reading.tokenizer.decode(*id))).unwrap_or_default();
        let before = (at.saturating_sub(5)..=at).map(text).collect::<String>();
        view! {
            <tr><td class="token-name"><span class="muted">{before}</span><b>{text(at + 1)}</b></td>
                <td>{format!("{one:.2}")}</td><td>{format!("{two:.2}")}</td><td>{signed(two - one, 2)}</td></tr>
        }
    });
    let rows = rows.collect_view();
    Some(view! {
        <div class="table-scroll">
            <table class="heads differing">
                <caption>"Where they differ most: the loss of the bold token, in nats"</caption>
                <thead><tr><th>"token"</th><th>{name(state.model.get())}</th><th>{name(beside.model)}</th><th>"difference"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    })
}
