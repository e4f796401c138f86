//! The text continued, by the baseline and under the switches, with the same dice.

mod work;

use leptos::prelude::*;

use super::history::Act;
use super::state::{End, Reading, Side, State};
use crate::sample::{Dice, Drawn, MAX_TEMPERATURE, MAX_TOP_K, agreeing};
use crate::text::visible;
use crate::words::grouped;

#[component]
pub fn Continuation(state: State) -> impl IntoView {
    work::follow(state);
    let c = state.continuation;
    let tokens = move || state.reading.with(|r| r.as_ref().map_or(0, |r| r.ids.len()));
    let context = move || state.cost.config.with(|c| c.as_ref().map_or(256, |(_, config)| config.context));
    let busy = move || {
        let running = |side: Side| side.prompt > 0 && side.end.is_none();
        c.going.get() && (running(c.now.get()) || running(c.baseline.get()))
    };
    let toggle = move |_| if busy() { c.stop() } else { restart(state) };
    let change = move |change: &dyn Fn(&mut Dice)| {
        let mut dice = c.dice.get_untracked();
        change(&mut dice);
        let dice = dice.clamped();
        if dice != c.dice.get_untracked() {
            state.act.set(Act::Dice);
        }
        // Also where nothing changes: a field that shows more than there is goes back.
        c.dice.set(dice);
    };
    let field = move |set: fn(&mut Dice, f64)| {
        move |event| {
            if let Some(value) = event_target_value(&event).parse().ok().filter(|x: &f64| x.is_finite()) {
                change(&|dice| set(dice, value));
            }
        }
    };
    let roll = move |_| change(&|dice| dice.sampling.seed = dice.sampling.seed.wrapping_add(1));
    let modified = move || state.modes.with(|m| *m != state.model.get().trained());
    let prompt = move || {
        let reading = state.reading.get()?;
        Some(plain(&reading, reading.ids.iter().take(c.dice.get().after.clamp(1, reading.ids.len())).copied()))
    };
    view! {
        <div class="text-head">
            <h2>"Continue the text"<span>"the same dice for both sides: what differs, the switches did"</span></h2>
        </div>
        <div class="continue-controls">
            <label>"after token "<input type="range" id="continue-after" min="1" max=move || tokens().max(1).to_string()
                prop:value=move || c.dice.get().after.min(tokens().max(1)).to_string() on:input=field(|d, x| d.after = x as usize)/>
                <output>{move || c.dice.get().after.min(tokens().max(1))}</output></label>
            <label>"new tokens "<input type="number" id="continue-count" min="1"
                max=move || context().to_string() prop:value=move || c.dice.get().count.to_string() on:change=field(|d, x| d.count = x as usize)/></label>
            <label title="0 always takes the likeliest token">"temperature "<input type="number" id="continue-temperature" min="0"
                max=MAX_TEMPERATURE.to_string() step="0.1" prop:value=move || c.dice.get().sampling.temperature.to_string()
                on:change=field(|d, x| d.sampling.temperature = x)/></label>
            <label title="Only so many of the likeliest tokens can be drawn">"top "<input type="number" id="continue-top" min="1"
                max=MAX_TOP_K.to_string() prop:value=move || c.dice.get().sampling.top_k.to_string()
                on:change=field(|d, x| d.sampling.top_k = x as usize)/></label>
            <label>"seed "<input type="number" id="continue-seed" min="0" prop:value=move || c.dice.get().sampling.seed.to_string()
                on:change=field(|d, x| d.sampling.seed = x as u64)/></label>
            <button class="quiet" on:click=roll>"Roll again"</button>
            <button id="continue" class="primary" on:click=toggle>{move || if busy() { "Stop" } else { "Continue" }}</button>
        </div>
        <p class="prompt">{prompt}<span class="caret" aria-hidden="true">"▏"</span></p>
        <div class="continued">
            <SideView state=state side=c.baseline other=None title="baseline"/>
            <Show when=modified fallback=move || view! {
                <p class="hint">"Every layer runs as it was trained. Change a layer, and its continuation stands here beside the baseline’s."</p>
            }>
                <SideView state=state side=c.now other=Some(c.baseline) title="now"/>
            </Show>
        </div>
        <p class="figure-note">{move || sentence(state)}</p>
        <p class="figure-note">
            "Drawn token by token on the CPU, where one row at a time is quicker than on a GPU. Softmax layers keep u and v (or k and v) of \
             every token; linear layers keep sums of a fixed size."
        </p>
    }
}

