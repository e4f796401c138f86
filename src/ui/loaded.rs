//! One model on one engine and what has been computed with it, in the order in which the page wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use leptos::prelude::*;
use web_time::Instant;

use super::cascade::Cascade;
use super::driver::{Inbox, Wanted};
use super::state::{Controls, State, Times, set};
use crate::engine::{Engine, EngineError, LayerSpectra, Run, Session};
use crate::model::{LayerMode, Slot};
use crate::report::{ModelSummary, Report, layer_reports};
use crate::self_test;
use crate::sweep::{Curves, Kind, SWEPT};
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
    /// Curves over the first k layers, and over one layer alone, as far as they have come.
    pub(super) first: Curves,
    pub(super) alone: Curves,
}

impl Loaded {
    /// Reads the text with every layer as trained, unless that is done.
    pub async fn read(&mut self, ids: &[u32]) -> Result<(), EngineError> {
        if self.session.ids() != ids {
            self.text = None;
        }
        if self.text.is_none() {
            self.session.set_tokens(ids)?;
            let trained = self.session.model().config.trained.clone();
            let start = Instant::now();
            let baseline = Arc::new(self.session.run(Slot::Baseline, &trained).await?);
            let curves = |kind| Curves::new(kind, trained.len(), baseline.perplexity());
            self.text = Some(OnText {
                forward_ms: milliseconds(start),
                modified: None,
                mapped: None,
                spectra: None,
                first: curves(Kind::First),
                alone: curves(Kind::Alone),
                baseline,
            });
        }
        Ok(())
    }

    /// The same, and shows it.
    pub async fn run_baseline(&mut self, state: State, tokens: &Tokens) -> Result<(), EngineError> {
        if self.session.ids() != tokens.ids {
            state.solo.set(Vec::new());
            state.sweep.clear();
        }
        self.read(&tokens.ids).await?;
        if let Some(on_text) = &self.text {
            let shown =
                state.baseline.with_untracked(|b| b.as_ref().is_some_and(|b| Arc::ptr_eq(b, &on_text.baseline)));
            if !shown {
                state.baseline.set(Some(Arc::clone(&on_text.baseline)));
                state.solo.set(on_text.alone.points(0));
                state.sweep.clear();
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
    pub async fn spectra(&mut self) -> Result<Option<Arc<Vec<LayerSpectra>>>, EngineError> {
        let Some(on_text) = &mut self.text else { return Ok(None) };
        if on_text.spectra.is_none() {
            let start = Instant::now();
            let spectra = Arc::new(self.session.spectra().await?);
            on_text.spectra = Some((spectra, milliseconds(start)));
        }
        Ok(on_text.spectra.as_ref().map(|(spectra, _)| Arc::clone(spectra)))
    }

    /// The same, and shows them.
    pub async fn run_spectra(&mut self, state: State) -> Result<(), EngineError> {
        if let Some(spectra) = &self.spectra().await? {
            set(state.cascade, Cascade::live(spectra, self.session.engine().name()));
            set(state.fresh, true);
            let shown = state.spectra.with_untracked(|s| s.as_ref().is_some_and(|s| Arc::ptr_eq(s, spectra)));
            if !shown {
                state.spectra.set(Some(Arc::clone(spectra)));
            }
            // The report tells of the eigenvalues as well, which no figure waits for.
            self.session.weights_in_background().await;
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
        let curves = SWEPT.iter().enumerate().map(|(i, mode)| Some((mode.to_string(), on_text.first.curve(i)?)));
        report.sweep = curves.collect();
        let times = Times {
            forward: on_text.forward_ms,
            toggle: toggle_ms,
            forward_gpu: on_text.baseline.gpu_ms,
            toggle_gpu: modified.gpu_ms,
            from_layer: modified.from_layer,
        };
        set(state.cost.times, Some(times));
        // The report holds numbers and strings only: writing it cannot fail.
        state.report.set(serde_json::to_string(&report).unwrap_or_default());
    }

    /// The self-test, where it was asked for and is not done.
    pub async fn run_self_test(&mut self, state: State, inbox: &Inbox, shown: &Run, engine: impl Fn() -> Engine) {
        let n = state.numerics;
        let Some(on_text) = &self.text else { return };
        if n.asked.get_untracked() == 0 || n.outcome.with_untracked(Option::is_some) {
            return;
        }
        n.checks.set(Vec::new());
        let done = |check| n.checks.update(|checks| checks.push(check));
        let outcome = self_test::every_mode(engine, done, || !inbox.overtaken()).await;
        if inbox.overtaken() {
            return;
        }
        let model = Arc::clone(self.session.model());
        let spectra = on_text.spectra.as_ref().map(|(spectra, _)| spectra.as_slice());
        self_test::on_screen(&model, self.session.ids(), shown, spectra, done).await;
        n.outcome.set(Some(outcome.map_err(|e| e.to_string())));
    }

    /// The controls beside a simplification.
    pub async fn run_controls(&mut self, state: State, inbox: &Inbox, modified: &Run) -> Result<(), EngineError> {
        let Some(on_text) = &self.text else { return Ok(()) };
        let trained = &on_text.baseline.modes;
        if modified.modes == *trained || state.controls.with_untracked(Option::is_some) {
            return Ok(());
        }
        let with = |mode: LayerMode| -> Vec<LayerMode> {
            let pairs = modified.modes.iter().zip(trained);
            pairs.map(|(now, own)| if now == own { *own } else { mode }).collect()
        };
        let variants = [with(LayerMode::Uniform), with(LayerMode::Off)];
        let mut values = [None; 2];
        if self.session.run_many(&variants, |i, perplexity| values[i] = perplexity, || !inbox.overtaken()).await? {
            state.controls.set(Some(Controls { uniform: values[0], off: values[1] }));
        }
        Ok(())
    }

    /// Measures what is missing of a kind's curves, or of one of them, and tells `show` after every point. False
    /// where something newer is wanted: what is measured stays, and the next call goes on from there.
    pub async fn run_sweep(
        &mut self,
        kind: Kind,
        only: Option<usize>,
        inbox: &Inbox,
        mut show: impl FnMut(&Curves),
    ) -> Result<bool, EngineError> {
        let Some(on_text) = &mut self.text else { return Ok(false) };
        let curves = match kind {
            Kind::First => &mut on_text.first,
            Kind::Alone => &mut on_text.alone,
        };
        show(curves);
        let trained = &on_text.baseline.modes;
        let missing: Vec<_> =
            curves.missing().into_iter().filter(|(c, _)| only.is_none_or(|only| only == *c)).collect();
        let variants: Vec<_> = missing.iter().map(|(c, k)| kind.modes(SWEPT[*c], *k, trained)).collect();
        let place = |i: usize, perplexity| {
            let (curve, k) = missing[i];
            curves.set(curve, k, perplexity);
            show(curves);
        };
        self.session.run_many(&variants, place, || !inbox.overtaken()).await
    }
}

pub fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
