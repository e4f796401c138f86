//! The switches: one layer, a drag, a range, all; unless the link pins them.

use leptos::prelude::*;

use super::{State, set};
use crate::link::Pin;
use crate::model::LayerMode;
use crate::sweep::Kind;
use crate::ui::history::Act;

impl State {
    /// Begins a drag that paints a mode over the switches.
    pub fn begin_painting(&self, layer: usize, mode: LayerMode) {
        self.drags.update_untracked(|n| *n += 1);
        self.painting.set(Some(mode));
        self.paint(layer, mode);
    }

    /// One layer into the mode that the drag under way paints.
    pub fn paint(&self, layer: usize, mode: LayerMode) {
        self.act.set(Act::Drag(self.drags.get_untracked()));
        self.set_mode(layer, mode);
    }

    /// One layer into one mode.
    pub fn set_mode(&self, layer: usize, mode: LayerMode) {
        if self.pinned(Pin::Modes) {
            return;
        }
        if self.modes.with_untracked(|m| m.get(layer) != Some(&mode)) {
            self.modes.update(|modes| {
                if let Some(m) = modes.get_mut(layer) {
                    *m = mode;
                }
            });
        }
    }

    /// A range of layers into one mode, as one change.
    pub fn fill(&self, layers: std::ops::RangeInclusive<usize>, mode: LayerMode) {
        if self.pinned(Pin::Modes) {
            return;
        }
        let mut modes = self.modes.get_untracked();
        if let Some(range) = modes.get_mut(layers) {
            range.fill(mode);
        }
        set(self.modes, modes);
    }

    /// The first `count` layers into one mode, the rest as trained.
    pub fn set_first(&self, count: usize, mode: LayerMode) {
        self.set_point(Kind::First, count, mode);
    }

    /// The layers of a sweep's point into its mode, the rest as trained.
    pub fn set_point(&self, kind: Kind, k: usize, mode: LayerMode) {
        if self.pinned(Pin::Modes) {
            return;
        }
        set(self.modes, kind.modes(mode, k, &self.model.get_untracked().trained()));
    }

    pub fn set_all(&self, mode: LayerMode) {
        self.set_first(usize::MAX, mode);
    }

    /// Everything as trained.
    pub fn reset(&self) {
        if self.pinned(Pin::Modes) {
            return;
        }
        set(self.modes, self.model.get_untracked().trained());
        self.link_notes.set(Vec::new());
    }

    /// K of the rank switch; layers that are cut already follow.
    pub fn set_rank(&self, k: u16) {
        if self.pinned(Pin::Modes) {
            return;
        }
        self.rank.set(k);
        self.act.set(Act::RankSlider);
        let mut modes = self.modes.get_untracked();
        modes.iter_mut().filter(|m| matches!(m, LayerMode::Rank(_))).for_each(|m| *m = LayerMode::Rank(k));
        set(self.modes, modes);
    }
}
