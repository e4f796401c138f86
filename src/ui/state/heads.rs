//! The Heads view's signals.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;

use crate::heads::{Order, Viewport};
use crate::model::Model;

/// Loading the twin's weights, for its eigenvalues.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TwinWeights {
    /// Not asked for.
    #[default]
    Away,
    /// Bytes that have come.
    Loading(u64),
    Failed(String),
}

#[derive(Clone, Copy)]
pub struct HeadsState {
    pub order: RwSignal<Order>,
    /// Where the keyboard is in the grid of heads: layer and head from 0. None: at the selected one.
    pub cursor: RwSignal<Option<(usize, usize)>>,
    /// The token pointed at in the text.
    pub token: RwSignal<Option<usize>>,
    /// Query and key under the pointer, on a map or in a list of pairs.
    pub pointed: RwSignal<Option<(usize, usize)>>,
    /// Query and key that a click or the keyboard holds.
    pub locked: RwSignal<Option<(usize, usize)>>,
    /// The part of the matrices in view, the same for all.
    pub viewport: RwSignal<Viewport>,
    /// Counts changes of the window's size: canvases follow.
    pub resizes: RwSignal<u32>,
    /// When the wheel was last turned elsewhere than on a map, in the clock of events, in milliseconds.
    pub scrolled: StoredValue<f64>,
    /// Models whose weights are here, by id.
    pub shelf: RwSignal<BTreeMap<&'static str, Arc<Model>>>,
    pub twin: RwSignal<TwinWeights>,
}

impl HeadsState {
    pub fn new() -> Self {
        let resizes = RwSignal::new(0);
        let resize = window_event_listener(leptos::ev::resize, move |_| resizes.update(|n| *n += 1));
        on_cleanup(move || resize.remove());
        let scrolled = StoredValue::new(f64::NEG_INFINITY);
        let turn = window_event_listener(leptos::ev::wheel, move |event| {
            let target = event.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok());
            if target.is_none_or(|t| !t.closest(".map").is_ok_and(|map| map.is_some())) {
                scrolled.set_value(event.time_stamp());
            }
        });
        on_cleanup(move || turn.remove());
        HeadsState {
            order: RwSignal::new(Order::default()),
            cursor: RwSignal::new(None),
            token: RwSignal::new(None),
            pointed: RwSignal::new(None),
            locked: RwSignal::new(None),
            viewport: RwSignal::new(Viewport::WHOLE),
            resizes,
            scrolled,
            shelf: RwSignal::new(BTreeMap::new()),
            twin: RwSignal::new(TwinWeights::default()),
        }
    }

    /// Puts a loaded model where the eigenvalues are computed from. Of others only that with the id `beside`
    /// stays: models are large.
    pub fn keep(&self, id: &'static str, model: &Arc<Model>, beside: &str) {
        if !self.shelf.with_untracked(|shelf| shelf.contains_key(id)) {
            self.shelf.update(|shelf| {
                shelf.retain(|of, _| *of == beside);
                shelf.insert(id, Arc::clone(model));
            });
        }
    }

    /// A model that is here.
    pub fn shelved(&self, id: &str) -> Option<Arc<Model>> {
        self.shelf.with_untracked(|shelf| shelf.get(id).cloned())
    }

    /// A click on a cell holds it; another on the same cell lets it go.
    pub fn toggle(&self, cell: (usize, usize)) {
        self.locked.update(|locked| *locked = if *locked == Some(cell) { None } else { Some(cell) });
    }
}
