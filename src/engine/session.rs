//! One model on one engine: texts in, losses and spectra out. Keeps the residual stream at every layer
//! input, so that a toggle at layer ℓ recomputes ℓ…L only and the baseline is never recomputed.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Engine, EngineError};
use crate::kernels::unembed::{RECORD, TOP};
use crate::model::{Buffer, LayerMode, Model, Plan, SPECTRUM_KINDS, Slot, constants, score_kernel, spectrum_side};
use crate::spectra::{self, HeadMaps, HeadSpectra, PartSpectra, RankCuts};

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

/// exp(mean) of losses in nats; None where that is not a finite number.
pub fn perplexity(nll: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = nll.into_iter().fold((0.0, 0usize), |(sum, n), x| (sum + x, n + 1));
    let value = (sum / count as f64).exp();
    (value.is_finite() && value > 0.0).then_some(value)
}

/// Spectra of one layer, of the baseline run.
#[derive(Clone, Debug)]
pub struct LayerSpectra {
    /// Root mean square of the residual stream at the layer's input.
    pub residual_rms: f64,
    pub heads: Vec<HeadSpectra>,
}

/// A slot's residual streams: `modes` made them, and inputs of layers from `first` on are in its buffers.
struct Stream {
    modes: Vec<LayerMode>,
    first: usize,
}

pub struct Session {
    engine: Engine,
    model: Arc<Model>,
    ids: Vec<u32>,
    streams: HashMap<Slot, Stream>,
    cuts: RankCuts,
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
        Ok(Session { engine, model, ids: Vec::new(), streams: HashMap::new(), cuts: RankCuts::default() })
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
        let mut plan = Plan::new(&model.config, self.ids.len());
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
        plan.score(if from == layers { source.unwrap_or(slot) } else { slot });

