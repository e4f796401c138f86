//! The text as it is continued: by the baseline, and under the switches.

use std::sync::Arc;

use leptos::prelude::*;

use super::State;
use crate::model::{LayerMode, Model};
use crate::sample::{Dice, Drawn, Sampling};

#[derive(Clone, Copy)]
pub struct ContinuationState {
    pub dice: RwSignal<Dice>,
    /// Whether the reader asked for it: from then on every change is followed, until stopped.
    pub going: RwSignal<bool>,
    /// Under the modes as trained, and under the switches.
    pub baseline: RwSignal<Side>,
    pub now: RwSignal<Side>,
}

/// Everything that one side's tokens depend on.
#[derive(Clone)]
pub struct Wish {
    pub id: &'static str,
    pub model: Arc<Model>,
    pub prompt: Vec<u32>,
    pub modes: Vec<LayerMode>,
    pub sampling: Sampling,
    pub count: usize,
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        let same = |w: &Self| (w.id, w.sampling, w.count);
        same(self) == same(other) && self.modes == other.modes && self.prompt == other.prompt
    }
}

/// One side's tokens so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Counts the runs of this side; one that is not the newest stops by itself.
    pub run: u32,
    /// Tokens of the prompt that are read, and of how many.
    pub read: usize,
    pub prompt: usize,
    pub drawn: Vec<Drawn>,
    pub end: Option<End>,
    /// Numbers that the layers keep of the tokens read.
    pub kept: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// As many tokens as were asked for.
    Done,
    /// The context is full.
    Full,
    Stopped,
    /// The scores grew beyond what numbers hold: there is nothing to draw from.
    Overflow,
}

impl ContinuationState {
    pub fn new() -> Self {
        ContinuationState {
            dice: RwSignal::new(Dice::default()),
            going: RwSignal::new(false),
            baseline: RwSignal::new(Side::default()),
            now: RwSignal::new(Side::default()),
        }
    }

    /// Stops both sides where they are.
    pub fn stop(&self) {
        self.going.set(false);
        for side in [self.baseline, self.now] {
            side.update(|side| {
                side.run += 1;
                if side.prompt > 0 {
                    side.end.get_or_insert(End::Stopped);
                }
            });
        }
    }
}

impl State {
    /// What a side is to be continued from, once weights and text are there; None while nobody asked.
    pub fn continuation_wish(&self, modified: bool) -> Option<Wish> {
        let c = self.continuation;
        if !c.going.get() {
            return None;
        }
        let id = self.model.get().id;
        let model = self.heads.shelf.with(|shelf| shelf.get(id).cloned())?;
        let ids = self.reading.with(|r| r.as_ref().map(|r| r.ids.clone()))?;
        let modes = if modified { self.modes.get() } else { model.config.trained.clone() };
        let Dice { after, count, sampling } = c.dice.get();
        let wish = Wish { id, prompt: ids[..after.clamp(1, ids.len())].to_vec(), modes, sampling, count, model };
        (wish.modes.len() == wish.model.config.layers).then_some(wish)
    }
}
