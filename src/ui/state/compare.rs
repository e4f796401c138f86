//! Two models side by side.

use std::sync::Arc;

use leptos::prelude::*;

use super::super::cascade::Cascade;
use super::State;
use crate::engine::Run;
use crate::link::View;
use crate::zoo::{self, MODELS, ModelEntry};

#[derive(Clone, Copy)]
pub struct CompareState {
    /// The model that was chosen to stand beside; none: the twin of the one on screen.
    pub with: RwSignal<Option<&'static ModelEntry>>,
    pub beside: RwSignal<Option<Beside>>,
}

/// What the second model gave on the text on screen.
#[derive(Clone)]
pub struct Beside {
    pub model: &'static ModelEntry,
    pub baseline: Arc<Run>,
    pub now: Arc<Run>,
    pub cascade: Cascade,
}

impl CompareState {
    pub fn new() -> Self {
        CompareState { with: RwSignal::new(None), beside: RwSignal::new(None) }
    }
}

/// Models that can stand beside one: they take the same switches.
pub fn comparable(model: &ModelEntry) -> impl Iterator<Item = &'static ModelEntry> + use<> {
    let (id, layers) = (model.id, model.layers);
    MODELS.iter().filter(move |m| m.layers == layers && m.id != id)
}

/// The chosen model where it can stand beside this one, or else its twin.
pub fn beside(model: &ModelEntry, chosen: Option<&'static ModelEntry>) -> Option<&'static ModelEntry> {
    chosen.filter(|chosen| comparable(model).any(|m| m.id == chosen.id)).or_else(|| zoo::find(model.twin))
}

impl State {
    /// The model beside the one on screen.
    pub fn compared(&self) -> Option<&'static ModelEntry> {
        beside(self.model.get(), self.compare.with.get())
    }

    /// The model that a view sets beside the one on screen.
    pub fn second(&self, view: View) -> Option<&'static ModelEntry> {
        untrack(|| if view == View::Compare { self.compared() } else { zoo::find(self.model.get().twin) })
    }

    /// Whether the second model is wanted, and is this one.
    pub fn wants_second(&self, id: &str) -> bool {
        let view = self.view.get_untracked();
        let open = view == View::Compare || (view == View::Sweep && self.sweep.with_twin.get_untracked());
        open && self.second(view).is_some_and(|entry| entry.id == id)
    }

    /// The two change places.
    pub fn swap_models(&self) {
        let Some(other) = untrack(|| self.compared()) else { return };
        let old = self.model.get_untracked();
        self.choose_model(other.id);
        self.compare.with.set((other.twin != old.id).then_some(old));
    }
}
