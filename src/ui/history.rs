//! The address bar follows the state, and the Back button is undo.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsValue;

use super::state::State;

/// The page's fragment, with its `#`.
pub fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// Writes the state's fragment into the address bar as it changes, and reads it back on Back and Forward.
pub fn follow(state: State) {
    Effect::new(move |before: Option<(String, String)>| {
        let wanted = state.fragment();
        let text = state.text.with(|t| t.text().to_string());
        // A drag is one act, typing is one act: they replace the entry that they began with.
        let dragging = state.painting.get_untracked().is_some();
        let typing = before.as_ref().is_some_and(|(_, old)| *old != text && !old.is_empty() && !text.is_empty())
            && state.text.with(|t| matches!(t, crate::link::TextChoice::Own(_)));
        if let Some((old, _)) = &before
            && *old != wanted
            && fragment().trim_start_matches('#') != wanted
        {
            write(&wanted, dragging || typing);
        }
        (wanted, text)
    });
    let handle = window_event_listener(leptos::ev::popstate, move |_| state.read_link(&fragment()));
    // A fragment typed into the address bar, or a link to this same page.
    let other = window_event_listener(leptos::ev::hashchange, move |_| {
        if fragment().trim_start_matches('#') != state.fragment() {
            state.read_link(&fragment());
        }
    });
    on_cleanup(move || {
        handle.remove();
        other.remove();
    });
}

fn write(fragment: &str, replace: bool) {
    let Ok(history) = window().history() else { return };
    let location = window().location();
    let place = format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    let url = if fragment.is_empty() { place } else { format!("{place}#{fragment}") };
    // Browsers refuse a flood of entries; the address bar then lags behind, which loses nothing.
    let _ = if replace {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&url))
    } else {
        history.push_state_with_url(&JsValue::NULL, "", Some(&url))
    };
}
