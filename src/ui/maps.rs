//! The selected head's scores, routing part, filtering part and mixing weights as heat maps.

use std::sync::Arc;

use leptos::ev::PointerEvent;
use leptos::html::Canvas;
use leptos::prelude::*;
use leptos::wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::state::State;
use crate::spectra::HeadMaps;
use crate::text::visible;
use crate::words::signed;

/// Which matrix a map shows, and in which colours.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Scores,
    Routing,
    Filtering,
    Weights,
}

const KINDS: [(Kind, &str, &str); 4] = [
    (Kind::Scores, "Scores G", "what the head computes: routing plus filtering"),
    (Kind::Routing, "Routing", "skew-symmetric part: blue is negative, vermilion positive"),
    (Kind::Filtering, "Filtering", "symmetric part: the stronger the greener"),
    (Kind::Weights, "Mixing weights", "what each query takes from each visible key"),
];

// Okabe–Ito vermilion, blue, bluish green and reddish purple. Strength is opacity, so that one set serves light
// and dark.
const POSITIVE: [u8; 3] = [213, 94, 0];
const NEGATIVE: [u8; 3] = [0, 114, 178];
const FILTERING: [u8; 3] = [0, 158, 115];
const WEIGHT: [u8; 3] = [204, 121, 167];

impl Kind {
    fn value(self, maps: &HeadMaps, at: usize) -> f32 {
        match self {
            Kind::Scores => maps.routing[at] + maps.filtering[at],
            Kind::Routing => maps.routing[at],
            Kind::Filtering => maps.filtering[at],
            Kind::Weights => maps.weights[at],
        }
    }

    fn colour(self, value: f32) -> [u8; 3] {
        match self {
            Kind::Filtering => FILTERING,
            Kind::Weights => WEIGHT,
            _ if value < 0.0 => NEGATIVE,
            _ => POSITIVE,
        }
    }
}

/// RGBA of a map. Full colour is at the value that one entry in a hundred exceeds; weights fall off so fast
/// that their root is shown.
fn pixels(kind: Kind, maps: &HeadMaps) -> Vec<u8> {
    let values: Vec<f32> = (0..maps.tokens * maps.tokens).map(|at| kind.value(maps, at)).collect();
    let mut sizes: Vec<f32> = values.iter().map(|v| v.abs()).filter(|v| *v > 0.0).collect();
    sizes.sort_by(f32::total_cmp);
    let full = sizes.get(sizes.len().saturating_sub(1 + sizes.len() / 100)).copied().unwrap_or(1.0);
    let shade = |v: &f32| {
        let strength = (v.abs() / full).min(1.0);
        let strength = if kind == Kind::Weights { strength.sqrt() } else { strength };
        let [r, g, b] = kind.colour(*v);
        [r, g, b, (255.0 * strength) as u8]
    };
    values.iter().flat_map(shade).collect()
}

fn draw(canvas: &HtmlCanvasElement, kind: Kind, maps: &HeadMaps) {
    let side = maps.tokens as u32;
    canvas.set_width(side);
    canvas.set_height(side);
    let context = canvas.get_context("2d").ok().flatten().and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok());
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&pixels(kind, maps)), side, side);
    // Without a context there is nothing to draw on; the figures on hover stay.
    if let (Some(context), Ok(image)) = (context, image) {
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}

#[component]
pub fn Maps(state: State) -> impl IntoView {
    // Query and key under the pointer; a click holds them.
    let pointed = RwSignal::new(None::<(usize, usize)>);
    let held = RwSignal::new(false);
    let words = move || {
        let (maps, reading) = (state.maps.get()?, state.reading.get()?);
        let Some((i, j)) = pointed.get().filter(|(i, j)| *i < maps.tokens && *j < maps.tokens) else {
            return Some("Point at a map for the exact values; click to hold them.".to_string());
        };
        let token =
            |t: usize| reading.ids.get(t).map_or_else(String::new, |id| visible(&reading.tokenizer.decode(*id)));
        let at = i * maps.tokens + j;
        let number = |kind: Kind| signed(f64::from(kind.value(&maps, at)), 3);
        let weight = if j <= i { format!("{:.4}", maps.weights[at]) } else { "not visible".into() };
        Some(format!(
            "query {} “{}”, key {} “{}”: G {} = routing {} and filtering {}; weight ({}) {weight}",
            i + 1,
            token(i),
            j + 1,
            token(j),
            number(Kind::Scores),
            number(Kind::Routing),
            number(Kind::Filtering),
            maps.mode,
        ))
    };
    view! {
        <h2>{move || format!("Layer {}, head {}", state.layer.get() + 1, state.head.get() + 1)}
            <span>"query by row, key by column, as far as the text goes"</span></h2>
        <p class="map-words" id="map-words" aria-live="polite">{words}</p>
        <div class="maps">
            {KINDS.iter().map(|(kind, name, help)| view! {
                <Map state=state kind=*kind name=name help=help pointed=pointed held=held/>
            }).collect_view()}
        </div>
    }
}

#[component]
fn Map(
    state: State,
    kind: Kind,
    name: &'static str,
    help: &'static str,
    pointed: RwSignal<Option<(usize, usize)>>,
    held: RwSignal<bool>,
) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        if let (Some(canvas), Some(maps)) = (canvas.get(), state.maps.get()) {
            draw(&canvas, kind, &maps);
        }
    });
    let place = move |event: &PointerEvent| {
        let tokens = state.maps.with_untracked(|m: &Option<Arc<HeadMaps>>| m.as_ref().map(|m| m.tokens))?;
        let canvas = canvas.get_untracked()?;
        let share = |offset: i32, size: i32| (f64::from(offset) / f64::from(size.max(1)) * tokens as f64) as usize;
        let (j, i) = (share(event.offset_x(), canvas.client_width()), share(event.offset_y(), canvas.client_height()));
        Some((i.min(tokens - 1), j.min(tokens - 1)))
    };
    let hover = move |event: PointerEvent| {
        if !held.get_untracked() {
            pointed.set(place(&event));
        }
    };
    let hold = move |event: PointerEvent| {
        held.update(|held| *held = !*held);
        pointed.set(place(&event));
    };
    let cross = move || {
        let (i, j) = pointed.get()?;
        let tokens = state.maps.with(|m| m.as_ref().map(|m| m.tokens))? as f64;
        let percent = |t: usize| format!("{:.3}%", 100.0 * (t as f64 + 0.5) / tokens);
        Some(view! {
            <i class="cross across" style:top=percent(i)></i>
            <i class="cross down" style:left=percent(j)></i>
        })
    };
    view! {
        <figure class="map">
            <figcaption title=help><b>{name}</b>" "{help}</figcaption>
            <div class="canvas">
                <canvas node_ref=canvas role="img" aria-label=format!("{name}: {help}")
                    on:pointermove=hover on:pointerdown=hold
                    on:pointerleave=move |_| if !held.get_untracked() { pointed.set(None) }></canvas>
                {cross}
            </div>
        </figure>
    }
}
