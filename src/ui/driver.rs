//! Watches what the user chose and lets the machine catch up. Only the newest wish is kept; work for one that
//! has been overtaken is dropped.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::machine::Machine;
use super::state::{Phase, State, Subject};
use crate::link::View;
use crate::model::LayerMode;
use crate::zoo::ModelEntry;

/// What the machine should show.
#[derive(Clone)]
pub struct Wanted {
    pub model: &'static ModelEntry,
    pub text: String,
    pub modes: Vec<LayerMode>,
    pub cpu: bool,
    /// What is open below the stack.
    pub view: View,
    /// How often the user has asked for the GPU after it had failed.
    pub gpu_request: u32,
    /// The selected head, from 0.
    pub layer: usize,
    pub head: usize,
}

impl Wanted {
    /// What its figures are of.
    pub fn subject(&self) -> Subject {
        Subject { model: self.model, text: self.text.clone(), modes: self.modes.clone() }
    }
}

/// The newest wish that nobody has begun yet.
#[derive(Clone, Default)]
pub struct Inbox(Rc<RefCell<Option<Wanted>>>);

impl Inbox {
    /// Whether there is something newer than what is being worked on.
    pub fn overtaken(&self) -> bool {
        self.0.borrow().is_some()
    }
}

/// Runs the machine whenever anything that it computes from changes.
pub fn follow(state: State) {
    let inbox = Inbox::default();
    let machine = Rc::new(RefCell::new(Some(Machine::new(state, inbox.clone()))));
    Effect::new(move |before: Option<&'static str>| {
        state.attempts.track();
        state.sweep.track();
        state.compare.with.track();
        state.numerics.asked.track();
        state.under.on.track();
        let wanted = Wanted {
            model: state.model.get(),
            text: state.text.with(|t| t.text().to_string()),
            modes: state.modes.get(),
            cpu: state.cpu.get(),
            view: state.view.get(),
            gpu_request: state.gpu_requests.get(),
            layer: state.layer.get(),
            head: state.head.get(),
        };
        // Model and modes change one after the other; the second call brings the matching pair.
        let id = wanted.model.id;
        if wanted.modes.len() != wanted.model.layers {
            return before.unwrap_or(id);
        }
        if before.is_some_and(|old| old != id) {
            state.storage.abort();
        }
        *inbox.0.borrow_mut() = Some(wanted);
        // While a loop is under way the machine is out, and that loop will see the new wish.
        if let Some(taken) = machine.borrow_mut().take() {
            spawn_local(work(state, taken, inbox.clone(), Rc::clone(&machine)));
        }
        id
    });
}

async fn work(state: State, mut machine: Machine, inbox: Inbox, home: Rc<RefCell<Option<Machine>>>) {
    loop {
        let next = inbox.0.borrow_mut().take();
        let Some(wanted) = next else { break };
        if let Err(message) = machine.serve(&wanted).await {
            state.progress.set(None);
            state.phase.set(Phase::Error(message));
        }
    }
    *home.borrow_mut() = Some(machine);
}
