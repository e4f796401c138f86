//! One model on one engine: texts in, losses and spectra out. Keeps the residual stream at every layer
//! input, so that a toggle at layer ℓ recomputes ℓ…L only and the baseline is never recomputed.

use std::collections::HashMap;
use std::sync::Arc;

use super::spectra::kept_for_spectra;
use super::{Engine, EngineError};
use crate::kernels::unembed::{RECORD, TOP};
use crate::model::{Buffer, Keep, LayerMode, Model, Plan, Slot, Step, constants, score_kernel};
use crate::spectra::{HeadMaps, RankCuts, WeightSpectra};

/// What the model said at one position.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenScore {
    /// Loss of the next token in nats; absent at the last position. Not finite where the run overflowed.
    pub nll: Option<f64>,
    /// The five likeliest next tokens and their probabilities, likeliest first.
    pub top: [(u32, f64); TOP],
}

/// Result of one forward pass.
#[derive(Clone, Debug)]
pub struct Run {
    pub modes: Vec<LayerMode>,
    /// One a token of the text.
    pub scores: Vec<TokenScore>,
    /// The first layer that had to be computed; everything before it was kept from earlier runs.
    pub from_layer: usize,
    /// Milliseconds that the device itself spent, where it can tell.
    pub gpu_ms: Option<f64>,
}

impl Run {
    /// exp(mean loss); None where it overflows.
    pub fn perplexity(&self) -> Option<f64> {
        perplexity(self.scores.iter().filter_map(|s| s.nll))
    }
}

/// Positions whose losses differ most between two runs on one text, most first, with both losses in nats. Positions
/// where a run overflowed are left out.
pub fn furthest_apart(one: &Run, two: &Run, count: usize) -> Vec<(usize, f64, f64)> {
    let pairs = one.scores.iter().zip(&two.scores).enumerate();
    let mut both: Vec<_> = pairs.filter_map(|(i, (a, b))| Some((i, a.nll?, b.nll?))).collect();
    both.retain(|(_, a, b)| (a - b).is_finite());
    both.sort_by(|x, y| (y.2 - y.1).abs().total_cmp(&(x.2 - x.1).abs()));
    both.truncate(count);
    both
}

/// exp(mean) of losses in nats; None where that is not a finite number.
pub fn perplexity(nll: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = nll.into_iter().fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
    let value = (sum / count as f64).exp();
    (value.is_finite() && value > 0.0).then_some(value)
}

/// A slot's residual streams: `modes` made them, and inputs of layers from `first` on are in its buffers.
pub(super) struct Stream {
    modes: Vec<LayerMode>,
    first: usize,
}

pub struct Session {
    pub(super) engine: Engine,
    pub(super) model: Arc<Model>,
    pub(super) ids: Vec<u32>,
    pub(super) streams: HashMap<Slot, Stream>,
    /// Perplexities on this text, by modes.
    pub(super) known: HashMap<Vec<LayerMode>, Option<f64>>,
    cuts: RankCuts,
    pub(super) weights: WeightSpectra,
    /// What the baseline keeps for the spectra.
    pub(super) keep: Keep,
}

