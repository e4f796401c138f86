//! The twin's weights, for its eigenvalues: loaded when asked for, beside whatever the machine does.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::AbortController;

use super::super::fetch::{Download, FetchError};
use super::super::library::{LoadError, Source};
use super::super::state::{State, TwinWeights, set};
use crate::zoo::ModelEntry;

/// Loads a model onto the shelf. Says in [`TwinWeights`] how far it is, and stops where that is taken back.
pub fn load(state: State, entry: &'static ModelEntry) {
    state.heads.twin.set(TwinWeights::Loading(0));
    spawn_local(async move {
        let source = Source::open(state).await;
        let controller = AbortController::new().ok();
        let signal = controller.as_ref().map(AbortController::signal);
        let mut weights = Download::new(entry.weights());
        let read = source.read_model(entry, &mut weights, signal.as_ref(), |done, _| {
            if matches!(state.heads.twin.get_untracked(), TwinWeights::Loading(_)) {
                set(state.heads.twin, TwinWeights::Loading(done));
            } else if let Some(controller) = &controller {
                controller.abort();
            }
        });
        match read.await {
            Ok(model) => state.heads.keep(entry.id, &Arc::new(model), state.model.get_untracked().id),
            Err(LoadError::Fetch(FetchError::Cancelled { .. })) => return,
            Err(why) => return state.heads.twin.set(TwinWeights::Failed(why.to_string())),
        }
        state.heads.twin.set(TwinWeights::Away);
    });
}
