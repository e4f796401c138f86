//! Engines, models and sessions, and the order in which a wish is served: weights, text, baseline, modified
//! run, spectra, then the slower extras as long as nothing newer is wanted.

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;
use web_time::Instant;

use super::driver::{Inbox, Wanted};
use super::fetch::{FetchError, download};
use super::loaded::{Loaded, milliseconds};
use super::state::{EngineState, Phase, Progress, Reading, State, set};
use crate::checkpoint;
use crate::engine::{Engine, EngineError, Gpu, NoGpu, Session};
use crate::link::{TextChoice, View};
use crate::model::Model;
use crate::report::ModelSummary;
use crate::text::{Tokenizer, Tokens};
use crate::zoo::ModelEntry;

const TOKENIZER: &str = "checkpoints/tokenizer.json";

pub struct Machine {
    state: State,
    inbox: Inbox,
    gpu: Option<Result<Gpu, NoGpu>>,
    tokenizer: Option<Arc<Tokenizer>>,
    models: HashMap<&'static str, (Arc<Model>, f64)>,
    /// The session on screen, with its model's id and whether it runs on the CPU.
    loaded: Option<(&'static str, bool, Loaded)>,
}

impl Machine {
    pub fn new(state: State, inbox: Inbox) -> Self {
        Machine { state, inbox, gpu: None, tokenizer: None, models: HashMap::new(), loaded: None }
    }

    /// Brings the page to what is wanted. An error is a sentence for the user.
    pub async fn serve(&mut self, wanted: &Wanted) -> Result<(), String> {
        match self.try_serve(wanted).await {
            // A GPU that is lost or refuses work takes its sessions with it; the CPU goes on with the same wish.
            Err(EngineFailure::Engine(e @ (EngineError::Lost(_) | EngineError::Gpu(_)))) => {
                self.gpu = Some(Err(NoGpu::Device(e.to_string())));
                self.loaded = None;
                self.try_serve(wanted).await.map_err(|e| e.to_string())
            }
            other => other.map_err(|e| e.to_string()),
        }
    }

    async fn try_serve(&mut self, wanted: &Wanted) -> Result<(), EngineFailure> {
        let state = self.state;
        let gpu = self.engine(wanted.cpu).await;
        if !self.load(wanted.model, gpu).await? {
            return Ok(());
        }
        let tokens = self.read_text(wanted)?;
        let Some((_, _, loaded)) = &mut self.loaded else { return Ok(()) };
        set(state.phase, Phase::Running);
        loaded.run_baseline(state, &tokens).await?;
        if self.inbox.overtaken() {
            return Ok(());
        }
        let Some((modified, toggle_ms)) = loaded.run_modified(&wanted.modes).await? else { return Ok(()) };
        if self.inbox.overtaken() {
            return Ok(());
        }
        let shown = state.modified.with_untracked(|m| m.as_ref().is_some_and(|m| Arc::ptr_eq(m, &modified)));
        if !shown {
            state.controls.set(None);
            state.modified.set(Some(Arc::clone(&modified)));
        }
        loaded.run_spectra(state).await?;
        loaded.publish(state, &modified, toggle_ms);
        set(state.phase, Phase::Ready);
        if self.inbox.overtaken() {
            return Ok(());
        }
        if wanted.view == View::Heads {
            loaded.run_maps(state, wanted).await?;
        }
        loaded.run_extras(state, &self.inbox, &modified).await?;
        Ok(())
    }

    /// The GPU if it is wanted and there, opened on first use; says in the page what runs, and why.
    async fn engine(&mut self, cpu: bool) -> Option<Gpu> {
        let on_cpu = |message: Option<String>| EngineState { label: Some("CPU engine (WebAssembly)".into()), message };
        if cpu {
            set(self.state.engine, on_cpu(Some("The link asks for the CPU engine (engine=cpu).".into())));
            return None;
        }
        if self.gpu.is_none() {
            self.gpu = Some(Gpu::request().await);
        }
        let (gpu, shown) = match &self.gpu {
            Some(Ok(gpu)) => {
                (Some(gpu.clone()), EngineState { label: Some(format!("GPU · {}", gpu.adapter())), message: None })
            }
            Some(Err(reason)) => {
                let message = format!("WebGPU is not used: {reason}. The slower CPU engine computes the same figures.");
                (None, on_cpu(Some(message)))
            }
            None => (None, on_cpu(None)),
        };
        set(self.state.engine, shown);
        gpu
    }

