//! The address bar follows the state, and the Back button is undo.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsValue;

use super::state::State;

/// The page's fragment, with its `#`.
pub fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// The page's address without its fragment.
pub fn place() -> String {
    let address = window().location().href().unwrap_or_default();
    address.split('#').next().unwrap_or_default().to_string()
}

/// What a change of the state belongs to. Changes of one act share one history entry, so that Back undoes acts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Act {
    /// An act of its own.
    #[default]
    Single,
    /// The drag with this number, over switches.
    Drag(u32),
    Typing,
    RankSlider,
    /// How the text is continued.
    Dice,
    /// A step of the tour.
    Tour,
    /// The address bar itself changed: there is nothing to write.
    Followed,
}

/// Writes the state's fragment into the address bar as it changes, and reads it back on Back and Forward.
pub fn follow(state: State) {
    forget_figures();
    Effect::new(move |before: Option<(String, Act)>| {
        let wanted = state.fragment();
        let Some((old, last)) = before else { return (wanted, Act::Single) };
        if old == wanted {
            return (wanted, last);
        }
        // Whoever changes the state says what it belongs to; a change that says nothing stands alone.
        let act = state.act.get_untracked();
        state.act.update_untracked(|act| *act = Act::Single);
        if act != Act::Followed {
            write(&wanted, act == last && act != Act::Single);
        }
        (wanted, act)
    });
    // Back and Forward; and a fragment typed into the address bar, which brings both events.
    let handle = window_event_listener(leptos::ev::popstate, move |_| read_address(state));
    let other = window_event_listener(leptos::ev::hashchange, move |_| read_address(state));
    on_cleanup(move || {
        handle.remove();
        other.remove();
    });
}

fn read_address(state: State) {
    let before = untrack(|| state.fragment());
    state.read_link(&fragment());
    forget_figures();
    // Another spelling of the same state changes nothing, and then no write is due that could be held back.
    if untrack(|| state.fragment()) != before {
        state.act.set(Act::Followed);
    }
}

/// Takes the figures of an opened link out of the address bar, once they are read: they are of the link's state
/// and must not travel on with another one.
fn forget_figures() {
    let fragment = fragment();
    let without = without_key(fragment.trim_start_matches('#'), "c");
    if without.len() + 1 < fragment.len() {
        write(&without, true);
    }
}

/// A fragment without one of its keys.
fn without_key(fragment: &str, key: &str) -> String {
    let pairs = fragment.split('&').filter(|pair| pair.split('=').next() != Some(key));
    pairs.collect::<Vec<_>>().join("&")
}

fn write(fragment: &str, replace: bool) {
    let Ok(history) = window().history() else { return };
    let place = place();
    let url = if fragment.is_empty() { place } else { format!("{place}#{fragment}") };
    // Browsers refuse a flood of entries; the address bar then lags behind, which loses nothing.
    let _ = if replace {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&url))
    } else {
        history.push_state_with_url(&JsValue::NULL, "", Some(&url))
    };
}