impl Session {
    /// Puts the model's weights on the engine.
    pub fn new(mut engine: Engine, model: Arc<Model>) -> Result<Self, EngineError> {
        for (buffer, data) in constants(&model) {
            match buffer {
                Buffer::TokenEmbedding => engine.upload_rows(buffer, &data, model.config.d_model)?,
                _ => engine.upload(buffer, &data)?,
            }
        }
        Ok(Session {
            keep: kept_for_spectra(&engine, &model.config),
            engine,
            weights: WeightSpectra::new(Arc::clone(&model)),
            model,
            ids: Vec::new(),
            streams: HashMap::new(),
            known: HashMap::new(),
            cuts: RankCuts::default(),
        })
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Eigenvalues and what else belongs to the weights: a store that outlives texts.
    pub fn weights(&self) -> &WeightSpectra {
        &self.weights
    }

    /// Sets the text. Forgets all runs on the one before, unless it is the same.
    pub fn set_tokens(&mut self, ids: &[u32]) -> Result<(), EngineError> {
        let config = &self.model.config;
        if ids.len() < 2 || ids.len() > config.context {
            return Err(EngineError::Tokens { tokens: ids.len(), context: config.context });
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= config.vocab_size) {
            return Err(EngineError::Token { id: *id, vocab: config.vocab_size });
        }
        if self.ids == ids {
            return Ok(());
        }
        let words: Vec<f32> = ids.iter().map(|id| *id as f32).collect();
        let targets: Vec<f32> = words[1..].iter().copied().chain([-1.0]).collect();
        self.engine.upload(Buffer::Ids, &words)?;
        self.engine.upload(Buffer::Targets, &targets)?;
        self.ids = ids.to_vec();
        self.streams.clear();
        self.known.clear();
        Ok(())
    }

    /// Runs the model on the text with one mode a layer. Starts at the deepest layer whose input is known.
    pub async fn run(&mut self, slot: Slot, modes: &[LayerMode]) -> Result<Run, EngineError> {
        let model = Arc::clone(&self.model);
        let layers = model.config.layers;
        if modes.len() != layers {
            return Err(EngineError::Modes { found: modes.len(), expected: layers });
        }
        for (layer, mode) in modes.iter().enumerate() {
            self.prepare(layer, *mode)?;
        }
        let (source, from) = self.deepest_known(slot, modes);
        let steps = self.steps(slot, modes, source, from);
        let first = match source {
            None => 0,
            Some(s) if s == slot => self.streams[&slot].first,
            Some(_) => from + 1,
        };
        // Until the run is done the slot's streams are in an unknown state: a failure must not leave them trusted.
        self.streams.remove(&slot);
        let words = self.ids.len() * RECORD;
        let records = self.engine.run(&steps, &[(Buffer::TokenScores, words)]).await?.swap_remove(0);
        self.streams.insert(slot, Stream { modes: modes.to_vec(), first });
        let last = self.ids.len() - 1;
        let scores = records.chunks_exact(RECORD).enumerate().map(|(t, r)| token_score(r, t == last)).collect();
        let run = Run { modes: modes.to_vec(), scores, from_layer: from, gpu_ms: self.engine.gpu_ms() };
        self.known.insert(modes.to_vec(), run.perplexity());
        Ok(run)
    }

    /// The steps of a run from layer `from` on, whose input is in `source`, or from the embedding on.
    fn steps(&self, slot: Slot, modes: &[LayerMode], source: Option<Slot>, from: usize) -> Vec<Step> {
        let keep = if slot == Slot::Baseline { self.keep } else { Keep::Nothing };
        let mut plan = Plan::keeping(&self.model.config, self.ids.len(), keep);
        plan.queries_apart = self.engine.queries_apart();
        let mut input = match source {
            Some(source) => Buffer::Residual(source, from),
            None => {
                plan.embed(slot);
                Buffer::Residual(slot, 0)
            }
        };
        for (layer, mode) in modes.iter().enumerate().skip(from) {
            plan.layer(layer, *mode, input, slot);
            input = Buffer::Residual(slot, layer + 1);
        }
        // A run that changes nothing still needs its output in this slot to be scored.
        plan.score(if from == modes.len() { source.unwrap_or(slot) } else { slot });
        plan.steps
    }

    /// The steps of a whole run, and the milliseconds that the device spends on each in a pass of its own, for the
    /// benchmark; none where it can't tell.
    #[doc(hidden)]
    pub async fn time_steps(&mut self, modes: &[LayerMode]) -> Result<Vec<(Step, Option<f64>)>, EngineError> {
        for (layer, mode) in modes.iter().enumerate() {
            self.prepare(layer, *mode)?;
        }
        let steps = self.steps(Slot::Sweep, modes, None, 0);
        self.streams.remove(&Slot::Sweep);
        let Engine::Gpu(gpu) = &mut self.engine else { return Ok(Vec::new()) };
        let times = gpu.time_each(&steps).await?;
        Ok(steps.into_iter().zip(times).collect())
    }

    /// One head's scores and mixing weights on the baseline's residual stream, as whole matrices.
    pub async fn head_maps(&mut self, layer: usize, head: usize, mode: LayerMode) -> Result<HeadMaps, EngineError> {
        self.ensure_baseline().await?;
        let model = Arc::clone(&self.model);
        let mut plan = Plan::new(&model.config, self.ids.len());
        let row = plan.projected_width(layer);
        let mut source = Buffer::KeptProjection(layer);
        if self.keep != Keep::Projections {
            plan.project(layer, Buffer::Residual(Slot::Baseline, layer));
            source = Buffer::Projected;
        }
        let steps = plan.steps;
        let read = [(source, self.ids.len() * row)];
        let projected = self.engine.run(&steps, &read).await?.swap_remove(0);
        let width = model.config.score_width(layer);
        let z: Vec<f32> = projected.chunks_exact(row).flat_map(|t| t[head * width..][..width].to_vec()).collect();
        Ok(HeadMaps::new(&model, &mut self.cuts, layer, head, mode, &z))
    }

    pub(super) async fn ensure_baseline(&mut self) -> Result<(), EngineError> {
        if !self.streams.contains_key(&Slot::Baseline) {
            let trained = self.model.config.trained.clone();
            self.run(Slot::Baseline, &trained).await?;
        }
        Ok(())
    }

    /// Uploads the small matrices that a layer needs in a mode, unless they are there.
    pub(super) fn prepare(&mut self, layer: usize, mode: LayerMode) -> Result<(), EngineError> {
        let Some(kernel) = score_kernel(&self.model.config, mode) else { return Ok(()) };
        let buffer = Buffer::ScoreKernel(layer, kernel);
        if self.engine.has(buffer) {
            return Ok(());
        }
        let matrices = self.cuts.score_matrices(&self.model, layer, kernel);
        self.engine.upload(buffer, &matrices)
    }

    /// The stream, and the deepest layer, whose input these modes share with an earlier run.
    pub(super) fn deepest_known(&self, slot: Slot, modes: &[LayerMode]) -> (Option<Slot>, usize) {
        self.deepest_among(slot, modes, |_| true)
    }

    /// The same among those streams that `counts` accepts.
    pub(super) fn deepest_among(
        &self,
        slot: Slot,
        modes: &[LayerMode],
        counts: impl Fn(Slot) -> bool,
    ) -> (Option<Slot>, usize) {
        let known = |candidate: Slot| {
            if !counts(candidate) {
                return None;
            }
            // The spectra read the baseline's streams: it keeps all of them itself.
            if slot == Slot::Baseline && candidate != slot {
                return None;
            }
            let stream = self.streams.get(&candidate)?;
            let shared = stream.modes.iter().zip(modes).take_while(|(a, b)| a == b).count();
            (shared >= stream.first).then_some((candidate, shared))
        };
        // The slot's own stream wins ties: its buffers then stay complete.
        let others = self.streams.keys().filter(|other| **other != slot).filter_map(|other| known(*other));
        let best = known(slot).into_iter().chain(others).reduce(|best, c| if c.1 > best.1 { c } else { best });
        best.map_or((None, 0), |(source, from)| (Some(source), from))
    }
}

pub(super) fn token_score(record: &[f32], last: bool) -> TokenScore {
    let log_sum = f64::from(record[1]);
    let top = std::array::from_fn(|i| (record[4 + TOP + i] as u32, (f64::from(record[4 + i]) - log_sum).exp()));
    TokenScore { nll: (!last).then_some(f64::from(record[0])), top }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_furthest_apart_come_first_and_overflows_not_at_all() {
        let run = |losses: &[Option<f64>]| Run {
            modes: Vec::new(),
            scores: losses.iter().map(|nll| TokenScore { nll: *nll, top: [(0, 0.0); TOP] }).collect(),
            from_layer: 0,
            gpu_ms: None,
        };
        let one = run(&[Some(1.0), Some(2.0), Some(f64::NAN), Some(4.0), None]);
        let two = run(&[Some(1.5), Some(0.0), Some(1.0), Some(4.0), None]);
        assert_eq!(furthest_apart(&one, &two, 2), [(1, 2.0, 0.0), (0, 1.0, 1.5)]);
        assert_eq!(furthest_apart(&one, &two, 9).len(), 3);
    }
}
