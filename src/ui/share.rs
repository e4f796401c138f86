//! The share dialog: a link that checks itself, its QR code, the code for an iframe, what the link leaves out and
//! pins, and files. Also what an opened link has to say: how its figures compare, and what it pins.

use leptos::ev::{Event, KeyboardEvent};
use leptos::html::{Dialog, Textarea};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::dialog::follow;
use super::save::save;
use super::state::{Checked, State};
use crate::link::{MAX_TEXT_BYTES, Part, Pin};
use crate::qr::Qr;
use crate::script;

/// Mail and chat programs begin to cut addresses about here.
const LONG_LINK: usize = 2000;

#[component]
pub fn ShareButton(state: State) -> impl IntoView {
    let share = state.share;
    let open = move |_| {
        share.link_hide.set(share.hide.get_untracked());
        share.link_lock.set(share.lock.get_untracked());
        share.open.set(true);
    };
    view! {
        <button class="quiet" id="share" aria-haspopup="dialog" on:click=open>"Share"</button>
        <ShareDialog state=state/>
    }
}

#[component]
fn ShareDialog(state: State) -> impl IntoView {
    let share = state.share;
    let dialog = NodeRef::<Dialog>::new();
    follow(dialog, share.open);
    view! {
        <dialog id="share-dialog" node_ref=dialog aria-labelledby="share-title" on:close=move |_| share.open.set(false)>
            <div class="share-head">
                <h2 id="share-title">"Share what is on screen"</h2>
                <button class="quiet" aria-label="Close" on:click=move |_| share.open.set(false)>"✕"</button>
            </div>
            <Show when=move || share.open.get()>
                <Body state=state/>
            </Show>
        </dialog>
    }
}

#[component]
fn Body(state: State) -> impl IntoView {
    let link = Memo::new(move |_| state.share_link(false));
    let frame = Memo::new(move |_| frame_code(&state.share_link(true), state.model.get().title));
    let about = move || {
        if state.figures().is_some() {
            "It carries the figures of this screen: whoever opens it is told whether their own device reproduces them."
        } else {
            "The figures are still being computed; the link does not carry them yet."
        }
    };
    let long = move || {
        let text = state.text.with(|t| t.text().len());
        if text > MAX_TEXT_BYTES {
            return Some(format!(
                "Your text has {:.1} KB; a link carries its first {} KB.",
                text as f64 / 1024.0,
                MAX_TEXT_BYTES / 1024
            ));
        }
        let length = link.with(String::len);
        (length > LONG_LINK)
            .then(|| format!("The link has {length} characters: some mail and chat programs cut it. A shorter text makes a shorter link."))
    };
    view! {
        <div class="share-body">
            <section class="share-link">
                <CopyField id="share-link" label="Link" rows=3 text=link/>
                <p class="share-note" role="status">{about}</p>
                {move || long().map(|text| view! { <p class="share-note warn" id="share-long">{text}</p> })}
                <fieldset id="share-lock">
                    <legend>"Pin, so that it cannot be changed by accident"</legend>
                    {Pin::ALL.iter().map(|pin| view! { <Choice id=pin.id() title=pin.title() item=*pin list=share_lock(state)/> }).collect_view()}
                </fieldset>
                <fieldset id="share-hide">
                    <legend>"Leave out"</legend>
                    {Part::ALL.iter().map(|part| view! { <Choice id=part.id() title=part.title() item=*part list=share_hide(state)/> }).collect_view()}
                </fieldset>
                <CopyField id="share-frame" label="Embed in a page" rows=3 text=frame/>
                <Files state=state/>
            </section>
            <Code link=link/>
        </div>
    }
}

fn share_lock(state: State) -> RwSignal<Vec<Pin>> {
    state.share.link_lock
}

fn share_hide(state: State) -> RwSignal<Vec<Part>> {
    state.share.link_hide
}

/// A checkbox for one item of a list.
#[component]
fn Choice<T>(id: &'static str, title: &'static str, item: T, list: RwSignal<Vec<T>>) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let change = move |event: Event| {
        let wanted = event_target_checked(&event);
        list.update(|list| {
            list.retain(|other| *other != item);
            if wanted {
                list.push(item);
            }
        });
    };
    view! {
        <label class="choice">
            <input type="checkbox" value=id prop:checked=move || list.with(|list| list.contains(&item)) on:change=change/>
            {title}
        </label>
    }
}

/// Text to take away, with a button that copies it.
#[component]
fn CopyField(id: &'static str, label: &'static str, rows: u32, text: Memo<String>) -> impl IntoView {
    let field = NodeRef::<Textarea>::new();
    let said = RwSignal::new("Copy");
    let copy = move |_| {
        let Some(field) = field.get_untracked() else { return };
        field.select();
        spawn_local(async move {
            let copied = copy_text(&text.get_untracked()).await.is_ok();
            // What is selected can be copied by hand where the page may not.
            said.set(if copied { "Copied" } else { "Press Ctrl C" });
            set_timeout(move || said.set("Copy"), std::time::Duration::from_millis(2000));
        });
    };
    view! {
        <div class="copy-field">
            <label for=id>{label}</label>
            <button on:click=copy data-copy=id>{move || said.get()}</button>
            <textarea id=id readonly node_ref=field rows=rows spellcheck="false" prop:value=move || text.get()></textarea>
        </div>
    }
}

