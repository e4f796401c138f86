//! Exact values at one k of the sweep's figure, by pointer, finger or keyboard, and a click that sets the layers.

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;

use super::super::plot::{Picture, height};
use super::super::state::{State, set};
use super::{main_curves, twin, twin_curves};
use crate::link::Pin;
use crate::sweep::{Curves, Kind, SWEPT};
use crate::words::{change, perplexity, short};

/// k and curve nearest to a pointer over the picture: the curve by the height of its points at that k.
fn nearest(state: State, picture: &Picture, event: &PointerEvent, rect: &web_sys::DomRect) -> Option<(usize, usize)> {
    let unit = f64::from(picture.size.0) / rect.width().max(1.0);
    let x = (f64::from(event.client_x()) - rect.left()) * unit;
    let y = (f64::from(event.client_y()) - rect.top()) * unit;
    let points = untrack(|| state.sweep.kind.get().points(state.model.get().layers));
    let k = (picture.values(x, y).0.round().max(0.0) as usize).clamp(*points.start(), *points.end());
    let models = untrack(|| [main_curves(state), twin_curves(state)]);
    let distance = |curve: usize| {
        let heights = models.iter().flatten().filter_map(|c| c.ratio(curve, k)).map(height);
        heights.map(|h| (picture.place(k as f64, h).1 - y).abs()).fold(f64::INFINITY, f64::min)
    };
    let curve = (0..SWEPT.len()).min_by(|a, b| distance(*a).total_cmp(&distance(*b)))?;
    Some((k, curve))
}

/// The picture with a crosshair at one k, every curve's value there, and a click that sets the layers.
#[component]
pub fn Crosshair(state: State, picture: Memo<Picture>) -> impl IntoView {
    let (k, curve) = (state.sweep.k, state.sweep.curve);
    // A finger that lands on a point looks first; the second tap on the same point sets.
    let armed = StoredValue::new(false);
    let plot = NodeRef::<leptos::html::Div>::new();
    let look = move |event: &PointerEvent| {
        let found = plot.get_untracked().and_then(|plot| {
            let rect = plot.get_bounding_client_rect();
            picture.with_untracked(|p| nearest(state, p, event, &rect))
        });
        let Some((at, on)) = found else { return false };
        let same = k.get_untracked() == Some(at) && curve.get_untracked() == on;
        set(k, Some(at));
        set(curve, on);
        same
    };
    let down = move |event: PointerEvent| {
        let same = look(&event);
        armed.set_value(same || event.pointer_type() == "mouse");
    };
    let apply = move || {
        if let Some(at) = k.get_untracked().filter(|_| !untrack(|| state.share.locks(Pin::Modes))) {
            state.set_point(state.sweep.kind.get_untracked(), at, SWEPT[curve.get_untracked()]);
        }
    };
    let key = move |event: KeyboardEvent| {
        let points = untrack(|| state.sweep.kind.get().points(state.model.get().layers));
        let (first, last) = (*points.start(), *points.end());
        let at = k.get_untracked();
        match event.key().as_str() {
            "ArrowRight" => set(k, Some(at.map_or(first, |k| (k + 1).min(last)))),
            "ArrowLeft" => set(k, Some(at.map_or(last, |k| k.saturating_sub(1).max(first)))),
            "Home" => set(k, Some(first)),
            "End" => set(k, Some(last)),
            "ArrowDown" => set(curve, (curve.get_untracked() + 1) % SWEPT.len()),
            "ArrowUp" => set(curve, (curve.get_untracked() + SWEPT.len() - 1) % SWEPT.len()),
            "Escape" => set(k, None),
            "Enter" | " " => apply(),
            _ => return,
        }
        event.prevent_default();
    };
    let overlay = move || {
        let at = k.get()?;
        let picture = picture.get();
        let (x, _) = picture.place(at as f64, 0.0);
        let models = [main_curves(state), twin_curves(state)];
        let rings = models.iter().flatten().filter_map(|c| c.ratio(curve.get(), at)).map(|ratio| {
            let (_, y) = picture.place(at as f64, height(ratio));
            view! { <circle cx=x cy=y r="8"></circle> }
        });
        let rings = rings.collect_view();
        Some(view! {
            <svg class="crosshair" viewBox=format!("0 0 {} {}", picture.size.0, picture.size.1) aria-hidden="true">
                <line x1=x x2=x y1=picture.area.top y2=picture.area.bottom></line>
                {rings}
            </svg>
        })
    };
    let spoken = move || k.get().map_or("no point chosen".into(), |at| spoken(state, at, curve.get()));
    view! {
        <div node_ref=plot class="plot sweep-plot" id="sweep-plot" tabindex="0" role="slider"
            aria-label="Change of perplexity by number of simplified layers; arrow keys move, Enter sets the layers"
            aria-valuemin=move || *state.sweep.kind.get().points(0).start()
            aria-valuemax=move || state.model.get().layers
            aria-valuenow=move || k.get().unwrap_or(0) aria-valuetext=spoken
            on:keydown=key on:pointermove=move |e| { look(&e); } on:pointerdown=down
            on:pointerleave=move |e: PointerEvent| if e.pointer_type() == "mouse" { set(k, None) }
            on:click=move |_| if armed.get_value() { apply() }>
            <div inner_html=move || picture.with(|p| p.svg.clone())></div>
            {overlay}
        </div>
    }
}

