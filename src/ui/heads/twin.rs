//! The twin's weights, for its eigenvalues: loaded when asked for, beside whatever the machine does.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::super::fetch::{FetchError, download};
use super::super::state::{State, TwinWeights, set};
use crate::checkpoint;
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
    let folder = format!("checkpoints/{}", entry.id);
    let config = download(&format!("{folder}/config.json"), |_| true).await.map_err(|e| e.to_string())?;
    let wanted = |done: u64| {
        let wanted = matches!(state.heads.twin.get_untracked(), TwinWeights::Loading(_)) && done <= entry.bytes;
        if wanted {
            set(state.heads.twin, TwinWeights::Loading(done));
        }
        wanted
    };
    let weights = match download(&format!("{folder}/model.safetensors"), wanted).await {
        Err(FetchError::Cancelled) => return Ok(None),
        other => other.map_err(|e| e.to_string())?,
    };
    if checkpoint::sha256_hex(&weights) != entry.sha256 {
        return Err(format!("The weights of {} are not those that this page was made for; try again.", entry.title));
    }
    checkpoint::read(&config, &weights).map(Some).map_err(|e| format!("{}: {e}", entry.id))
}
