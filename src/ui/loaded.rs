//! One model on one engine and what has been computed with it, in the order in which the page wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use web_time::Instant;

use super::cascade::Cascade;
use super::driver::{Inbox, Wanted};
use super::state::{Controls, SWEPT, State, set};
use crate::engine::{EngineError, LayerSpectra, Run, Session};
use crate::model::{LayerMode, Slot, solo_variants, sweep_variants};
use crate::report::{ModelSummary, Report, layer_reports};
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
    /// A curve for each of [`SWEPT`]: perplexity at k, where it is there.
    sweep: Vec<Vec<Option<Option<f64>>>>,
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
            let layers = trained.len();
            let start = Instant::now();
            let baseline = Arc::new(self.session.run(Slot::Baseline, &trained).await?);
            self.text = Some(OnText {
                baseline,
                forward_ms: milliseconds(start),
                modified: None,
                mapped: None,
                spectra: None,
                solo: vec![None; layers],
                sweep: vec![vec![None; layers + 1]; SWEPT.len()],
            });
        }
        if let Some(on_text) = &self.text {
            let shown =
                state.baseline.with_untracked(|b| b.as_ref().is_some_and(|b| Arc::ptr_eq(b, &on_text.baseline)));
            if !shown {
                state.baseline.set(Some(Arc::clone(&on_text.baseline)));
                state.solo.set(on_text.solo.clone());
                state.sweep.set(without_gaps(&on_text.sweep));
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

    /// The controls beside a simplification, the sweep where it is asked for, then the cost of simplifying each
    /// layer alone. A newer wish interrupts them; what is computed stays.
    pub async fn run_extras(&mut self, state: State, inbox: &Inbox, modified: &Run) -> Result<(), EngineError> {
        let Some(on_text) = &mut self.text else { return Ok(()) };
        let session = &mut self.session;
        let trained = &on_text.baseline.modes;
        let go_on = || !inbox.overtaken();
        if modified.modes != *trained && state.controls.with_untracked(Option::is_none) {
            let with = |mode: LayerMode| -> Vec<LayerMode> {
                let pairs = modified.modes.iter().zip(trained);
                pairs.map(|(now, own)| if now == own { *own } else { mode }).collect()
            };
            let mut values = [None; 2];
            let variants = [with(LayerMode::Uniform), with(LayerMode::Off)];
            if !session.run_many(&variants, |i, perplexity| values[i] = perplexity, go_on).await? {
                return Ok(());
            }
            state.controls.set(Some(Controls { uniform: values[0], off: values[1] }));
        }
        if state.sweeping.get_untracked() {
            let curves = SWEPT.map(|mode| sweep_variants(trained, mode));
            // All curves grow together.
            let places: Vec<_> = (0..=trained.len()).flat_map(|k| (0..SWEPT.len()).map(move |c| (c, k))).collect();
            let variants: Vec<_> = places.iter().map(|(c, k)| curves[*c][*k].clone()).collect();
            let sweep = &mut on_text.sweep;
            let place = |i: usize, perplexity| {
                let (curve, k) = places[i];
                sweep[curve][k] = Some(perplexity);
                state.sweep.set(without_gaps(sweep));
            };
            if !session.run_many(&variants, place, go_on).await? {
                return Ok(());
            }
        }
        // On the CPU these would keep a phone busy for a minute.
        if session.engine().name() == "cpu" {
            return Ok(());
        }
        let solo = &mut on_text.solo;
        let place = |layer: usize, perplexity| {
            solo[layer] = Some(perplexity);
            state.solo.set(solo.clone());
        };
        session.run_many(&solo_variants(trained, LayerMode::Linearized), place, go_on).await.map(|_| ())
    }
}

/// Each curve up to the first k that is not there yet.
fn without_gaps(sweep: &[Vec<Option<Option<f64>>>]) -> Vec<Vec<Option<f64>>> {
    sweep.iter().map(|curve| curve.iter().map_while(|point| *point).collect()).collect()
}

pub fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