/// Fails where the page has no access to the clipboard: outside a secure context there is none.
async fn copy_text(text: &str) -> Result<(), JsValue> {
    let navigator = window().navigator();
    if js_sys::Reflect::get(&navigator, &"clipboard".into())?.is_undefined() {
        return Err("no clipboard".into());
    }
    JsFuture::from(navigator.clipboard().write_text(text)).await.map(drop)
}

/// The QR code of the link; a click shows it as large as the screen.
#[component]
fn Code(link: Memo<String>) -> impl IntoView {
    let large = RwSignal::new(false);
    let toggle = move |_| large.update(|large| *large = !*large);
    // Escape leaves the large code, not the dialog.
    let key = move |event: KeyboardEvent| {
        if large.get_untracked() && event.key() == "Escape" {
            event.prevent_default();
            event.stop_propagation();
            large.set(false);
        }
    };
    let code = move || {
        match Qr::new(&link.get()) {
        Ok(qr) => view! {
            <button class="qr" class:large=move || large.get() on:click=toggle
                aria-label=move || if large.get() { "QR code of the link; press to make it small" } else { "QR code of the link; press to fill the screen" }>
                <svg id="share-qr" viewBox=format!("0 0 {0} {0}", qr.side) shape-rendering="crispEdges" aria-hidden="true">
                    <rect width="100%" height="100%" fill="#ffffff"/>
                    <path d=qr.path fill="#000000"/>
                </svg>
            </button>
            <p class="share-note">{if qr.dense {
                "A long link makes a dense code: fill the screen, or pin a bundled passage instead of a text of your own."
            } else {
                "Press the code to fill the screen."
            }}</p>
        }
        .into_any(),
        Err(error) => view! { <p class="share-note warn" id="share-qr-long">"No QR code: "{error.to_string()}"."</p> }.into_any(),
    }
    };
    view! { <section class="share-code" aria-label="QR code" on:keydown=key>{code}</section> }
}

#[component]
fn Files(state: State) -> impl IntoView {
    let failed = RwSignal::new(None::<&'static str>);
    let hand_over = move |figure: &str, extension: &str, kind: &str, text: Option<String>| {
        let name = format!("{}.{extension}", state.file_stem(figure, state.model.get_untracked()));
        let saved = text.map(|text| save(&name, kind, text.as_bytes()));
        failed.set(match saved {
            Some(Ok(())) => None,
            Some(Err(_)) => Some("This browser does not let the page save files."),
            None => Some("The report is not there yet."),
        });
    };
    let report = move |_| {
        hand_over("report", "json", "application/json", untrack(|| state.parsed_report().map(|_| state.report.get())))
    };
    let python = move |_| {
        hand_over(
            "reproduce",
            "py",
            "text/x-python",
            untrack(|| state.parsed_report().map(|report| script::python(&report, Some(&state.permalink())))),
        )
    };
    view! {
        <p class="share-files">
            <button id="save-report" on:click=report>"Report (JSON)"</button>
            <button id="save-script" on:click=python
                title="Computes these figures again in float64 with the project's training code">"Python script"</button>
            {move || failed.get().map(|text| view! { <span role="alert">{text}</span> })}
        </p>
    }
}

/// HTML for another page.
fn frame_code(link: &str, title: &str) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<iframe src=\"{}\" title=\"Cascade: {}\" width=\"100%\" height=\"640\" style=\"border:0\" loading=\"lazy\"></iframe>",
        escape(link),
        escape(title)
    )
}

/// How the figures of the opened link compare with those computed here.
#[component]
pub fn Verdict(state: State) -> impl IntoView {
    let checked = Memo::new(move |_| state.checked());
    move || {
        checked.get().map(|checked| {
            let (kind, text) = match checked {
                Checked::Waiting => ("waiting", "Computing the figures of the link again…".to_string()),
                Checked::Done(verdict) if verdict.reproduced() => ("reproduced", verdict.sentence()),
                Checked::Done(verdict) => ("differs", verdict.sentence()),
            };
            view! { <div id="check" class="message" class:bad=kind == "differs" role="status" data-check=kind>{text}</div> }
        })
    }
}

/// What the link pins and leaves out, and the way out of it.
#[component]
pub fn Restrictions(state: State) -> impl IntoView {
    move || {
        state.restrictions().map(|text| {
            let whole = move || format!("#{}", state.unlocked_fragment());
            view! {
                <div id="restrictions" class="message">{text}" "<a id="unlock" href=whole>"Unlock"</a></div>
            }
        })
    }
}

/// What an embedded page says of itself, and the way to the whole page.
#[component]
pub fn EmbedFooter(state: State) -> impl IntoView {
    let whole = move || format!("{}#{}", super::history::place(), state.whole_fragment());
    view! {
        <footer class="embed-footer">
            <span>{move || state.model.get().title}</span>
            <a id="open-whole" href=whole target="_blank" rel="noopener">"Open in Cascade"</a>
        </footer>
    }
}