        let first = match source {
            None => 0,
            Some(s) if s == slot => self.streams[&slot].first,
            Some(_) => from + 1,
        };
        // Until the run is done the slot's streams are in an unknown state: a failure must not leave them trusted.
        self.streams.remove(&slot);
        let words = self.ids.len() * RECORD;
        let steps = plan.steps;
        let records = self.engine.run(&steps, &[(Buffer::TokenScores, words)]).await?.swap_remove(0);
        self.streams.insert(slot, Stream { modes: modes.to_vec(), first });
        let last = self.ids.len() - 1;
        let scores = records.chunks_exact(RECORD).enumerate().map(|(t, r)| token_score(r, t == last)).collect();
        Ok(Run { modes: modes.to_vec(), scores, from_layer: from, gpu_ms: self.engine.gpu_ms() })
    }

    /// First k layers in `mode`, the rest as trained, for k = 0…layers. Each run keeps what it shares with the
    /// one before. `done` is told of each perplexity as it comes.
    pub async fn sweep(
        &mut self,
        mode: LayerMode,
        mut done: impl FnMut(usize, Option<f64>),
    ) -> Result<(), EngineError> {
        let mut modes = self.model.config.trained.clone();
        for k in 0..=modes.len() {
            if k > 0 {
                modes[k - 1] = mode;
            }
            let run = self.run(Slot::Sweep, &modes).await?;
            done(k, run.perplexity());
        }
        Ok(())
    }

    /// Spectra of every head on the baseline's residual streams; runs the baseline if it is not there yet.
    pub async fn spectra(&mut self) -> Result<Vec<LayerSpectra>, EngineError> {
        self.ensure_baseline().await?;
        let model = Arc::clone(&self.model);
        let (config, tokens) = (&model.config, self.ids.len());
        let inputs: Vec<Buffer> = (0..config.layers).map(|l| Buffer::Residual(Slot::Baseline, l)).collect();
        let mut plan = Plan::new(config, tokens);
        plan.spectra(&inputs);
        let (n, group) = (spectrum_side(config), config.layers * config.heads);
        let read =
            [(Buffer::SingularValues, SPECTRUM_KINDS * group * n), (Buffer::ResidualNorms, config.layers * tokens)];
        let steps = plan.steps;
        let results = self.engine.run(&steps, &read).await?;
        let values = |kind: usize, layer: usize, head: usize| {
            let at = (kind * group + layer * config.heads + head) * n;
            spectra::descending(&results[0][at..at + config.score_width(layer)])
        };
        let layers = (0..config.layers).map(|l| LayerSpectra {
            residual_rms: {
                let norms = &results[1][l * tokens..][..tokens];
                (crate::kernels::dot(norms, norms) / (tokens * config.d_model) as f64).sqrt()
            },
            heads: (0..config.heads)
                .map(|h| HeadSpectra {
                    operating: PartSpectra::new(values(0, l, h), values(1, l, h)),
                    capacity: PartSpectra::new(values(2, l, h), values(3, l, h)),
                    max_re_eig: spectra::max_real_eigenvalue(&model, l, h),
                    kernel_erank: spectra::kernel_effective_rank(&model, l, h),
                })
                .collect(),
        });
        Ok(layers.collect())
    }

    /// One head's scores and mixing weights on the baseline's residual stream, as whole matrices.
    pub async fn head_maps(&mut self, layer: usize, head: usize, mode: LayerMode) -> Result<HeadMaps, EngineError> {
        self.ensure_baseline().await?;
        let model = Arc::clone(&self.model);
        let mut plan = Plan::new(&model.config, self.ids.len());
        plan.project(layer, Buffer::Residual(Slot::Baseline, layer));
        let row = plan.projected_width(layer);
        let steps = plan.steps;
        let read = [(Buffer::Projected, self.ids.len() * row)];
        let projected = self.engine.run(&steps, &read).await?.swap_remove(0);
        let width = model.config.score_width(layer);
        let z: Vec<f32> = projected.chunks_exact(row).flat_map(|t| t[head * width..][..width].to_vec()).collect();
        Ok(HeadMaps::new(&model, &mut self.cuts, layer, head, mode, &z))
    }

    async fn ensure_baseline(&mut self) -> Result<(), EngineError> {
        if !self.streams.contains_key(&Slot::Baseline) {
            let trained = self.model.config.trained.clone();
            self.run(Slot::Baseline, &trained).await?;
        }
        Ok(())
    }

    /// Uploads the small matrices that a layer needs in a mode, unless they are there.
    fn prepare(&mut self, layer: usize, mode: LayerMode) -> Result<(), EngineError> {
        let Some(kernel) = score_kernel(&self.model.config, mode) else { return Ok(()) };
        let buffer = Buffer::ScoreKernel(layer, kernel);
        if self.engine.has(buffer) {
            return Ok(());
        }
        let matrices = self.cuts.score_matrices(&self.model, layer, kernel);
        self.engine.upload(buffer, &matrices)
    }

    /// The stream, and the deepest layer, whose input these modes share with an earlier run.
    fn deepest_known(&self, slot: Slot, modes: &[LayerMode]) -> (Option<Slot>, usize) {
        let known = |candidate: Slot| {
            // The spectra read the baseline's streams: it keeps all of them itself.
            if slot == Slot::Baseline && candidate != slot {
                return None;
            }
            let stream = self.streams.get(&candidate)?;
            let shared = stream.modes.iter().zip(modes).take_while(|(a, b)| a == b).count();
            (shared >= stream.first).then_some((candidate, shared))
        };
        // The slot's own stream wins ties: its buffers then stay complete.
        let candidates = [known(slot), known(Slot::Baseline), known(Slot::Modified)];
        let best = candidates.into_iter().flatten().reduce(|best, c| if c.1 > best.1 { c } else { best });
        best.map_or((None, 0), |(source, from)| (Some(source), from))
    }
}

fn token_score(record: &[f32], last: bool) -> TokenScore {
    let log_sum = f64::from(record[1]);
    let top = std::array::from_fn(|i| (record[4 + TOP + i] as u32, (f64::from(record[4 + i]) - log_sum).exp()));
    TokenScore { nll: (!last).then_some(f64::from(record[0])), top }
}