    /// Makes sure that the wanted model is on the engine; false where another model was wanted meanwhile.
    async fn load(&mut self, entry: &'static ModelEntry, gpu: Option<Gpu>) -> Result<bool, EngineFailure> {
        let cpu = gpu.is_none();
        if matches!(&self.loaded, Some((id, on_cpu, _)) if *id == entry.id && *on_cpu == cpu) {
            return Ok(true);
        }
        let state = self.state;
        state.phase.set(Phase::Loading);
        state.baseline.set(None);
        state.modified.set(None);
        state.controls.set(None);
        self.loaded = None;
        if self.tokenizer.is_none() {
            let json = download(TOKENIZER, |_| true).await?;
            self.tokenizer = Some(Arc::new(Tokenizer::from_json(&json).map_err(|e| e.to_string())?));
        }
        if !self.models.contains_key(entry.id) {
            let start = Instant::now();
            match self.download(entry).await {
                Err(EngineFailure::Fetch(FetchError::Cancelled)) if self.inbox.overtaken() => return Ok(false),
                other => self.models.insert(entry.id, (Arc::new(other?), milliseconds(start))),
            };
        }
        let (model, load_ms) = &self.models[entry.id];
        state.heads.keep(entry.id, model);
        let engine = gpu.as_ref().map_or_else(Engine::cpu, Engine::gpu);
        let summary = ModelSummary::new(entry.id, entry.sha256, model);
        let session = Session::new(engine, Arc::clone(model))?;
        self.loaded = Some((entry.id, cpu, Loaded { session, summary, load_ms: *load_ms, text: None }));
        Ok(true)
    }

    async fn download(&self, entry: &'static ModelEntry) -> Result<Model, EngineFailure> {
        let (state, inbox) = (self.state, self.inbox.clone());
        let folder = format!("checkpoints/{}", entry.id);
        let config = download(&format!("{folder}/config.json"), |_| true).await?;
        let url = format!("{folder}/model.safetensors");
        state.progress.set(Some(Progress { done: 0, total: entry.bytes }));
        let attempts = state.attempts.get_untracked();
        let weights = download(&url, |done| {
            set(state.progress, Some(Progress { done, total: entry.bytes }));
            !inbox.other_model(entry) && state.attempts.get_untracked() == attempts && done <= entry.bytes
        });
        let weights = weights.await;
        state.progress.set(None);
        let weights = weights?;
        let found = weights.len() as u64;
        if found != entry.bytes {
            return Err(FetchError::Length { url, found, expected: entry.bytes }.into());
        }
        let sha256 = checkpoint::sha256_hex(&weights);
        if sha256 != entry.sha256 {
            let (found, expected) = (sha256[..12].into(), entry.sha256[..12].into());
            return Err(FetchError::Hash { url, found, expected }.into());
        }
        Ok(checkpoint::read(&config, &weights).map_err(|e| format!("{}: {e}", entry.id))?)
    }

    /// The wanted text as tokens, with a note where it is cut.
    fn read_text(&mut self, wanted: &Wanted) -> Result<Tokens, EngineFailure> {
        let state = self.state;
        let (Some(tokenizer), Some((_, _, loaded))) = (&self.tokenizer, &self.loaded) else {
            return Err("the model is not there yet".to_string().into());
        };
        let context = loaded.session.model().config.context;
        let tokens = tokenizer.encode(&wanted.text, context).map_err(|e| e.to_string())?;
        let mut notes = Vec::new();
        let own = state.text.with_untracked(|t| matches!(t, TextChoice::Own(_)));
        if own && tokens.total > tokens.ids.len() {
            notes.push(format!("The text has {} tokens; the model reads the first {context}.", tokens.total));
        }
        set(state.text_notes, notes);
        let same = state.reading.with_untracked(|r| r.as_ref().is_some_and(|r| r.ids == tokens.ids));
        if !same {
            let tokenizer = Arc::clone(tokenizer);
            state.modified.set(None);
            state.baseline.set(None);
            set(state.fresh, state.cascade.with_untracked(|c| c.source == "recorded"));
            state.maps.set(None);
            state.reading.set(Some(Reading { ids: tokens.ids.clone(), total: tokens.total, tokenizer }));
        }
        Ok(tokens)
    }
}

/// Whatever can go wrong while a wish is served.
#[derive(Debug, thiserror::Error)]
enum EngineFailure {
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Other(String),
}

impl From<String> for EngineFailure {
    fn from(message: String) -> Self {
        EngineFailure::Other(message)
    }
}
