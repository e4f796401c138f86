//! One model on one engine and what has been computed with it, in the order in which the page wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use web_time::Instant;

use super::cascade::Cascade;
use super::driver::{Inbox, Wanted};
use super::state::{Controls, State, set};
use crate::engine::{EngineError, LayerSpectra, Run, Session, breathe};
use crate::model::{LayerMode, Slot};
use crate::report::{ModelSummary, Report, layer_reports};
use crate::sweep::SWEPT;
use crate::text::Tokens;

/// Results that stay valid while only the modes change.
pub struct Loaded {
    pub session: Session,
    pub summary: ModelSummary,
    pub load_ms: f64,
    pub text: Option<OnText>,
}

/// What belongs to one model on one text.
pub struct OnText {
    pub baseline: Arc<Run>,
    pub forward_ms: f64,
    /// The latest run under other modes, and how long it took.
    modified: Option<(Arc<Run>, f64)>,
    /// Layer, head and mode of the matrices that were computed last.
    mapped: Option<(usize, usize, LayerMode)>,
    spectra: Option<(Arc<Vec<LayerSpectra>>, f64)>,
    /// One a layer: perplexity with that layer alone linearised.
    solo: Vec<Option<Option<f64>>>,
    /// A curve for each of [`SWEPT`], as far as it has come.
    sweep: Vec<Vec<Option<f64>>>,
}

impl Loaded {
    pub async fn run_baseline(&mut self, state: State, tokens: &Tokens) -> Result<(), EngineError> {
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
                modified: None,
                mapped: None,
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

    /// The run under these modes and its time; the one that is there where nothing has changed.
    pub async fn run_modified(&mut self, modes: &[LayerMode]) -> Result<Option<(Arc<Run>, f64)>, EngineError> {
        let Some(on_text) = &mut self.text else { return Ok(None) };
        if modes == on_text.baseline.modes {
            return Ok(Some((Arc::clone(&on_text.baseline), on_text.forward_ms)));
        }
        if on_text.modified.as_ref().is_none_or(|(run, _)| run.modes != modes) {
            let start = Instant::now();
            let run = Arc::new(self.session.run(Slot::Modified, modes).await?);
            on_text.modified = Some((run, milliseconds(start)));
        }
        Ok(on_text.modified.clone())
    }

    /// The selected head's matrices, in its layer's mode. A toggle elsewhere leaves them as they are: they are
    /// those of the baseline's residual stream.
    pub async fn run_maps(&mut self, state: State, wanted: &Wanted) -> Result<(), EngineError> {
        let (Some(mode), Some(on_text)) = (wanted.modes.get(wanted.layer), &mut self.text) else { return Ok(()) };
        let asked = (wanted.layer, wanted.head, *mode);
        if on_text.mapped != Some(asked) || state.maps.with_untracked(Option::is_none) {
            let maps = self.session.head_maps(wanted.layer, wanted.head, *mode).await?;
            on_text.mapped = Some(asked);
            state.maps.set(Some(Arc::new(maps)));
        }
        Ok(())
    }

    /// Spectra belong to the baseline: they are computed once a text.
    pub async fn run_spectra(&mut self, state: State) -> Result<(), EngineError> {
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

    pub fn publish(&self, state: State, modified: &Run, toggle_ms: f64) {
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
    pub async fn run_extras(&mut self, state: State, inbox: &Inbox, modified: &Run) -> Result<(), EngineError> {
        breathe().await;
        let Some(on_text) = &mut self.text else { return Ok(()) };
        let trained = &on_text.baseline.modes;
        let with = |mode: LayerMode| -> Vec<LayerMode> {
            let pairs = modified.modes.iter().zip(trained);
            pairs.map(|(now, own)| if now == own { *own } else { mode }).collect()
        };
        let known = state.controls.with_untracked(Option::is_some);
        if modified.modes != *trained && !known && !inbox.overtaken() {
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

pub fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
