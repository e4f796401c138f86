//! Many variants of one run: sweeps, solo curves, controls. What they share is computed once, and where one run
//! leaves the engine idle, several go through it side by side.

use std::cmp::Reverse;
use std::time::Duration;

use web_time::Instant;

use super::session::token_score;
use super::{EngineError, Session, breathe, perplexity};
use crate::kernels::unembed::RECORD;
use crate::model::{Buffer, Lane, LayerMode, LayerPart, Plan, Slot, lane_words, split_projection, sweep_variants};

/// Runs that others start from are kept, as many as fit in this.
const TRUNK_BYTES: usize = 128 << 20;
/// And no more than this.
const MAX_TRUNKS: usize = 4;
/// What the largest buffer of runs side by side may take: the least that WebGPU binds at once.
const LANE_BYTES: usize = 128 << 20;
const MAX_LANES: usize = 64;
/// Slices that take less than this grow, so that a wish is not kept waiting for longer than about three of it.
const SLICE: Duration = Duration::from_millis(40);

impl Session {
    /// Perplexities of the model under each of `variants` (one mode a layer), told to `done` with the variant's
    /// index as they come; None is an overflow. What is known of this text comes first, at once. `go_on` is
    /// asked before each slice of work: with false it stops there, and the next call resumes. True when all
    /// are done.
    ///
    /// Variants that many others share their first layers with run first, and are kept; the rest come in the
    /// order that they are given in, each from the deepest layer whose input is known. So the sweep of one mode
    /// over L layers runs L layers for its trunk and 0 + 1 + … + (L − 1) for the rest, in whatever order: with
    /// L = 12, 78 of the 144 that separate runs take, and 12 of 12 output projections. No schedule takes less
    /// arithmetic: every one of these layers has an input of its own. Four modes are some 29 full runs of it, and
    /// 28 were measured where arithmetic is all that counts (llvmpipe). Where it is not what a run waits for,
    /// slices hold several runs side by side, as many as keep a slice short.
    pub async fn run_many(
        &mut self,
        variants: &[Vec<LayerMode>],
        mut done: impl FnMut(usize, Option<f64>),
        mut go_on: impl FnMut() -> bool,
    ) -> Result<bool, EngineError> {
        let expected = self.model.config.layers;
        if let Some(modes) = variants.iter().find(|modes| modes.len() != expected) {
            return Err(EngineError::Modes { found: modes.len(), expected });
        }
        let mut missing: Vec<usize> = Vec::new();
        for (i, modes) in variants.iter().enumerate() {
            match self.known.get(modes) {
                Some(perplexity) => done(i, *perplexity),
                None => missing.push(i),
            }
        }
        if missing.is_empty() {
            return Ok(true);
        }
        self.ensure_baseline().await?;
        let wanted: Vec<&[LayerMode]> = missing.iter().map(|i| variants[*i].as_slice()).collect();
        // An earlier call may have left trunks that still serve.
        let kept: Vec<(Option<Slot>, usize)> = wanted.iter().map(|modes| self.kept(modes)).collect();
        let serves = |slot: &Slot| kept.iter().any(|(source, _)| *source == Some(*slot));
        let free: Vec<Slot> = (0..self.trunk_slots()).map(Slot::Trunk).filter(|slot| !serves(slot)).collect();
        let trunks = trunks(&wanted, kept.iter().map(|(_, shared)| *shared).collect(), free.len());
        let mut lanes = 1;
        let rest: Vec<usize> = (0..missing.len()).filter(|i| !trunks.contains(i)).collect();
        let (mut trunks, mut rest) = (free.iter().zip(&trunks), rest.as_slice());
        while trunks.len() > 0 || !rest.is_empty() {
            breathe().await;
            if !go_on() {
                return Ok(false);
            }
            let start = Instant::now();
            let slice = match trunks.next() {
                Some((slot, trunk)) => {
                    self.run(*slot, wanted[*trunk]).await?;
                    vec![*trunk]
                }
                None => {
                    let (slice, later) = rest.split_at(lanes.min(rest.len()));
                    rest = later;
                    let modes: Vec<&[LayerMode]> = slice.iter().map(|i| wanted[*i]).collect();
                    self.run_side_by_side(&modes).await?;
                    slice.to_vec()
                }
            };
            for i in &slice {
                done(missing[*i], self.known[wanted[*i]]);
            }
            if start.elapsed() < SLICE {
                lanes = (2 * lanes).min(self.most_lanes());
            } else if start.elapsed() > 3 * SLICE {
                lanes = (lanes / 2).max(1);
            }
        }
        Ok(true)
    }

    /// First k layers in `mode`, the rest as trained, for k = 0…layers; `done` is told of each perplexity as it
    /// comes, in any order.
    pub async fn sweep(&mut self, mode: LayerMode, done: impl FnMut(usize, Option<f64>)) -> Result<(), EngineError> {
        let variants = sweep_variants(&self.model.config.trained, mode);
        self.run_many(&variants, done, || true).await.map(|_| ())
    }

