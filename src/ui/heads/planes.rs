//! The strongest rotation planes of the selected head's routing, and the tokens that they move between.

use leptos::prelude::*;

use super::super::export::Save;
use super::super::plot;
use super::super::state::{State, set};
use super::maps::token;
use super::{of_head, titled};
use crate::export::Column;
use crate::heads::{figure, pair_sentence, percent, plane_sentence};
use crate::spectra::{PLANES, Pair, Plane};

/// Pairs that are listed a plane.
const PAIRS: usize = 5;

#[component]
pub fn Planes(state: State) -> impl IntoView {
    let planes = Memo::new(move |_| state.maps.with(|m| m.as_ref().map(|m| m.planes.clone())));
    let sentence = move || match planes.get() {
        Some(planes) => plane_sentence(&planes),
        None => "They follow with the matrices.".into(),
    };
    view! {
        <h2>"Rotation planes"<span>"what routing does, a plane at a time: R = Σ σ (a bᵀ − b aᵀ)"</span></h2>
        <p class="planes-sentence" aria-live="polite">{sentence}
            " A dot is a token, placed by √σ·(a, b); two tokens score by the area that they span, its sign by the turn from "
            "query to key."</p>
        <div class="planes">
            {(0..PLANES).map(|index| {
                let plane = Memo::new(move |_| planes.with(|p| p.as_ref()?.get(index).cloned()));
                view! { <PlaneCard state=state index=index plane=plane/> }
            }).collect_view()}
        </div>
    }
}

#[component]
fn PlaneCard(state: State, index: usize, plane: Memo<Option<Plane>>) -> impl IntoView {
    let pairs = Memo::new(move |_| plane.with(|p| p.as_ref().map(|p| p.strongest(PAIRS)).unwrap_or_default()));
    let title = move || {
        plane.with(|p| {
            p.as_ref().map(|p| {
                format!("σ {}, {} of the routing energy", figure(p.sigma).trim_start_matches('+'), percent(p.share))
            })
        })
    };
    // The pair of the list that is pointed at, the one that is held, or else the plane's strongest. What else the
    // pointer passes on a map would draw the plane too often.
    let marked = Memo::new(move |_| {
        let pointed = state.heads.pointed.get();
        let listed = pointed.filter(|at| pairs.with(|pairs| pairs.iter().any(|p| (p.query, p.key) == *at)));
        let chosen = listed.or_else(|| state.heads.locked.get());
        let count = plane.with(|p| p.as_ref().map_or(0, |p| p.points.len()));
        let chosen = chosen.filter(|(i, j)| *i < count && *j < count);
        chosen.or_else(|| pairs.with(|pairs| pairs.first().map(|p| (p.query, p.key))))
    });
    let svg = move || {
        let (query, key) = marked.get()?;
        plane.with(|p| Some(plot::plane(p.as_ref()?, [query, key].map(|t| (t, token(state, t)))).svg))
    };
    let label = move || pairs.with(|pairs| pairs.first().map(|pair| words(state, pair)));
    let list = move || pairs.get().into_iter().map(|pair| view! { <PairButton state=state pair=pair/> }).collect_view();
    view! {
        <figure class="plane" data-plane=index + 1>
            <p class="figure-title"><b>{format!("Plane {}", index + 1)}</b>" "{title}</p>
            <div class="plot" role="img" aria-label=move || label().map(|l| format!("Tokens in plane {}; strongest {l}", index + 1))
                inner_html=move || svg().unwrap_or_default()></div>
            <Save state=state id=Signal::derive(move || of_head(state, &format!("plane{}", index + 1)))
                title=Signal::derive(move || titled(state, &format!("Rotation plane {}", index + 1)))
                sentence=Signal::derive(move || title().unwrap_or_default())
                data=move || columns(state, plane.get())/>
            <ol class="pairs" on:pointerleave=move |_| set(state.heads.pointed, None)>{list}</ol>
        </figure>
    }
}

/// A plane's data: each token's place.
fn columns(state: State, plane: Option<Plane>) -> Vec<Column> {
    let points = plane.map(|p| p.points).unwrap_or_default();
    vec![
        Column::new("position", 1..=points.len()),
        Column::new("token", (0..points.len()).map(|t| token(state, t))),
        Column::new("a", points.iter().map(|p| p[0])),
        Column::new("b", points.iter().map(|p| p[1])),
    ]
}

fn words(state: State, pair: &Pair) -> String {
    let (query, key) = (token(state, pair.query), token(state, pair.key));
    pair_sentence((pair.query, &query), (pair.key, &key), pair.score)
}

/// Pointing at a pair marks it everywhere; a press holds it.
#[component]
fn PairButton(state: State, pair: Pair) -> impl IntoView {
    let cell = (pair.query, pair.key);
    let point = move || set(state.heads.pointed, Some(cell));
    view! {
        <li>
            <button class="quiet" class:negative=pair.score < 0.0
                aria-pressed=move || (state.heads.locked.get() == Some(cell)).to_string()
                on:pointerenter=move |_| point() on:focus=move |_| point()
                on:blur=move |_| set(state.heads.pointed, None)
                on:click=move |_| state.heads.toggle(cell)>{words(state, &pair)}</button>
        </li>
    }
}
