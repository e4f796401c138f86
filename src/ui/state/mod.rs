//! Every signal of the page, and what acts on more than one of them.

mod address;
mod choose;
mod compare;
mod continuation;
mod cost;
mod explain;
mod heads;
mod modes;
mod numerics;
mod share;
mod storage;
mod sweep;
mod under;

use std::sync::Arc;

pub use storage::Storage;

use super::cascade::{Cascade, mean};
use super::history::Act;
use crate::card::{Card, Timelapse};
use crate::engine::{LayerSpectra, Run};
use crate::link::{Link, TextChoice, View};
use crate::model::LayerMode;
use crate::spectra::HeadMaps;
use crate::text::Tokenizer;
use crate::words::{Shown, sentence};
use crate::zoo::ModelEntry;
use leptos::prelude::*;

pub use compare::{Beside, CompareState, comparable};
pub use continuation::{ContinuationState, End, Side, Wish};
pub use cost::{CostState, Times};
pub use explain::ExplainState;
pub use heads::{HeadsState, TwinWeights};
pub use numerics::NumericsState;
pub use share::{Checked, Share, Subject};
pub use sweep::{SweepState, TwinState};
pub use under::UnderState;

/// What the page is doing.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Loading,
    Running,
    Ready,
    Error(String),
}

impl Phase {
    /// As in `#report`'s `data-state`.
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Loading => "loading",
            Phase::Running => "running",
            Phase::Ready => "ready",
            Phase::Error(_) => "error",
        }
    }

    pub fn error(&self) -> Option<String> {
        match self {
            Phase::Error(message) => Some(message.clone()),
            _ => None,
        }
    }
}

/// A download under way, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub done: u64,
    /// Of them, what was there when this download began.
    pub from: u64,
    pub total: u64,
}

/// What runs the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineState {
    pub label: Option<String>,
    /// Why the GPU is not used.
    pub message: Option<String>,
    /// Whether asking for the GPU once more may help.
    pub again: bool,
}

/// What the tokens are coloured by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colouring {
    Loss,
    Change,
}

/// Perplexities of the same layers under the two controls; an inner None is an overflow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Controls {
    pub uniform: Option<f64>,
    pub off: Option<f64>,
}

/// The text as the model reads it.
#[derive(Clone)]
pub struct Reading {
    pub ids: Vec<u32>,
    pub total: usize,
    pub tokenizer: Arc<Tokenizer>,
}

#[derive(Clone, Copy)]
pub struct State {
    // What the user chose.
    pub model: RwSignal<&'static ModelEntry>,
    pub text: RwSignal<TextChoice>,
    pub modes: RwSignal<Vec<LayerMode>>,
    /// K of the rank switch.
    pub rank: RwSignal<u16>,
    /// Selected layer and head, from 0.
    pub layer: RwSignal<usize>,
    pub head: RwSignal<usize>,
    /// What is open below the stack.
    pub view: RwSignal<View>,
    pub cpu: RwSignal<bool>,
    pub colouring: RwSignal<Colouring>,
    /// The mode that a drag over the switches paints.
    pub painting: RwSignal<Option<LayerMode>>,
    /// What the next change belongs to, for the history, and how many drags there have been.
    pub act: RwSignal<Act>,
    pub drags: RwSignal<u32>,
    /// Counts the times that the user asked for another attempt.
    pub attempts: RwSignal<u32>,
    /// Counts the times that the user asked for the GPU after it had failed.
    pub gpu_requests: RwSignal<u32>,
    // What came back.
    pub phase: RwSignal<Phase>,
    pub progress: RwSignal<Option<Progress>>,
    pub storage: Storage,
    pub engine: RwSignal<EngineState>,
    pub reading: RwSignal<Option<Reading>>,
    pub baseline: RwSignal<Option<Arc<Run>>>,
    pub modified: RwSignal<Option<Arc<Run>>>,
    pub spectra: RwSignal<Option<Arc<Vec<LayerSpectra>>>>,
    pub heads: HeadsState,
    /// The selected head's matrices.
    pub maps: RwSignal<Option<Arc<HeadMaps>>>,
    pub cascade: RwSignal<Cascade>,
    /// Whether `cascade` is of the chosen model and text.
    pub fresh: RwSignal<bool>,
    pub controls: RwSignal<Option<Controls>>,
    /// Perplexity with one layer alone linearised; None where it is not measured yet.
    pub solo: RwSignal<Vec<Option<Option<f64>>>>,
    pub sweep: SweepState,
    pub cost: CostState,
    /// The twin's cascade under the figure.
    pub under: UnderState,
    /// What was ignored, clamped or cut: of the link, and of the text.
    pub link_notes: RwSignal<Vec<String>>,
    pub text_notes: RwSignal<Vec<String>>,
    pub report: RwSignal<String>,
    /// The chosen model's card, or why it cannot be read.
    pub card: RwSignal<Option<Result<Card, String>>>,
    /// The training that the figure shows instead of the live cascade, and which record of it.
    pub timelapse: RwSignal<Option<Timelapse>>,
    pub moment: RwSignal<usize>,
    /// A phone's width.
    pub narrow: RwSignal<bool>,
    pub share: Share,
    pub continuation: ContinuationState,
    pub compare: CompareState,
    pub numerics: NumericsState,
    pub explain: ExplainState,
    // Derived.
    /// What the figure draws: the live cascade, or the moment of training that is chosen.
    pub figure: Memo<Cascade>,
    pub baseline_perplexity: Memo<Option<Option<f64>>>,
    pub perplexity: Memo<Option<Option<f64>>>,
    pub sentence: Memo<String>,
}

