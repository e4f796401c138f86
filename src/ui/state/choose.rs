//! Which model, text and tab, unless the link pins them.

use leptos::prelude::*;

use super::{State, set};
use crate::link::{Pin, TextChoice, View};
use crate::ui::cascade::Cascade;
use crate::zoo::{self, ModelEntry};

impl State {
    /// Another text, unless the link pins it.
    pub fn choose_text(&self, text: TextChoice) {
        if !self.pinned(Pin::Text) {
            set(self.text, text);
        }
    }

    /// Opens a tab, unless the link pins the open one.
    pub fn open_view(&self, view: View) {
        if !self.pinned(Pin::View) {
            set(self.view, view);
        }
    }

    pub(super) fn pinned(&self, pin: Pin) -> bool {
        self.share.lock.with_untracked(|lock| lock.contains(&pin))
    }

    /// Another model under the same switches, where it has as many layers.
    pub fn choose_model(&self, id: &str) {
        let Some(model) = zoo::find(id) else { return };
        if self.pinned(Pin::Model) {
            return;
        }
        let old = self.model.get_untracked();
        let modes = self.modes.get_untracked();
        if modes == old.trained() {
            self.modes.set(model.trained());
        } else if model.layers != modes.len() {
            self.modes.set(model.trained());
            let note = format!("{} has {} layers: its switches start as trained.", model.title, model.layers);
            self.link_notes.set(vec![note]);
        }
        // A selection that nobody made moves on to the other model's own.
        let selected = (self.layer.get_untracked(), self.head.get_untracked());
        let (layer, head) = if selected == old.first_head() { model.first_head() } else { selected };
        set(self.layer, layer.min(model.layers - 1));
        set(self.head, head.min(model.heads - 1));
        self.show_model(model);
    }

    /// Changes the model on screen. Another model's figures under its name would be a lie.
    pub(super) fn show_model(&self, model: &'static ModelEntry) {
        if self.model.with_untracked(|old| *old != model) {
            self.cascade.set(Cascade::unknown());
            self.spectra.set(None);
            self.maps.set(None);
            self.model.set(model);
        }
    }
}
