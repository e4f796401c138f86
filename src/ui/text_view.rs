//! The text, token by token, coloured by loss or by change, with the exact figures on hover.

use std::sync::Arc;

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;

use super::history::Act;
use super::state::{Colouring, Reading, State};
use crate::engine::{Run, TokenScore};
use crate::link::{Pin, TextChoice};
use crate::text::visible;
use crate::words::signed;

/// Nats at which the loss colour is full, and at which the colour of a change is.
const FULL_LOSS: f64 = 10.0;
const FULL_CHANGE: f64 = 3.0;

#[component]
pub fn TextView(state: State) -> impl IntoView {
    let pointed = state.heads.token;
    let place = RwSignal::new((0.0, 0.0));
    let editing = RwSignal::new(None::<leptos::leptos_dom::helpers::TimeoutHandle>);
    let typed = move |event| {
        let text = event_target_value(&event);
        if let Some(timer) = editing.get_untracked() {
            timer.clear();
        }
        let apply = move || {
            state.act.set(Act::Typing);
            state.choose_text(TextChoice::Own(text.clone()));
        };
        editing.set(set_timeout_with_handle(apply, std::time::Duration::from_millis(400)).ok());
    };
    let over = move |event: PointerEvent| {
        let target = event.target().and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok());
        let index = target.as_ref().and_then(|t| t.get_attribute("data-index")?.parse().ok());
        if let (Some(target), Some(_)) = (target, index) {
            place.set((f64::from(target.offset_left()), f64::from(target.offset_top() + target.offset_height())));
            pointed.set(index);
        }
    };
    let tokens = move || {
        let (reading, now) = (state.reading.get()?, state.modified.get()?);
        let baseline = state.baseline.get()?;
        let colouring = state.colouring.get();
        let spans = reading.ids.iter().enumerate().map(|(i, id)| {
            let text = visible(&reading.tokenizer.decode(*id));
            let class = heat(colouring, &now, &baseline, i);
            let broken = text.contains('↵');
            // Lines break before words, not inside them.
            let word = text.starts_with('·');
            view! {
                {word.then(|| view! { <wbr/> })}
                <span class=format!("token {class}") data-index=i>{text}</span>
                {broken.then(|| view! { <br/> })}
            }
        });
        Some(spans.collect_view())
    };
    let cut = move || state.reading.with(|r| r.as_ref().map(read_part));
    let keys = move |event: KeyboardEvent| {
        let count = state.reading.with_untracked(|r| r.as_ref().map_or(0, |r| r.ids.len()));
        let at = pointed.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" => Some(at.map_or(0, |i| (i + 1).min(count.saturating_sub(1)))),
            "ArrowLeft" => Some(at.map_or(0, |i| i.saturating_sub(1))),
            "Escape" => None,
            _ => return,
        };
        event.prevent_default();
        pointed.set(next);
        let selector = format!(".token[data-index='{}']", next.unwrap_or(0));
        let token = document().query_selector(&selector).ok().flatten();
        if let Some(token) = token.and_then(|t| t.dyn_into::<web_sys::HtmlElement>().ok()) {
            place.set((f64::from(token.offset_left()), f64::from(token.offset_top() + token.offset_height())));
        }
    };
    let colour_button = move |which: Colouring, label: &'static str| {
        view! {
            <button class="quiet" aria-pressed=move || (state.colouring.get() == which).to_string()
                on:click=move |_| state.colouring.set(which)>{label}</button>
        }
    };
    view! {
        <div class="text-head">
            <h2>"Text"<span>"what each token costs; point at one for the figures"</span></h2>
            <span class="cut">{cut}</span>
            <div role="group" aria-label="Colour tokens by">
                {colour_button(Colouring::Loss, "loss")}
                {colour_button(Colouring::Change, "change")}
            </div>
            <HeatKey state=state/>
        </div>
        <div class="tokens" tabindex="0" role="group" aria-label="Tokens; the left and right arrow keys move"
            on:pointerover=over on:pointerdown=over on:pointerleave=move |_| pointed.set(None)
            on:blur=move |_| pointed.set(None) on:keydown=keys>
            {tokens}
            {move || pointed.get().map(|i| view! { <Tooltip state=state index=i place=place.get()/> })}
        </div>
        <details class="own-text" open=move || matches!(state.text.get(), TextChoice::Own(_))>
            <summary>"Use your own text"</summary>
            <textarea id="text-input" disabled=move || state.share.locks(Pin::Text) rows="4" spellcheck="false" aria-label="Your text"
                placeholder="Type or paste English prose; the model reads the first 256 tokens."
                prop:value=move || state.text.get().text().to_string() on:input=typed></textarea>
        </details>
    }
}

