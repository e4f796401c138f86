//! One heat map: canvas, crosshair, colour key; pointer, wheel, fingers and keys.

use leptos::ev::{KeyboardEvent, PointerEvent, TouchEvent, WheelEvent};
use leptos::html::{Canvas, Div};
use leptos::prelude::*;
use leptos::wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::super::export::Save;
use super::super::state::{State, set};
use super::maps::{Shown, tokens, zoom_about_cell};
use super::{of_head, titled};
use crate::export::Column;
use crate::heads::{Colour, Gesture, Viewport, figure, full_scale, paint, step, wheel_factor};
use crate::spectra::HeadMaps;

/// Which matrix a map shows, in which colours, and what it says.
#[derive(Clone, Copy)]
pub struct Kind {
    id: &'static str,
    name: &'static str,
    help: &'static str,
    colour: Colour,
    values: fn(&HeadMaps) -> &[f32],
}

pub const KINDS: [Kind; 4] = [
    Kind {
        id: "scores",
        name: "Scores G",
        help: "routing plus filtering",
        colour: Colour::Diverging,
        values: |maps| &maps.scores,
    },
    Kind {
        id: "routing",
        name: "Routing",
        help: "skew-symmetric part",
        colour: Colour::Diverging,
        values: |maps| &maps.routing,
    },
    Kind {
        id: "filtering",
        name: "Filtering",
        help: "symmetric part",
        colour: Colour::Strength,
        values: |maps| &maps.filtering,
    },
    Kind {
        id: "weights",
        name: "Mixing weights",
        help: "query takes from key",
        colour: Colour::Root,
        values: |maps| &maps.weights,
    },
];

/// Most pixels a side that are painted, however fine the screen is.
const FINEST: f64 = 640.0;
/// A turn of the wheel that began outside a map less than this many milliseconds ago goes on scrolling the page.
const SCROLLING: f64 = 300.0;

fn draw(canvas: &HtmlCanvasElement, kind: Kind, maps: &HeadMaps, view: Viewport, full: f32) {
    let wanted = f64::from(canvas.client_width()) * window().device_pixel_ratio();
    let side = wanted.clamp(1.0, FINEST) as u32;
    if canvas.width() != side {
        canvas.set_width(side);
        canvas.set_height(side);
    }
    let pixels = paint((kind.values)(maps), maps.tokens, view, side as usize, kind.colour, full);
    let context = canvas.get_context("2d").ok().flatten().and_then(|c| c.dyn_into::<CanvasRenderingContext2d>().ok());
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&pixels), side, side);
    // Without a context there is nothing to draw on; the figures in words stay.
    if let (Some(context), Ok(image)) = (context, image) {
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}

#[component]
pub fn Map(state: State, kind: Kind, view: Memo<Viewport>, shown: Memo<Option<Shown>>) -> impl IntoView {
    let (canvas, frame) = (NodeRef::<Canvas>::new(), NodeRef::<Div>::new());
    let full = Memo::new(move |_| state.maps.with(|m| m.as_ref().map_or(1.0, |m| full_scale((kind.values)(m)))));
    Effect::new(move |_| {
        state.heads.resizes.track();
        let view = view.get();
        if let (Some(canvas), Some(maps)) = (canvas.get(), state.maps.get()) {
            draw(&canvas, kind, &maps, view, full.get());
        }
    });
    // A place on the frame, in shares of its sides.
    let share = move |x: i32, y: i32| {
        let frame = frame.get_untracked();
        let side = |size: Option<i32>| f64::from(size.unwrap_or(1).max(1));
        let (width, height) = (frame.as_ref().map(|f| f.client_width()), frame.as_ref().map(|f| f.client_height()));
        (f64::from(x) / side(width), f64::from(y) / side(height))
    };
    let cell = move |at: (f64, f64)| untrack(|| view.get().cell(tokens(state), at));
    let gesture = StoredValue::new(Gesture::default());
    let press = move |event: PointerEvent| {
        gesture.update_value(|g| g.press(event.pointer_id(), share(event.offset_x(), event.offset_y())));
        if let Some(frame) = frame.get_untracked() {
            // Without the capture a drag ends at the frame.
            let _ = frame.set_pointer_capture(event.pointer_id());
        }
    };
    let travel = move |event: PointerEvent| {
        let at = share(event.offset_x(), event.offset_y());
        let (now, count) = untrack(|| (view.get(), tokens(state)));
        match gesture.try_update_value(|g| (g.is_held(), g.drag(event.pointer_id(), at, now, count))) {
            Some((true, Some(moved))) => set(state.heads.viewport, moved),
            Some((false, _)) if state.heads.locked.get_untracked().is_none() => {
                set(state.heads.pointed, Some(cell(at)));
            }
            _ => {}
        }
    };
    let release = move |event: PointerEvent| {
        let clicked = gesture.try_update_value(|g| g.release(event.pointer_id()));
        if clicked == Some(true) {
            state.heads.pointed.set(None);
            state.heads.toggle(cell(share(event.offset_x(), event.offset_y())));
        }
    };
    let wheel = move |event: WheelEvent| {
        if passing_by(state, &event) {
            return;
        }
        let lines = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE { 16.0 } else { 1.0 };
        let factor = wheel_factor(lines * event.delta_y(), event.ctrl_key());
        let (now, count) = untrack(|| (view.get(), tokens(state)));
        let next = now.zoom(count, factor, share(event.offset_x(), event.offset_y()));
        // Where nothing changes any more, the page scrolls on.
        if next != now {
            event.prevent_default();
            state.heads.viewport.set(next);
        }
    };
    // Fingers that pinch, or move over a map that is zoomed, are not the browser's.
    let touch = move |event: TouchEvent| {
        let zoomed = untrack(|| view.get()) != Viewport::WHOLE;
        if event.cancelable() && (event.touches().length() > 1 || zoomed) {
            event.prevent_default();
        }
    };
    let cross = move || {
        let (shown, view, count) = (shown.get()?, view.get(), tokens(state));
        let held = state.heads.locked.get() == Some(shown.cell);
        Some(crosshair(shown.cell, view, count, held))
    };
    let token = move || {
        let (index, view, count) = (state.heads.token.get()?, view.get(), tokens(state));
        let percent = |from: f64| format!("{:.3}%", 100.0 * (index as f64 + 0.5 - from) / view.size(count));
        Some(view! {
            <i class="cross across token-mark" style:top=percent(view.y)></i>
            <i class="cross down token-mark" style:left=percent(view.x)></i>
        })
    };
    view! {
        <figure class="map" data-map=kind.id>
            <figcaption><b>{kind.name}</b>" "{kind.help}</figcaption>
            <div class="canvas" node_ref=frame tabindex="0" role="application" aria-roledescription="heat map"
                class:zoomed=move || view.get() != Viewport::WHOLE
                aria-label=format!("{}: {}. Arrow keys move the held cell, plus and minus zoom.", kind.name, kind.help)
                aria-describedby="map-words"
                on:pointerdown=press on:pointermove=travel on:pointerup=release
                on:pointercancel=move |e| gesture.update_value(|g| g.cancel(e.pointer_id()))
                on:pointerleave=move |_| set(state.heads.pointed, None)
                on:dblclick=move |_| state.heads.viewport.set(Viewport::WHOLE)
                on:wheel=wheel on:touchstart=touch on:touchmove=touch on:keydown=move |e| keys(state, shown, &e)>
                <canvas node_ref=canvas aria-hidden="true"></canvas>
                {cross}
                {token}
            </div>
            <ColourKey colour=kind.colour full=full/>
            <Save state=state id=Signal::derive(move || of_head(state, kind.id))
                title=Signal::derive(move || titled(state, kind.name)) sentence=Signal::derive(move || format!("{}; full colour at {}", kind.help, figure(f64::from(full.get()))))
                data=move || state.maps.with(|m| m.as_ref().map(|m| columns((kind.values)(m), m.tokens)).unwrap_or_default())/>
        </figure>
    }
}

