//! Engines, models and sessions, and the order in which a wish is served: weights, text, baseline, modified
//! run, spectra, then the slower extras as long as nothing newer is wanted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use leptos::prelude::*;
use web_time::Instant;

use super::driver::{Inbox, Wanted};
use super::fetch::{FetchError, download};
use super::state::{Cascade, Controls, EngineState, Phase, Progress, Reading, SWEPT, State, set};
use crate::checkpoint;
use crate::engine::{Engine, EngineError, Gpu, LayerSpectra, NoGpu, Run, Session, breathe};
use crate::link::TextChoice;
use crate::model::{LayerMode, Model, Slot};
use crate::report::{ModelSummary, Report, layer_reports};
use crate::text::{Tokenizer, Tokens};
use crate::zoo::ModelEntry;

const TOKENIZER: &str = "checkpoints/tokenizer.json";

/// Results that stay valid while only the modes change.
struct Loaded {
    session: Session,
    summary: ModelSummary,
    load_ms: f64,
    text: Option<OnText>,
}

/// What belongs to one model on one text.
struct OnText {
    baseline: Arc<Run>,
    forward_ms: f64,
    spectra: Option<(Arc<Vec<LayerSpectra>>, f64)>,
    /// One a layer: perplexity with that layer alone linearised.
    solo: Vec<Option<Option<f64>>>,
    /// A curve for each of [`SWEPT`], as far as it has come.
    sweep: Vec<Vec<Option<f64>>>,
}

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
        let Some(on_text) = &loaded.text else { return Ok(()) };
        let baseline = Arc::clone(&on_text.baseline);
        let start = Instant::now();
        let trained = wanted.modes == baseline.modes;
        let modified = match trained {
            true => Arc::clone(&baseline),
            false => Arc::new(loaded.session.run(Slot::Modified, &wanted.modes).await?),
        };
        let toggle_ms = if trained { on_text.forward_ms } else { milliseconds(start) };
        if self.inbox.overtaken() {
            return Ok(());
        }
        state.controls.set(None);
        state.modified.set(Some(Arc::clone(&modified)));
        loaded.run_spectra(state).await?;
        loaded.publish(state, &modified, toggle_ms);
        set(state.phase, Phase::Ready);
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
            state.reading.set(Some(Reading { ids: tokens.ids.clone(), total: tokens.total, tokenizer }));
        }
        Ok(tokens)
    }
}

impl Loaded {
    async fn run_baseline(&mut self, state: State, tokens: &Tokens) -> Result<(), EngineError> {
        if self.session.ids() != tokens.ids {
            self.text = None;
        }
        if self.text.is_none() {
            state.solo.set(Vec::new());
            state.sweep.set(Vec::new());
            self.session.set_tokens(&tokens.ids)?;
            let trained = self.session.model().config.trained.clone();
            let solo = vec![None; trained.len()];
            let start = Instant::now();
            let baseline = Arc::new(self.session.run(Slot::Baseline, &trained).await?);
            self.text = Some(OnText {
                baseline,
                forward_ms: milliseconds(start),
                spectra: None,
                solo,
                sweep: vec![Vec::new(); SWEPT.len()],
            });
        }
        if let Some(on_text) = &self.text {
            let shown =
                state.baseline.with_untracked(|b| b.as_ref().is_some_and(|b| Arc::ptr_eq(b, &on_text.baseline)));
            if !shown {
                state.baseline.set(Some(Arc::clone(&on_text.baseline)));
                state.solo.set(on_text.solo.clone());
                state.sweep.set(on_text.sweep.clone());
            }
        }
        Ok(())
    }

    /// Spectra belong to the baseline: they are computed once a text.
    async fn run_spectra(&mut self, state: State) -> Result<(), EngineError> {
        let Some(on_text) = &mut self.text else { return Ok(()) };
        if on_text.spectra.is_none() {
            let start = Instant::now();
            let spectra = Arc::new(self.session.spectra().await?);
            on_text.spectra = Some((spectra, milliseconds(start)));
        }
        if let Some((spectra, _)) = &on_text.spectra {
            set(state.cascade, Cascade::live(spectra, self.session.engine().name()));
            set(state.fresh, true);
            let shown = state.spectra.with_untracked(|s| s.as_ref().is_some_and(|s| Arc::ptr_eq(s, spectra)));
            if !shown {
                state.spectra.set(Some(Arc::clone(spectra)));
            }
        }
        Ok(())
    }

    fn publish(&self, state: State, modified: &Run, toggle_ms: f64) {
        let Some(on_text) = &self.text else { return };
        let mut report = Report::new(self.summary.clone(), &self.session, &on_text.baseline, modified);
        let mut timings = BTreeMap::new();
        let mut time = |name: &str, ms: f64| timings.insert(name.to_string(), (ms * 10.0).round() / 10.0);
        time("load", self.load_ms);
        time("forward", on_text.forward_ms);
        time("toggle", toggle_ms);
        if let Some((spectra, ms)) = &on_text.spectra {
            report.spectra = Some(layer_reports(spectra));
            time("spectra", *ms);
        }
        report.timings_ms = timings;
        // The report holds numbers and strings only: writing it cannot fail.
        state.report.set(serde_json::to_string(&report).unwrap_or_default());
    }

    /// The controls beside a simplification, then the cost of simplifying each layer alone.
    async fn run_extras(&mut self, state: State, inbox: &Inbox, modified: &Run) -> Result<(), EngineError> {
        breathe().await;
        let Some(on_text) = &mut self.text else { return Ok(()) };
        let trained = &on_text.baseline.modes;
        let with = |mode: LayerMode| -> Vec<LayerMode> {
            let pairs = modified.modes.iter().zip(trained);
            pairs.map(|(now, own)| if now == own { *own } else { mode }).collect()
        };
        if modified.modes != *trained && !inbox.overtaken() {
            let uniform = self.session.run(Slot::Sweep, &with(LayerMode::Uniform)).await?.perplexity();
            if inbox.overtaken() {
                return Ok(());
            }
            let off = self.session.run(Slot::Sweep, &with(LayerMode::Off)).await?.perplexity();
            if !inbox.overtaken() {
                state.controls.set(Some(Controls { uniform, off }));
            }
        }
        if state.sweeping.get_untracked() {
            // k = 0 is the baseline for every mode.
            for (mode, curve) in SWEPT.iter().zip(0..) {
                while on_text.sweep[curve].len() <= trained.len() {
                    breathe().await;
                    if inbox.overtaken() {
                        return Ok(());
                    }
                    let mut modes = trained.clone();
                    modes[..on_text.sweep[curve].len()].fill(*mode);
                    let perplexity = self.session.run(Slot::Sweep, &modes).await?.perplexity();
                    on_text.sweep[curve].push(perplexity);
                    state.sweep.set(on_text.sweep.clone());
                }
            }
        }
        // On the CPU these would keep a phone busy for a minute.
        if self.session.engine().name() == "cpu" {
            return Ok(());
        }
        for layer in 0..trained.len() {
            if on_text.solo[layer].is_some() {
                continue;
            }
            breathe().await;
            if inbox.overtaken() {
                return Ok(());
            }
            let mut modes = trained.clone();
            modes[layer] = LayerMode::Linearized;
            on_text.solo[layer] = Some(self.session.run(Slot::Sweep, &modes).await?.perplexity());
            state.solo.set(on_text.solo.clone());
        }
        Ok(())
    }
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
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
