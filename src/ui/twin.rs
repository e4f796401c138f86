//! A second model beside the one on screen, on the same text. Its weights come in the background, so that a toggle
//! never waits for them; its session works when nothing newer is wanted.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::AbortController;
use web_time::Instant;

use super::cascade::Cascade;
use super::driver::{Inbox, Wanted};
use super::fetch::{Download, FetchError};
use super::library::{Library, LoadError, Source, Timed};
use super::loaded::{Loaded, milliseconds};
use super::state::{Beside, State, TwinState, set};
use crate::engine::{Engine, EngineError, Session};
use crate::link::View;
use crate::model::{LayerMode, same_switches};
use crate::report::ModelSummary;
use crate::sweep::Curves;
use crate::zoo::ModelEntry;

/// What the background brought, or how it failed.
type Arrived = Result<Timed, String>;

/// Weights on their way, by their model's id; the inner None while they come.
type Arrival = Rc<RefCell<Option<(&'static str, Option<Arrived>)>>>;

#[derive(Default)]
pub struct Twin {
    /// With its model's id and whether it runs on the CPU.
    pub session: Option<(&'static str, bool, Loaded)>,
    arrival: Arrival,
}

impl Twin {
    /// The twin's share of a wish: its curves while the sweep is open, its cascade while that is laid under.
    pub async fn run(
        &mut self,
        state: State,
        inbox: &Inbox,
        wanted: &Wanted,
        main: &Loaded,
        library: &mut Library,
        engine: impl FnOnce() -> Engine,
    ) -> Result<(), EngineError> {
        let Some(entry) = state.second(wanted.view) else { return Ok(()) };
        let cpu = main.session.engine().name() == "cpu";
        let sweeping = state.sweep.runs(wanted.view, cpu) && state.sweep.with_twin.get_untracked();
        let comparing = wanted.view == View::Compare;
        if (sweeping || comparing) && !self.is(entry.id, cpu) {
            if !self.bring(state, entry, library) {
                return Ok(());
            }
            if let Some((model, load_ms)) = library.get(entry.id) {
                let summary = ModelSummary::new(entry.id, entry.sha256, &model);
                let session = Session::new(engine(), model)?;
                self.session = Some((entry.id, cpu, Loaded { session, summary, load_ms, text: None }));
            }
        }
        let Some((_, _, twin)) = self.session.as_mut().filter(|(id, on_cpu, _)| *id == entry.id && *on_cpu == cpu)
        else {
            return Ok(());
        };
        if inbox.overtaken() {
            return Ok(());
        }
        match twin.read(main.session.ids()).await {
            // A text that only the main model can read is no reason to stop the page.
            Err(e @ (EngineError::Tokens { .. } | EngineError::Token { .. })) => {
                set(state.sweep.twin, TwinState::Failed(e.to_string()));
                return Ok(());
            }
            other => other?,
        }
        if state.under.on.get_untracked()
            && !inbox.overtaken()
            && let Some(spectra) = twin.spectra().await?
        {
            let name = twin.session.engine().name();
            set(state.under.live, Some((entry.id, Cascade::live(&spectra, name))));
        }
        if comparing && !inbox.overtaken() {
            let modes = same_switches(&wanted.modes, &wanted.model.trained(), &entry.trained());
            compare(state, entry, twin, &modes).await?;
        }
        if sweeping {
            let show = |curves: &Curves| set(state.sweep.twin_curves, Some(curves.clone()));
            twin.run_sweep(state.sweep.kind.get_untracked(), None, inbox, show).await?;
        }
        Ok(())
    }

    pub fn is(&self, id: &str, cpu: bool) -> bool {
        self.session.as_ref().is_some_and(|(of, on_cpu, _)| *of == id && *on_cpu == cpu)
    }

    /// Whether the weights are in memory; where they are not, they begin to come.
    fn bring(&mut self, state: State, entry: &'static ModelEntry, library: &mut Library) -> bool {
        if library.get(entry.id).is_some() {
            set(state.sweep.twin, TwinState::Here);
            return true;
        }
        let failed_before = matches!(state.sweep.twin.get_untracked(), TwinState::Failed(_));
        let found = self.arrival.borrow_mut().take_if(|(id, arrived)| *id != entry.id || arrived.is_some());
        match found.filter(|(id, _)| *id == entry.id) {
            Some((_, Some(Ok(model)))) => {
                set(state.sweep.twin, TwinState::Here);
                state.heads.keep(entry.id, &model.0, state.model.get_untracked().id);
                library.insert(entry.id, model);
                return true;
            }
            Some((_, Some(Err(message)))) => {
                set(state.sweep.twin, TwinState::Failed(message));
                return false;
            }
            _ => {}
        }
        // What has failed begins again when the user says so.
        if self.arrival.borrow().is_none() && !failed_before {
            *self.arrival.borrow_mut() = Some((entry.id, None));
            set(state.sweep.twin, TwinState::Coming(0, entry.bytes));
            spawn_local(fetch(state, entry, library.source(), Rc::clone(&self.arrival)));
        }
        false
    }
}

/// The second model under the same switches.
async fn compare(
    state: State,
    entry: &'static ModelEntry,
    second: &mut Loaded,
    modes: &[LayerMode],
) -> Result<(), EngineError> {
    let Some((now, _)) = second.run_modified(modes).await? else { return Ok(()) };
    let Some(spectra) = second.spectra().await? else { return Ok(()) };
    let Some(on_text) = &second.text else { return Ok(()) };
    let cascade = Cascade::live(&spectra, second.session.engine().name());
    let baseline = Arc::clone(&on_text.baseline);
    state.compare.beside.set(Some(Beside { model: entry, baseline, now, cascade }));
    Ok(())
}

async fn fetch(state: State, entry: &'static ModelEntry, source: Source, arrival: Arrival) {
    let start = Instant::now();
    let wanted = move || state.wants_second(entry.id);
    let controller = AbortController::new().ok();
    let signal = controller.as_ref().map(AbortController::signal);
    let mut weights = Download::new(entry.weights());
    let read = source.read_model(entry, &mut weights, signal.as_ref(), |done, _| {
        set(state.sweep.twin, TwinState::Coming(done, entry.bytes));
        if let Some(controller) = controller.as_ref().filter(|_| !wanted()) {
            controller.abort();
        }
    });
    let read = read.await.map(|model| (Arc::new(model), milliseconds(start)));
    source.look();
    // Another twin may be on its way by now.
    if arrival.borrow().as_ref().is_none_or(|(id, _)| *id != entry.id) {
        return;
    }
    *arrival.borrow_mut() = match read {
        Err(LoadError::Fetch(FetchError::Cancelled { .. })) => None,
        other => Some((entry.id, Some(other.map_err(|e| e.to_string())))),
    };
    if wanted() {
        state.sweep.arrivals.update(|n| *n += 1);
    }
}
