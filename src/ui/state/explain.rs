//! Tour and help.

use leptos::prelude::*;

use super::super::history::Act;
use super::{State, set};
use crate::explain::{STEPS, Scene};
use crate::model::parse_modes;

/// Where the browser remembers that the help has been seen.
const SEEN: &str = "cascade-help-seen";

#[derive(Clone, Copy)]
pub struct ExplainState {
    /// The tour's step, while it is under way.
    pub step: RwSignal<Option<usize>>,
    pub help: RwSignal<bool>,
    /// Whether this visitor has opened the help before.
    pub seen: RwSignal<bool>,
    /// The fragment from before the tour.
    before: RwSignal<Option<String>>,
}

impl ExplainState {
    pub fn new() -> Self {
        let seen = storage().and_then(|s| s.get_item(SEEN).ok().flatten()).is_some();
        ExplainState {
            step: RwSignal::new(None),
            help: RwSignal::new(false),
            seen: RwSignal::new(seen),
            before: RwSignal::new(None),
        }
    }

    pub fn open_help(&self) {
        self.help.set(true);
        self.seen.set(true);
        if let Some(storage) = storage() {
            // Where nothing can be kept, the hint comes again.
            let _ = storage.set_item(SEEN, "1");
        }
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

impl State {
    /// Whether the tour can change what it must: nothing is pinned or left out.
    pub fn can_tour(&self) -> bool {
        !self.share.embed.get() && self.share.lock.with(Vec::is_empty) && self.share.hide.with(Vec::is_empty)
    }

    /// Goes to a step of the tour, and remembers what was on screen before the first one.
    pub fn tour_to(&self, step: usize) {
        let Some(scene) = STEPS.get(step).map(|s| s.scene) else { return self.end_tour() };
        if self.explain.before.with_untracked(Option::is_none) {
            self.explain.before.set(Some(untrack(|| self.fragment())));
        }
        self.explain.help.set(false);
        self.show(scene);
        self.explain.step.set(Some(step));
    }

    /// Everything as it was before the tour.
    pub fn end_tour(&self) {
        self.explain.step.set(None);
        if let Some(before) = self.explain.before.get_untracked() {
            self.explain.before.set(None);
            self.act.set(Act::Tour);
            self.read_link(&before);
        }
    }

    fn show(&self, scene: Scene) {
        self.act.set(Act::Tour);
        self.choose_model(scene.model);
        let trained = self.model.get_untracked().trained();
        let modes = scene.modes.and_then(|modes| parse_modes(modes, &trained).ok());
        set(self.modes, modes.unwrap_or(trained));
        if let Some(view) = scene.view {
            set(self.view, view);
        }
    }
}
