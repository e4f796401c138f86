//! Engines, models and sessions, and the order in which a wish is served: weights, text, baseline, modified
//! run, spectra, then the slower extras as long as nothing newer is wanted.

use std::sync::Arc;

use futures_util::future::join;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::driver::{Inbox, Wanted};
use super::library::{Library, LoadError};
use super::loaded::Loaded;
use super::state::{EngineState, Phase, Reading, State, set};
use super::twin::Twin;
use crate::browser::Browser;
use crate::engine::{Engine, EngineError, Gpu, NoGpu, Session};
use crate::link::{TextChoice, View};
use crate::report::ModelSummary;
use crate::sweep::{Curves, Kind};
use crate::text::{Tokenizer, Tokens};

pub struct Machine {
    state: State,
    inbox: Inbox,
    gpu: Option<Result<Gpu, NoGpu>>,
    /// The user's request for the GPU that `gpu` answers.
    gpu_request: u32,
    library: Library,
    tokenizer: Option<Arc<Tokenizer>>,
    /// The session on screen, with its model's id and whether it runs on the CPU.
    loaded: Option<(&'static str, bool, Loaded)>,
    twin: Twin,
}

impl Machine {
    pub fn new(state: State, inbox: Inbox) -> Self {
        Machine {
            state,
            inbox,
            gpu: None,
            gpu_request: 0,
            library: Library::new(state),
            tokenizer: None,
            loaded: None,
            twin: Twin::default(),
        }
    }

    /// Brings the page to what is wanted. An error is a sentence for the user.
    pub async fn serve(&mut self, wanted: &Wanted) -> Result<(), String> {
        match self.try_serve(wanted).await {
            // A GPU that is lost or refuses work takes its sessions with it; the CPU goes on with the same wish.
            Err(EngineFailure::Engine(e @ (EngineError::Lost(_) | EngineError::Gpu(_)))) => {
                self.gpu = Some(Err(NoGpu::Device(e.to_string())));
                self.loaded = None;
                self.twin.session = None;
                self.try_serve(wanted).await.map_err(|e| e.to_string())
            }
            // Another try starts another worker.
            Err(EngineFailure::Engine(e @ EngineError::Cpu(_))) => {
                self.loaded = None;
                Err(e.to_string())
            }
            other => other.map_err(|e| e.to_string()),
        }
    }

