//! The menu that saves a figure: drawing as SVG and PNG, data as CSV and JSON.
//!
//! A figure mounts it inside its `<figure>` element, after the drawing:
//! `<Save state=state id="cascade" title="Spectral cascade" data=move || vec![Column::new(…), …]/>`.
//! The drawing is the first `.plot svg` of that element, or its first `canvas`.

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::html::Details;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlCanvasElement, Node, XmlSerializer};

use super::save::{png, save};
use super::state::State;
use crate::export::{Column, Source, csv, file_stem, json, standalone, with_image, with_text};
use crate::zoo::ModelEntry;

/// Side of a heat map in a file, in units of the drawing.
const MAP_SIDE: f64 = 640.0;

/// `Save ▾`. `id` begins the file names (`cascade-sd-6m-linearized7.svg`); `title` stands above the drawing; `data`
/// gives the columns that the figure shows, at the moment of saving. With `sentence` the file says something
/// else below its title than the page's sentence; with `model` the figure is of another one than that on screen.
#[component]
pub fn Save(
    state: State,
    #[prop(into)] id: Signal<String>,
    #[prop(into)] title: Signal<String>,
    data: impl Fn() -> Vec<Column> + Copy + Send + Sync + 'static,
    #[prop(optional, into)] sentence: Option<Signal<String>>,
    #[prop(optional, into)] model: Option<Signal<&'static ModelEntry>>,
) -> impl IntoView {
    let menu = NodeRef::<Details>::new();
    let failed = RwSignal::new(None::<&'static str>);
    let of = move || model.map_or_else(|| state.model.get(), |model| model.get());
    let source = move || untrack(|| state.source(id.get(), title.get(), sentence.map(|s| s.get()), of()));
    let close = move || {
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
        }
    };
    let done = move |outcome: Option<Result<(), JsValue>>| match outcome {
        Some(Ok(())) => close(),
        None => failed.set(Some("The figure is not drawn yet.")),
        Some(Err(_)) => failed.set(Some("This browser cannot make that file; try another kind.")),
    };
    let drawing = move || standalone(&find_drawing(menu.get_untracked()?.into())?, &source());
    let name = move |extension: &str| format!("{}.{extension}", state.file_stem(&id.get_untracked(), untrack(of)));
    let save_text = move |extension: &'static str, kind: &'static str, text: Option<String>| {
        failed.set(None);
        done(text.map(|text| save(&name(extension), kind, text.as_bytes())));
    };
    let save_png = move |_| {
        failed.set(None);
        let Some(svg) = drawing() else { return done(None) };
        let (source, name) = (source(), name("png"));
        spawn_local(async move {
            let saved = png(&svg).await.and_then(|png| {
                let weights = format!("{}, SHA-256 {}, modes {}", source.model, source.sha256, source.modes);
                let texts = [
                    ("Title", &*source.title),
                    ("Description", &*source.sentence),
                    ("Source", &*weights),
                    ("URL", &*source.link),
                ];
                save(&name, "image/png", &with_text(&png, &texts))
            });
            done(Some(saved));
        });
    };
    let outside = move |target: Option<web_sys::EventTarget>| {
        let node = target.and_then(|target| target.dyn_into::<Node>().ok());
        node.is_some_and(|node| menu.get_untracked().is_some_and(|menu| !menu.contains(Some(&node))))
    };
    // Some browsers give a pressed button no focus: then the focus goes nowhere, and only a press elsewhere closes.
    let left = move |event: FocusEvent| {
        if outside(event.related_target()) {
            close();
        }
    };
    let pressed = window_event_listener(leptos::ev::pointerdown, move |event| {
        if outside(event.target()) {
            close();
        }
    });
    on_cleanup(move || pressed.remove());
    let key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            close();
        }
    };
    view! {
        <details class="save" node_ref=menu on:focusout=left on:keydown=key>
            <summary aria-label=move || format!("Save: {}", title.get())>"Save"</summary>
            <div role="group" aria-label="Kind of file">
                <button data-save="svg" on:click=move |_| save_text("svg", "image/svg+xml", drawing())>"SVG"</button>
                <button data-save="png" on:click=save_png>"PNG"</button>
                <button data-save="csv" on:click=move |_| save_text("csv", "text/csv", Some(csv(&source(), &untrack(data))))>"CSV"</button>
                <button data-save="json" on:click=move |_| {
                    save_text("json", "application/json", Some(json(&source(), &untrack(data))))
                }>"JSON"</button>
                {move || failed.get().map(|text| view! { <p role="alert">{text}</p> })}
            </div>
        </details>
    }
}

impl State {
    /// What a figure that is saved now is of. Reads signals: wrap it in `untrack` in a handler.
    pub fn source(
        &self,
        figure: String,
        title: String,
        sentence: Option<String>,
        model: &'static ModelEntry,
    ) -> Source {
        Source {
            figure,
            title,
            sentence: sentence.unwrap_or_else(|| self.sentence.get()),
            model: model.id.into(),
            sha256: model.sha256.into(),
            modes: crate::model::format_modes(&self.modes.get()),
            link: self.permalink(),
        }
    }

    /// The beginning of a file's name.
    pub fn file_stem(&self, figure: &str, model: &'static ModelEntry) -> String {
        file_stem(figure, model.id, &self.modes.get_untracked(), &model.trained())
    }
}

/// The drawing of the figure around an element, as SVG text.
fn find_drawing(inside: Element) -> Option<String> {
    let figure = inside.closest("figure").ok().flatten()?;
    if let Ok(Some(svg)) = figure.query_selector(".plot svg") {
        return XmlSerializer::new().ok()?.serialize_to_string(&svg).ok();
    }
    let canvas = figure.query_selector("canvas").ok().flatten()?.dyn_into::<HtmlCanvasElement>().ok()?;
    let height = MAP_SIDE * f64::from(canvas.height()) / f64::from(canvas.width().max(1));
    (canvas.width() > 0 && canvas.height() > 0)
        .then(|| canvas.to_data_url_with_type("image/png").ok())
        .flatten()
        .map(|data| with_image(&data, MAP_SIDE, height))
}
