//! The sweep: what simplifying costs, as curves and as a table whose cells set the layers.

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;

use super::export::Save;
use super::plot::{Picture, Sweep as Figure, height, sweep};
use super::state::{State, TwinState, set};
use crate::export::Column;
use crate::link::Pin;
use crate::sweep::{Curves, Kind, SWEPT, about, columns, estimate, sentence};
use crate::words::{change, megabytes, perplexity, short};
use crate::zoo::{self, ModelEntry};

const KINDS: [(Kind, &str, &str); 2] =
    [(Kind::First, "first", "The first k layers"), (Kind::Alone, "alone", "One layer alone")];

fn twin(state: State) -> Option<&'static ModelEntry> {
    zoo::find(state.model.get().twin)
}

fn on_cpu(state: State) -> bool {
    state.engine.with(|e| e.label.as_ref().is_some_and(|label| label.starts_with("CPU")))
}

/// Curves of the kind that is chosen, while they are wanted.
fn main_curves(state: State) -> Option<Curves> {
    state.sweep.curves.get().filter(|c| c.kind == state.sweep.kind.get())
}

fn twin_curves(state: State) -> Option<Curves> {
    let wanted = state.sweep.with_twin.get();
    state.sweep.twin_curves.get().filter(|c| wanted && c.kind == state.sweep.kind.get())
}

fn columns_now(state: State) -> Vec<Column> {
    let (main, other) = (main_curves(state), twin_curves(state));
    let ids = [state.model.get().id, state.model.get().twin];
    let models: Vec<_> = ids.into_iter().zip([&main, &other]).filter_map(|(id, c)| Some((id, c.as_ref()?))).collect();
    columns(state.sweep.kind.get(), state.model.get().layers, &models)
}

#[component]
pub fn Sweep(state: State) -> impl IntoView {
    let layers = move || state.model.get().layers;
    let picture = Memo::new(move |_| {
        let (main, twin) = (main_curves(state), twin_curves(state));
        let figure =
            Figure { kind: state.sweep.kind.get(), layers: layers(), main: main.as_ref(), twin: twin.as_ref() };
        sweep(&figure, state.narrow.get())
    });
    let words = move || {
        let (main, other) = (main_curves(state), twin_curves(state));
        let names = [Some(state.model.get().title), twin(state).map(|t| t.title)];
        let models: Vec<_> =
            names.iter().zip([&main, &other]).filter_map(|(n, c)| Some(((*n)?, c.as_ref()?))).collect();
        sentence(&models)
    };
    view! {
        <div class="text-head">
            <h2>"Sweep"<span>"what simplifying costs, on this text"</span></h2>
            <div class="choices" role="group" aria-label="What a curve runs over">
                {KINDS.map(|(kind, id, name)| view! {
                    <button data-kind=id aria-pressed=move || (state.sweep.kind.get() == kind).to_string()
                        on:click=move |_| { set(state.sweep.k, None); set(state.sweep.kind, kind) }>{name}</button>
                })}
            </div>
            <Progress state=state/>
        </div>
        <Begin state=state/>
        <div class="sweep">
            <figure>
                <Models state=state/>
                <Crosshair state=state picture=picture/>
                <Readout state=state/>
                <figcaption id="sweep-sentence" aria-live="polite">{words}</figcaption>
                <Save state=state id="sweep" title="What simplifying layers costs: change of perplexity"
                    data=move || columns_now(state) sentence=Signal::derive(move || words().unwrap_or_default())/>
            </figure>
            <Table state=state/>
        </div>
    }
}

/// On the CPU engine a sweep takes so long that it waits to be asked for.
#[component]
fn Begin(state: State) -> impl IntoView {
    let waiting = move || on_cpu(state) && !state.sweep.asked.get();
    let time = move || {
        let times = state.cost.times.get()?;
        let models = if state.sweep.with_twin.get() { 2 } else { 1 };
        let points = models * SWEPT.len() * state.model.get().layers;
        Some(about(estimate(points, times.forward)))
    };
    move || {
        waiting().then(|| {
            view! {
                <p class="begin">
                    <button id="sweep" on:click=move |_| state.sweep.asked.set(true)>
                        {move || time().map_or("Run the sweep".into(), |t| format!("Run the sweep ({t} on this CPU)"))}
                    </button>
                </p>
            }
        })
    }
}