impl State {
    pub fn new(fragment: &str) -> Self {
        let model = RwSignal::new(Link::default().model);
        let modes = RwSignal::new(Vec::new());
        let baseline: RwSignal<Option<Arc<Run>>> = RwSignal::new(None);
        let modified: RwSignal<Option<Arc<Run>>> = RwSignal::new(None);
        let cascade = RwSignal::new(Cascade::recorded());
        let controls: RwSignal<Option<Controls>> = RwSignal::new(None);
        let baseline_perplexity = Memo::new(move |_| baseline.get().map(|run| run.perplexity()));
        let perplexity = Memo::new(move |_| modified.get().map(|run| run.perplexity()));
        let sentence = Memo::new(move |_| {
            let ranks: Vec<f64> = cascade.get().layers.iter().map(|l| mean(&l.operating)).collect();
            let run_modes = modified.get().map(|run| run.modes.clone());
            let trained = model.get().trained();
            sentence(&Shown {
                modes: run_modes.as_ref().unwrap_or(&trained),
                trained: &trained,
                baseline: baseline_perplexity.get().flatten(),
                now: perplexity.get().flatten(),
                uniform: controls.get().map(|c| c.uniform),
                ranks: &ranks,
            })
        });
        let (timelapse, moment) = (RwSignal::new(None::<Timelapse>), RwSignal::new(0usize));
        let figure = Memo::new(move |_| {
            let shown = timelapse.with(|lapse| lapse.as_ref()?.records.get(moment.get()).map(Cascade::at));
            shown.unwrap_or_else(|| cascade.get())
        });
        let state = State {
            model,
            text: RwSignal::new(Link::default().text),
            modes,
            rank: RwSignal::new(8),
            layer: RwSignal::new(0),
            head: RwSignal::new(0),
            view: RwSignal::new(View::default()),
            cpu: RwSignal::new(false),
            colouring: RwSignal::new(Colouring::Loss),
            painting: RwSignal::new(None),
            act: RwSignal::new(Act::Single),
            drags: RwSignal::new(0),
            attempts: RwSignal::new(0),
            gpu_requests: RwSignal::new(0),
            phase: RwSignal::new(Phase::Loading),
            progress: RwSignal::new(None),
            storage: Storage::new(),
            engine: RwSignal::new(EngineState::default()),
            reading: RwSignal::new(None),
            baseline,
            modified,
            spectra: RwSignal::new(None),
            heads: HeadsState::new(),
            maps: RwSignal::new(None),
            cascade,
            fresh: RwSignal::new(true),
            controls,
            solo: RwSignal::new(Vec::new()),
            sweep: SweepState::new(),
            cost: CostState::new(),
            under: UnderState::new(),
            link_notes: RwSignal::new(Vec::new()),
            text_notes: RwSignal::new(Vec::new()),
            report: RwSignal::new("{}".into()),
            card: RwSignal::new(None),
            timelapse,
            moment,
            narrow: RwSignal::new(is_narrow()),
            continuation: ContinuationState::new(),
            compare: CompareState::new(),
            numerics: NumericsState::new(),
            explain: ExplainState::new(),
            share: Share::new(),
            figure,
            baseline_perplexity,
            perplexity,
            sentence,
        };
        state.read_link(fragment);
        let resize = window_event_listener(leptos::ev::resize, move |_| set(state.narrow, is_narrow()));
        on_cleanup(move || resize.remove());
        state
    }
}

fn is_narrow() -> bool {
    let width = window().inner_width().ok().and_then(|w| w.as_f64());
    width.is_some_and(|w| w < 620.0)
}

/// Sets a signal only where its value changes, so that nothing runs for nothing.
pub fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}