    async fn try_serve(&mut self, wanted: &Wanted) -> Result<(), EngineFailure> {
        let state = self.state;
        if !self.load(wanted).await? {
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
        state.keep_figures(wanted.subject());
        set(state.phase, Phase::Ready);
        if self.inbox.overtaken() {
            return Ok(());
        }
        if wanted.view == View::Heads {
            loaded.run_maps(state, wanted).await?;
        }
        loaded.run_controls(state, &self.inbox, &modified).await?;
        let cpu = loaded.session.engine().name() == "cpu";
        if state.sweep.runs(wanted.view, cpu) {
            let show = |curves: &Curves| set(state.sweep.curves, Some(curves.clone()));
            if !loaded.run_sweep(state.sweep.kind.get_untracked(), None, &self.inbox, show).await? {
                return Ok(());
            }
            loaded.publish(state, &modified, toggle_ms);
        }
        // For the stack.
        let show = |curves: &Curves| set(state.solo, curves.points(0));
        if !loaded.run_sweep(Kind::Alone, Some(0), &self.inbox, show).await? {
            return Ok(());
        }
        let gpu = self.gpu.as_ref().and_then(|gpu| gpu.as_ref().ok()).filter(|_| !wanted.cpu);
        let engine = || gpu.map_or_else(Engine::cpu, Engine::gpu);
        self.twin.run(state, &self.inbox, wanted, loaded, &mut self.library, engine).await?;
        if wanted.view == View::Numerics {
            state.numerics.facts.set(loaded.session.engine().facts());
            loaded.run_self_test(state, &self.inbox, &modified, engine).await;
        }
        Ok(())
    }

    /// Makes sure that the wanted model is on the engine; false where another model was wanted meanwhile. The GPU is
    /// opened and the files come at the same time.
    async fn load(&mut self, wanted: &Wanted) -> Result<bool, EngineFailure> {
        let (state, entry) = (self.state, wanted.model);
        if wanted.gpu_request != self.gpu_request {
            self.gpu_request = wanted.gpu_request;
            self.gpu = self.gpu.take().filter(Result::is_ok);
        }
        // The engine as far as it is known: at the start a GPU is hoped for.
        let cpu = wanted.cpu || matches!(self.gpu, Some(Err(_)));
        if !self.is_loaded(entry.id, cpu) {
            state.phase.set(Phase::Loading);
            state.baseline.set(None);
            state.modified.set(None);
            state.controls.set(None);
            state.sweep.clear();
            // The model on screen may be the twin of the one that comes, and the other way round.
            let old = self.loaded.take();
            if self.twin.is(entry.id, cpu) {
                self.loaded = std::mem::replace(&mut self.twin.session, old);
                self.show_loaded(entry.id);
            } else if old.as_ref().is_some_and(|(id, on_cpu, _)| *id == entry.twin && *on_cpu == cpu) {
                self.twin.session = old;
            } else if !self.twin.is(entry.twin, cpu) {
                self.twin.session = None;
            }
        }
        if self.is_loaded(entry.id, cpu) {
            open_gpu(&mut self.gpu, state, wanted.cpu).await;
            return Ok(true);
        }
        let files = self.library.fetch(entry, &self.inbox);
        let (gpu, files) = join(open_gpu(&mut self.gpu, state, wanted.cpu), files).await;
        let Some((tokenizer, (model, load_ms))) = files? else { return Ok(false) };
        self.tokenizer = Some(tokenizer);
        let engine = gpu.as_ref().map_or_else(Engine::cpu, Engine::gpu);
        let summary = ModelSummary::new(entry.id, entry.sha256, &model);
        let session = Session::new(engine, model)?;
        // While the engine works, on the GPU or in a worker, the page's thread has time.
        spawn_local(session.weights_in_background());
        self.loaded = Some((entry.id, gpu.is_none(), Loaded { session, summary, load_ms, text: None }));
        self.show_loaded(entry.id);
        Ok(true)
    }

    fn is_loaded(&self, id: &str, cpu: bool) -> bool {
        matches!(&self.loaded, Some((of, on_cpu, _)) if *of == id && *on_cpu == cpu)
    }

    fn show_loaded(&self, id: &'static str) {
        if let Some((_, _, loaded)) = &self.loaded {
            self.state.cost.config.set(Some((id, Arc::new(loaded.session.model().config.clone()))));
            let twin = self.state.model.get_untracked().twin;
            self.state.heads.keep(id, loaded.session.model(), twin);
        }
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

/// The GPU if it is wanted and there, opened on first use; says in the page what runs, and why.
async fn open_gpu(opened: &mut Option<Result<Gpu, NoGpu>>, state: State, cpu: bool) -> Option<Gpu> {
    let on_cpu = |message: String, again: bool| EngineState {
        label: Some("CPU engine (WebAssembly)".into()),
        message: Some(message),
        again,
    };
    if cpu {
        set(state.engine, on_cpu("The link asks for the CPU engine (engine=cpu).".into(), false));
        return None;
    }
    let gpu = match opened.take() {
        Some(gpu) => gpu,
        None => Gpu::request().await,
    };
    let shown = match &gpu {
        Ok(gpu) => EngineState { label: Some(format!("GPU · {}", gpu.adapter())), ..Default::default() },
        Err(reason) => {
            let navigator = window().navigator();
            let agent = navigator.user_agent().unwrap_or_default();
            let advice = Browser::new(&agent, navigator.max_touch_points() as u32).advice(reason);
            let why = match reason {
                // What was tried in vain speaks of systems that no page can use.
                NoGpu::NoAdapter(_) => "the browser found no usable GPU adapter".into(),
                other => other.to_string(),
            };
            let message =
                format!("WebGPU is not used: {why}. The slower CPU engine computes the same figures. {advice}");
            // What a browser does not offer it will not offer the next moment either.
            on_cpu(message, matches!(reason, NoGpu::NoAdapter(_) | NoGpu::Device(_)))
        }
    };
    set(state.engine, shown);
    let usable = gpu.as_ref().ok().cloned();
    *opened = Some(gpu);
    usable
}

/// Whatever can go wrong while a wish is served.
#[derive(Debug, thiserror::Error)]
enum EngineFailure {
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("{0}")]
    Other(String),
}

impl From<String> for EngineFailure {
    fn from(message: String) -> Self {
        EngineFailure::Other(message)
    }
}