/// How far the curves are.
#[component]
fn Progress(state: State) -> impl IntoView {
    let text = move || {
        let (mut done, mut total) = main_curves(state)?.progress();
        if let Some(twin) = twin_curves(state) {
            (done, total) = (done + twin.progress().0, total + twin.progress().1);
        }
        let coming = state.sweep.with_twin.get() && matches!(state.sweep.twin.get(), TwinState::Coming(..));
        let waits = state.sweep.with_twin.get() && !coming && state.sweep.twin_curves.with(Option::is_none);
        Some(match (done == total, coming, waits) {
            (false, ..) => format!("{done} of {total} points"),
            (true, false, false) => "done".into(),
            _ => "waiting for the twin".into(),
        })
    };
    view! { <span class="cut" id="sweep-status" role="status">{text}</span> }
}

/// Which line is which model, and what there is to say of the twin's weights.
#[component]
fn Models(state: State) -> impl IntoView {
    let news = move || match state.sweep.twin.get() {
        _ if !state.sweep.with_twin.get() => None,
        TwinState::Here => None,
        TwinState::Coming(done, total) => {
            let text = format!("{} of {}", megabytes(done).trim_end_matches(" MB"), megabytes(total));
            Some(view! {
                <span class="coming" role="status">
                    <progress max=total.to_string() prop:value=done as f64 aria-label="Download of the twin"></progress>
                    {text}
                </span>
            }
            .into_any())
        }
        TwinState::Failed(message) => Some(
            view! {
                <span class="failed" role="alert">{message}" "
                    <button class="quiet" on:click=move |_| {
                        state.sweep.twin.set(TwinState::Here);
                        state.sweep.arrivals.update(|n| *n += 1);
                    }>"Try again"</button>
                </span>
            }
            .into_any(),
        ),
    };
    view! {
        <p class="models">
            <span class="solid">{move || state.model.get().title}</span>
            <label class="dashed">
                <input type="checkbox" id="sweep-twin" prop:checked=move || state.sweep.with_twin.get()
                    on:change=move |e| state.sweep.with_twin.set(event_target_checked(&e))/>
                {move || twin(state).map(|t| t.title)}
            </label>
            {news}
        </p>
    }
}

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
fn Crosshair(state: State, picture: Memo<Picture>) -> impl IntoView {
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
        if let Some(at) = k.get_untracked() {
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
            aria-valuenow=move || k.get() aria-valuetext=spoken
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
fn Readout(state: State) -> impl IntoView {
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

/// The same figures as a table; a cell sets the layers.
#[component]
fn Table(state: State) -> impl IntoView {
    let both = Memo::new(move |_| state.sweep.twin_curves.with(Option::is_some) && state.sweep.with_twin.get());
    let head = move || {
        let title = |entry: Option<&'static ModelEntry>| {
            view! { <th colspan=SWEPT.len() scope="colgroup">{entry.map(|e| short(e.title))}</th> }
        };
        view! { <tr><th></th>{title(Some(state.model.get()))}{both.get().then(|| title(twin(state)))}</tr> }
    };
    let names = move || {
        let one = || {
            SWEPT
                .iter()
                .enumerate()
                .map(|(i, m)| view! { <th class=format!("curve-{i}") scope="col">{m.to_string()}</th> })
        };
        view! { {one().collect_view()}{both.get().then(|| one().collect_view())} }
    };
    let rows = move || {
        let kind = state.sweep.kind.get();
        let points = kind.points(state.model.get().layers);
        points.map(|k| view! { <Row state=state kind=kind k=k both=both/> }).collect_view()
    };
    view! {
        <div class="table-scroll">
            <table class="heads sweep-table">
                <caption>"Change of perplexity against the model’s own baseline; press a cell to set the layers so."</caption>
                <thead>{head}<tr><th scope="col">"k"</th>{names}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Row(state: State, kind: Kind, k: usize, both: Memo<bool>) -> impl IntoView {
    let cells = move |of: fn(State) -> Option<Curves>, model: &'static str| {
        let cell = move |(i, mode): (usize, &'static crate::model::LayerMode)| {
            let text = move || {
                let curves = of(state);
                curves.and_then(|c| Some(change(c.at(i, k)?, c.baseline))).unwrap_or_else(|| "·".into())
            };
            view! {
                <td><button class="quiet" disabled=move || state.share.locks(Pin::Modes) data-model=model data-k=k data-mode=mode.to_string()
                    on:click=move |_| state.set_point(kind, k, *mode)>{text}</button></td>
            }
        };
        SWEPT.iter().enumerate().map(cell).collect_view()
    };
    view! {
        <tr aria-current=move || (state.sweep.k.get() == Some(k)).to_string()>
            <th scope="row">{k}</th>
            {cells(main_curves, "main")}
            {move || both.get().then(|| cells(twin_curves, "twin"))}
        </tr>
    }
}