/// Begins anew, also where nothing has changed since the last run.
fn restart(state: State) {
    state.continuation.stop();
    state.continuation.going.set(true);
}

#[component]
fn SideView(state: State, side: RwSignal<Side>, other: Option<RwSignal<Side>>, title: &'static str) -> impl IntoView {
    let ids = |side: RwSignal<Side>| side.with(|s| s.drawn.iter().map(|d| d.id).collect::<Vec<_>>());
    let tokens = move || {
        let reading = state.reading.get()?;
        let same = other.map_or(usize::MAX, |other| agreeing(&ids(other), &ids(side)));
        let spans = side.get().drawn.into_iter().enumerate().map(|(i, drawn)| token(&reading, &drawn, i, same));
        Some(spans.collect_view())
    };
    let status = move || {
        let side = side.get();
        match side.end {
            None if side.prompt == 0 => String::new(),
            None if side.read < side.prompt => format!("reading, {} of {} tokens", side.read, side.prompt),
            None => format!("token {}", side.drawn.len() + 1),
            Some(End::Done) => format!("{} tokens", side.drawn.len()),
            Some(End::Full) => format!("{} tokens: the context is full", side.drawn.len()),
            Some(End::Stopped) => format!("stopped after {}", side.drawn.len()),
            Some(End::Overflow) => format!("overflowed after {}: nothing left to draw from", side.drawn.len()),
        }
    };
    let kept = move || match side.get().kept {
        0 => String::new(),
        n => format!("keeps {} numbers of what it has read", grouped(n as u64)),
    };
    view! {
        <section class=format!("side {title}") aria-label=format!("Continued, {title}")>
            <h3>{title}<span role="status">{status}</span></h3>
            <p class="drawn">{tokens}</p>
            <p class="kept">{kept}</p>
        </section>
    }
}

fn token(reading: &Reading, drawn: &Drawn, index: usize, same: usize) -> impl IntoView + use<> {
    let text = reading.tokenizer.decode(drawn.id);
    let title = format!(
        "token {}: probability {:.1} %{}",
        index + 1,
        100.0 * drawn.probability,
        if drawn.likeliest { ", the likeliest" } else { "" }
    );
    let broken = text.contains('\n');
    view! {
        <span class="drawn-token" class:first-changed=index == same class:changed={index > same} title=title
            data-id=drawn.id>{text}</span>
        {broken.then(|| view! { <br/> })}
    }
}

fn plain(reading: &Reading, ids: impl Iterator<Item = u32>) -> String {
    ids.map(|id| reading.tokenizer.decode(id)).collect()
}

/// Where the two sides part.
fn sentence(state: State) -> String {
    let c = state.continuation;
    let (base, now) = (c.baseline.get(), c.now.get());
    let trained = state.modes.with(|m| *m == state.model.get().trained());
    if trained || base.drawn.is_empty() || now.drawn.is_empty() {
        return String::new();
    }
    let ids = |side: &Side| side.drawn.iter().map(|d| d.id).collect::<Vec<_>>();
    let same = agreeing(&ids(&base), &ids(&now));
    let shorter = base.drawn.len().min(now.drawn.len());
    if same == shorter {
        return format!("The first {same} tokens agree.");
    }
    let Some(reading) = state.reading.get() else { return String::new() };
    let name = |side: &Side| visible(&reading.tokenizer.decode(side.drawn[same].id));
    let agree = match same {
        0 => "They part at once".to_string(),
        1 => "The first token agrees; then they part".into(),
        n => format!("The first {n} tokens agree; then they part"),
    };
    format!("{agree}: “{}” by the baseline, “{}” under the switches.", name(&base), name(&now))
}
