//! The page's state as a link, and back.

use leptos::prelude::*;

use super::{State, set};
use crate::link::{Link, modes_for_link, selection_for_link};
use crate::model::LayerMode;
use crate::ui::history;

impl State {
    /// Takes over what a fragment says, and tells what of it cannot be used.
    pub fn read_link(&self, fragment: &str) {
        let (link, mut notes) = Link::parse(fragment);
        let (modes, layer, head, more) = link.resolve();
        notes.extend(more);
        if let Some(LayerMode::Rank(k)) = modes.iter().find(|m| matches!(m, LayerMode::Rank(_))) {
            self.rank.set(*k);
        }
        self.read_share(&link, &modes);
        self.show_model(link.model);
        set(self.text, link.text);
        set(self.modes, modes);
        set(self.layer, layer);
        set(self.head, head);
        set(self.view, link.view);
        self.sweep.choose(link.sweep);
        set(self.cpu, link.cpu);
        set(self.compare.with, link.with);
        set(self.continuation.dice, link.dice);
        set(self.link_notes, notes);
    }

    /// The fragment of what is chosen now.
    pub fn fragment(&self) -> String {
        self.link().fragment()
    }

    /// The address that leads back to what is chosen now, whatever the page's defaults will be.
    pub fn permalink(&self) -> String {
        let link = Link { check: self.figures(), ..self.whole_link() };
        format!("{}#{}", history::place(), link.permanent_fragment())
    }

    /// What is chosen now.
    pub(super) fn link(&self) -> Link {
        let model = self.model.get();
        let (layer, head) = selection_for_link(model, self.layer.get(), self.head.get());
        Link {
            model,
            text: self.text.get(),
            modes: modes_for_link(&self.modes.get(), &model.trained()),
            layer,
            head,
            view: self.view.get(),
            sweep: self.sweep.kind.get(),
            with: self.compare.with.get(),
            dice: self.continuation.dice.get(),
            cpu: self.cpu.get(),
            embed: self.share.embed.get(),
            hide: self.share.hide.get(),
            lock: self.share.lock.get(),
            check: None,
        }
    }
}
