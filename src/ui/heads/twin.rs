//! The twin's weights, for its eigenvalues: loaded when asked for, beside whatever the machine does.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::super::fetch::FetchError;
use super::super::machine::{EngineFailure, read_model};
use super::super::state::{State, TwinWeights, set};
use crate::model::Model;
use crate::zoo::ModelEntry;

/// Loads a model onto the shelf. Says in [`TwinWeights`] how far it is, and stops where that is taken back.
pub fn load(state: State, entry: &'static ModelEntry) {
    state.heads.twin.set(TwinWeights::Loading(0));
    spawn_local(async move {
        let outcome = fetch(state, entry).await;
        match outcome {
            Ok(Some(model)) => state.heads.keep(entry.id, &Arc::new(model)),
            Ok(None) => return,
            Err(why) => return state.heads.twin.set(TwinWeights::Failed(why)),
        }
        state.heads.twin.set(TwinWeights::Away);
    });
}

/// None where it was cancelled.
async fn fetch(state: State, entry: &'static ModelEntry) -> Result<Option<Model>, String> {
    let progress = |done: u64| {
        let wanted = matches!(state.heads.twin.get_untracked(), TwinWeights::Loading(_));
        if wanted {
            set(state.heads.twin, TwinWeights::Loading(done));
        }
        wanted
    };
    match read_model(entry, progress).await {
        Err(EngineFailure::Fetch(FetchError::Cancelled)) => Ok(None),
        other => other.map(Some).map_err(|e| e.to_string()),
    }
}