/// A point in words: the chosen curve's values at k.
fn spoken(state: State, k: usize, curve: usize) -> String {
    let value = |name: &str, curves: Option<Curves>| {
        let curves = curves?;
        let point = curves.at(curve, k)?;
        Some(format!("{name}: {}, {}", perplexity(point, curves.baseline), change(point, curves.baseline)))
    };
    let models = [
        value(state.model.get().title, main_curves(state)),
        twin(state).and_then(|t| value(t.title, twin_curves(state))),
    ];
    let values: Vec<String> = models.into_iter().flatten().collect();
    let what = match state.sweep.kind.get() {
        Kind::First => format!("first {k} layers {}", SWEPT[curve]),
        Kind::Alone => format!("layer {k} alone {}", SWEPT[curve]),
    };
    format!("{what}. {}", if values.is_empty() { "not measured yet".into() } else { values.join("; ") })
}

/// Every curve's exact values at the crosshair.
#[component]
pub fn Readout(state: State) -> impl IntoView {
    let (k, curve) = (state.sweep.k, state.sweep.curve);
    move || {
        let Some(at) = k.get() else {
            let hint = "Point at the figure, or focus it and use the arrow keys, for exact values; a click or Enter \
                        sets the layers so.";
            return view! { <div class="readout hint" id="sweep-readout">{hint}</div> }.into_any();
        };
        let (main, other) = (main_curves(state), twin_curves(state));
        let name = match state.sweep.kind.get() {
            Kind::First if at == 1 => "first layer".into(),
            Kind::First => format!("first {at} layers"),
            Kind::Alone => format!("layer {at} alone"),
        };
        let cells = |curves: &Option<Curves>, index: usize| {
            let curves = curves.as_ref()?;
            let cells = match curves.at(index, at) {
                Some(p) => [perplexity(p, curves.baseline), change(p, curves.baseline)],
                None => ["·".into(), "·".into()],
            };
            Some(cells.map(|text| view! { <td>{text}</td> }).collect_view())
        };
        let rows = SWEPT.iter().enumerate().map(|(i, mode)| {
            view! {
                <tr class=format!("curve-{i}") aria-current=(curve.get() == i).to_string()>
                    <th scope="row">{mode.to_string()}</th>{cells(&main, i)}{cells(&other, i)}
                </tr>
            }
        });
        let rows = rows.collect_view();
        let head = |curves: &Option<Curves>, title: &'static str| {
            curves.is_some().then(|| view! { <th colspan="2" scope="colgroup">{short(title)}</th> })
        };
        view! {
            <div class="readout" id="sweep-readout">
                <table>
                    <thead><tr>
                        <th scope="col">{name}</th>
                        {head(&main, state.model.get().title)}
                        {head(&other, twin(state).map_or("", |t| t.title))}
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    }
}