    /// Runs these variants in one go; their perplexities are known afterwards.
    #[doc(hidden)]
    pub async fn run_side_by_side(&mut self, variants: &[&[LayerMode]]) -> Result<(), EngineError> {
        let mut missing: Vec<&[LayerMode]> = Vec::new();
        for modes in variants {
            if !self.known.contains_key(*modes) && !missing.contains(modes) {
                missing.push(modes);
            }
        }
        match missing.as_slice() {
            [] => return Ok(()),
            [modes] => return self.run(Slot::Sweep, modes).await.map(|_| ()),
            _ => self.ensure_baseline().await?,
        }
        let lanes = self.prepare_lanes(&missing)?;
        let model = std::sync::Arc::clone(&self.model);
        let mut plan = Plan::new(&model.config, self.ids.len());
        plan.queries_apart = self.engine.queries_apart();
        let order = plan.run_lanes(&lanes);
        let steps = plan.steps;
        let words = lanes.len() * self.ids.len() * RECORD;
        let records = self.engine.run(&steps, &[(Buffer::TokenScores, words)]).await?.swap_remove(0);
        for (place, lane) in order.iter().enumerate() {
            let tokens = 0..self.ids.len() - 1;
            let nll = tokens.filter_map(|t| token_score(&records[(t * lanes.len() + place) * RECORD..], false).nll);
            self.known.insert(missing[*lane].to_vec(), perplexity(nll));
        }
        Ok(())
    }

    /// Where each variant starts from; uploads what runs side by side need besides.
    fn prepare_lanes(&mut self, variants: &[&[LayerMode]]) -> Result<Vec<Lane>, EngineError> {
        let mut lanes = Vec::with_capacity(variants.len());
        for modes in variants {
            for (layer, mode) in modes.iter().enumerate() {
                self.prepare(layer, *mode)?;
                self.prepare(layer, self.model.config.trained[layer])?;
            }
            // The baseline is there, so some stream always is.
            let (source, from) = self.deepest_known(Slot::Sweep, modes);
            lanes.push(Lane { source: source.unwrap_or(Slot::Baseline), from, modes: modes.to_vec() });
        }
        for layer in 0..self.model.config.layers {
            if self.engine.has(Buffer::Layer(layer, LayerPart::ValueBias)) {
                continue;
            }
            for (buffer, data) in split_projection(&self.model, layer) {
                self.engine.upload(buffer, &data)?;
            }
        }
        let next = self.ids[1..].iter().map(|id| *id as f32).chain([-1.0]);
        let targets: Vec<f32> = next.flat_map(|id| std::iter::repeat_n(id, variants.len())).collect();
        self.engine.upload(Buffer::LaneTargets, &targets)?;
        Ok(lanes)
    }

    /// What these modes share with the baseline or a trunk: streams that are not overwritten on the way.
    fn kept(&self, modes: &[LayerMode]) -> (Option<Slot>, usize) {
        self.deepest_among(Slot::Sweep, modes, |slot| matches!(slot, Slot::Baseline | Slot::Trunk(_)))
    }

    fn trunk_slots(&self) -> u8 {
        let config = &self.model.config;
        let bytes = (config.layers + 1) * self.ids.len() * config.d_model * 4;
        (TRUNK_BYTES / bytes.max(1)).clamp(1, MAX_TRUNKS) as u8
    }

    fn most_lanes(&self) -> usize {
        (LANE_BYTES / (4 * lane_words(&self.model.config, self.ids.len()))).clamp(1, MAX_LANES)
    }
}

fn shared(a: &[LayerMode], b: &[LayerMode]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Which of the variants to run first and keep, at most `slots`: each in turn the one that saves the others most
/// layers, beyond those that are `saved` without and those that the ones before it save.
fn trunks(variants: &[&[LayerMode]], mut saved: Vec<usize>, slots: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    while chosen.len() < slots {
        let gain = |t: usize| {
            let others = variants.iter().enumerate().filter(|(v, _)| *v != t);
            others.map(|(v, modes)| shared(variants[t], modes).saturating_sub(saved[v])).sum::<usize>()
        };
        let best = (0..variants.len()).map(|t| (gain(t), Reverse(t))).filter(|(gain, _)| *gain > 0).max();
        let Some((_, Reverse(trunk))) = best else { break };
        for (saved, modes) in saved.iter_mut().zip(variants) {
            *saved = (*saved).max(shared(variants[trunk], modes));
        }
        chosen.push(trunk);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::solo_variants;

    const TRAINED: [LayerMode; 6] = [LayerMode::Softmax; 6];

    fn by_baseline(variants: &[&[LayerMode]]) -> Vec<usize> {
        variants.iter().map(|v| shared(v, &TRAINED)).collect()
    }

    fn all(f: fn(&[LayerMode], LayerMode) -> Vec<Vec<LayerMode>>) -> Vec<Vec<LayerMode>> {
        [LayerMode::Linearized, LayerMode::Uniform].into_iter().flat_map(|mode| f(&TRAINED, mode)).collect()
    }

    #[test]
    fn a_sweep_starts_with_its_longest_prefix() {
        let variants = all(sweep_variants);
        let views: Vec<&[LayerMode]> = variants.iter().map(Vec::as_slice).collect();
        let mut chosen = trunks(&views, by_baseline(&views), 4);
        chosen.sort_unstable();
        // All but the last layer in one mode serve as well as all of them.
        assert_eq!(chosen, [5, 12]);
        assert_eq!(trunks(&views, by_baseline(&views), 1).len(), 1);
        // Where the first is kept from before, only the second is missing.
        let saved = views.iter().zip(by_baseline(&views)).map(|(v, saved)| saved.max(shared(v, views[5]))).collect();
        assert_eq!(trunks(&views, saved, 4), [12]);
    }

    #[test]
    fn a_solo_curve_needs_the_baseline_alone() {
        let variants = all(solo_variants);
        let views: Vec<&[LayerMode]> = variants.iter().map(Vec::as_slice).collect();
        assert!(trunks(&views, by_baseline(&views), 4).is_empty());
    }
}