/// A matrix as columns: a row a query, a column a key.
fn columns(values: &[f32], tokens: usize) -> Vec<Column> {
    let key = |j: usize| Column::new(format!("key_{}", j + 1), values.iter().skip(j).step_by(tokens).copied());
    std::iter::once(Column::new("query", 1..=tokens)).chain((0..tokens).map(key)).collect()
}

/// Lines through a cell, and a box around it where it is held.
fn crosshair((i, j): (usize, usize), view: Viewport, tokens: usize, held: bool) -> impl IntoView {
    let size = view.size(tokens);
    let percent = move |cells: f64| format!("{:.3}%", 100.0 * cells / size);
    let (x, y) = (j as f64 - view.x, i as f64 - view.y);
    let frame = held.then(|| {
        view! {
            <i class="held" style:left=percent(x) style:top=percent(y)
                style:width=percent(1.0) style:height=percent(1.0)></i>
        }
    });
    view! {
        <i class="cross across" style:top=percent(y + 0.5)></i>
        <i class="cross down" style:left=percent(x + 0.5)></i>
        {frame}
    }
}

/// Whether a turn of the wheel belongs to a scroll of the page that passes over the map.
fn passing_by(state: State, event: &WheelEvent) -> bool {
    let passing = event.time_stamp() - state.heads.scrolled.get_value() < SCROLLING;
    if passing {
        state.heads.scrolled.set_value(event.time_stamp());
    }
    passing
}

/// Arrows move the held cell, Enter holds or lets go, Escape lets go, plus and minus zoom, 0 shows everything.
fn keys(state: State, shown: Memo<Option<Shown>>, event: &KeyboardEvent) {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let Some(cell) = shown.with_untracked(|s| s.as_ref().map(|s| s.cell)) else { return };
    let count = untrack(|| tokens(state));
    match event.key().as_str() {
        "+" | "=" => zoom_about_cell(state, 1.5),
        "-" | "−" => zoom_about_cell(state, 1.0 / 1.5),
        "0" => state.heads.viewport.set(Viewport::WHOLE),
        "Enter" | " " => state.heads.toggle(cell),
        "Escape" => state.heads.locked.set(None),
        key => {
            let Some(next) = step(cell, key, event.shift_key(), count) else { return };
            // The first key takes up the cell that is shown; from then on keys move it.
            let next = if state.heads.locked.get_untracked().is_some() { next } else { cell };
            state.heads.pointed.set(None);
            state.heads.locked.set(Some(next));
            state.heads.viewport.update(|view| *view = view.kept(count).reveal(count, next));
        }
    }
    event.prevent_default();
}

#[component]
fn ColourKey(colour: Colour, full: Memo<f32>) -> impl IntoView {
    let gradient = move || {
        let stops = colour.key(full.get());
        let stops = stops.iter().map(|stop| {
            let [r, g, b, a] = stop.rgba;
            format!("rgb({r} {g} {b} / {:.3}) {:.1}%", f64::from(a) / 255.0, 100.0 * stop.share)
        });
        format!("linear-gradient(to right, {})", stops.collect::<Vec<_>>().join(", "))
    };
    let end = move |sign: f32| figure(f64::from(sign * full.get()));
    let low = if colour == Colour::Diverging { -1.0 } else { 0.0 };
    view! {
        <p class="map-key" title="One value in a hundred is stronger than the ends and has their colour">
            <span>{move || end(low)}</span>
            <i style:background=gradient></i>
            <span>{move || end(1.0)}</span>
        </p>
    }
}