#[component]
fn HeatKey(state: State) -> impl IntoView {
    let (left, right) = (
        move || if state.colouring.get() == Colouring::Loss { "0 nats" } else { "better" },
        move || if state.colouring.get() == Colouring::Loss { "10" } else { "worse" },
    );
    let classes = move || match state.colouring.get() {
        Colouring::Loss => vec!["loss-0", "loss-2", "loss-4", "loss-6", "loss-8"],
        Colouring::Change => vec!["better-4", "better-2", "same", "worse-2", "worse-4"],
    };
    view! {
        <span class="heat-key" aria-hidden="true">
            {left}
            {move || classes().into_iter().map(|c| view! { <i class=c></i> }).collect_view()}
            {right}
        </span>
    }
}

/// How much of the text the model reads.
fn read_part(reading: &Reading) -> String {
    match reading.ids.len() {
        n if n < reading.total => format!("first {n} of {} tokens", reading.total),
        n => format!("{n} tokens"),
    }
}

/// Loss of token `i`: what the position before it paid for it.
fn loss(run: &Run, i: usize) -> Option<f64> {
    run.scores.get(i.checked_sub(1)?)?.nll
}

/// The colour class of a token.
fn heat(colouring: Colouring, now: &Run, baseline: &Run, i: usize) -> String {
    let (Some(now), Some(base)) = (loss(now, i), loss(baseline, i)) else { return "first".into() };
    match colouring {
        Colouring::Loss => format!("loss-{}", step(now, FULL_LOSS, 9)),
        Colouring::Change => {
            let change = now - base;
            let level = step(change.abs(), FULL_CHANGE, 5);
            match (level, change > 0.0 || change.is_nan()) {
                (0, _) => "same".into(),
                (n, true) => format!("worse-{n}"),
                (n, false) => format!("better-{n}"),
            }
        }
    }
}

/// 0…last in equal steps up to `full`; an overflow is the last.
fn step(value: f64, full: f64, last: u32) -> u32 {
    if value.is_finite() { ((value.max(0.0) / full * f64::from(last + 1)) as u32).min(last) } else { last }
}

#[component]
fn Tooltip(state: State, index: usize, place: (f64, f64)) -> impl IntoView {
    let content = move || {
        let (reading, now, base) = (state.reading.get()?, state.modified.get()?, state.baseline.get()?);
        let token = visible(&reading.tokenizer.decode(*reading.ids.get(index)?));
        Some(body(&reading, &now, &base, index, token).into_any())
    };
    // Kept inside the panel on narrow screens by the style sheet.
    view! {
        <div id="token-tooltip" role="tooltip" style:--x=format!("{}px", place.0) style:top=format!("{}px", place.1 + 6.0)>
            {content}
        </div>
    }
}

fn body(reading: &Reading, now: &Arc<Run>, base: &Arc<Run>, index: usize, token: String) -> impl IntoView + use<> {
    let Some(before) = index.checked_sub(1) else {
        return view! { <p><b class="token-name">{token}</b>" is the first token: nothing predicts it."</p> }
            .into_any();
    };
    let same = now.modes == base.modes;
    let (new, old) = (loss(now, index).unwrap_or(f64::NAN), loss(base, index).unwrap_or(f64::NAN));
    let change = (!same).then(|| format!("{} nats", signed(new - old, 3)));
    let column = |name: &'static str, score: &TokenScore| {
        let rows = score.top.iter().map(|(id, p)| {
            let text = visible(&reading.tokenizer.decode(*id));
            let hit = *id == reading.ids[index];
            view! { <tr class:hit=hit><td class="token-name">{text}</td><td>{format!("{:.1} %", 100.0 * p)}</td></tr> }
        });
        view! { <table><caption>{name}</caption>{rows.collect_view()}</table> }
    };
    view! {
        <p><b class="token-name">{token}</b>" token "{index + 1}" of "{reading.ids.len()}</p>
        <p>"loss "<b>{format!("{new:.3}")}</b>" nats"
            {change.map(|c| view! { <span>", baseline "<b>{format!("{old:.3}")}</b>", change "<b>{c}</b></span> })}</p>
        <div class="columns">
            {column(if same { "top five" } else { "now" }, &now.scores[before])}
            {(!same).then(|| column("baseline", &base.scores[before]))}
        </div>
    }
    .into_any()
}
