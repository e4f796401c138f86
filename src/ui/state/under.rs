//! The twin's cascade under the figure on the first screen.

use leptos::prelude::*;

use super::super::cascade::Cascade;

#[derive(Clone, Copy)]
pub struct UnderState {
    /// Whether it is wanted.
    pub on: RwSignal<bool>,
    /// What the twin's card recorded, with its id, or why it cannot be read.
    pub recorded: RwSignal<Option<(&'static str, Result<Cascade, String>)>>,
    /// On this text, while the twin is loaded.
    pub live: RwSignal<Option<(&'static str, Cascade)>>,
}

impl UnderState {
    pub fn new() -> Self {
        UnderState { on: RwSignal::new(false), recorded: RwSignal::new(None), live: RwSignal::new(None) }
    }

    /// The cascade of that model, live where it is there; None while it is not wanted or not there yet.
    pub fn of(&self, id: &str) -> Option<Cascade> {
        if !self.on.get() {
            return None;
        }
        let live = self.live.with(|l| l.as_ref().filter(|(of, _)| *of == id).map(|(_, cascade)| cascade.clone()));
        let recorded = || {
            self.recorded.with(|r| {
                let (_, read) = r.as_ref().filter(|(of, _)| *of == id)?;
                read.as_ref().ok().cloned()
            })
        };
        live.or_else(recorded)
    }

    /// Why there is nothing to lay under.
    pub fn failure(&self, id: &str) -> Option<String> {
        self.recorded
            .with(|r| r.as_ref().filter(|(of, _)| *of == id).and_then(|(_, read)| read.as_ref().err().cloned()))
    }
}
