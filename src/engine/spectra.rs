//! The spectra of a session's baseline. What the text decides is computed once a text, what the weights decide
//! once a model.

use std::sync::Arc;

use super::{EngineError, Pace, Session};
use crate::model::{Buffer, Keep, Plan, SPECTRUM_KINDS, Slot, spectrum_side};
use crate::spectra::{self, HeadSpectra, PartSpectra, WeightSpectra};

/// Spectra of one layer, of the baseline run.
#[derive(Clone, Debug)]
pub struct LayerSpectra {
    /// Root mean square of the residual stream at the layer's input.
    pub residual_rms: f64,
    pub heads: Vec<HeadSpectra>,
}

impl Session {
    /// Spectra of every head on the baseline's residual streams; runs the baseline if it is not there yet, whose
    /// own projections they come from.
    pub async fn spectra(&mut self) -> Result<Vec<LayerSpectra>, EngineError> {
        self.ensure_baseline().await?;
        let model = Arc::clone(&self.model);
        let (config, tokens) = (&model.config, self.ids.len());
        let mut plan = Plan::new(config, tokens);
        plan.residual_norms(Slot::Baseline);
        let mut read = vec![(Buffer::ResidualNorms, config.layers * tokens)];
        let mut pace = Pace::new();
        let (norms, operating) = if self.keep == Keep::Projections {
            let strides: Vec<usize> = (0..config.layers).map(|l| plan.projected_width(l)).collect();
            read.extend((0..config.layers).map(|l| (Buffer::KeptProjection(l), tokens * strides[l])));
            let steps = plan.steps;
            let mut results = self.engine.run(&steps, &read).await?;
            let mut parts = Vec::new();
            for (l, projected) in results.drain(1..).enumerate() {
                for h in 0..config.heads {
                    parts.push(spectra::operating(&model, l, h, &projected, strides[l]));
                    pace.rest().await;
                }
            }
            (results.swap_remove(0), parts)
        } else {
            if !self.weights.has_capacity() {
                let mut plan = Plan::new(config, tokens);
                plan.capacity_grams();
                let (_, parts) = self.solve(plan, Buffer::CapacityGram, Vec::new()).await?;
                for (place, part) in parts.into_iter().enumerate() {
                    self.weights.set_capacity(place / config.heads, place % config.heads, part);
                }
            }
            let (mut results, parts) = self.solve(plan, Buffer::Gram, read).await?;
            (results.swap_remove(0), parts)
        };
        while self.weights.compute_next(true) {
            pace.rest().await;
        }
        let head = |(place, operating): (usize, PartSpectra)| {
            let (l, h) = (place / config.heads, place % config.heads);
            let weights = self.weights.head(l, h);
            HeadSpectra {
                operating,
                capacity: PartSpectra::clone(&self.weights.capacity(l, h)),
                max_re_eig: weights.max_re_eig,
                kernel_erank: weights.kernel_erank,
            }
        };
        let mut heads = operating.into_iter().enumerate().map(head);
        let layers = norms.chunks_exact(tokens).map(|norms| LayerSpectra {
            residual_rms: (crate::kernels::dot(norms, norms) / (tokens * config.d_model) as f64).sqrt(),
            heads: heads.by_ref().take(config.heads).collect(),
        });
        Ok(layers.collect())
    }

    /// What the weights alone decide, in slices between frames: for a task of its own, beside the first run.
    pub fn weights_in_background(&self) -> impl Future<Output = ()> + use<> {
        let (weights, capacity) = (self.weights.clone(), self.keep == Keep::Projections);
        async move {
            let mut pace = Pace::new();
            while weights.compute_next(capacity) {
                pace.rest().await;
            }
        }
    }

    /// Runs the plan, solves every head's Gram matrix on the GPU, and reads what is asked for besides.
    async fn solve(
        &mut self,
        mut plan: Plan<'_>,
        gram: Buffer,
        mut read: Vec<(Buffer, usize)>,
    ) -> Result<(Vec<Vec<f32>>, Vec<PartSpectra>), EngineError> {
        let model = Arc::clone(&self.model);
        let config = &model.config;
        let (n, group) = (spectrum_side(config), config.layers * config.heads);
        plan.singular_values(gram);
        read.push((Buffer::SingularValues, SPECTRUM_KINDS * group * n));
        let steps = plan.steps;
        let mut results = self.engine.run(&steps, &read).await?;
        let all = results.pop().unwrap_or_default();
        let values = |kind: usize, place: usize| {
            let at = (kind * group + place) * n;
            spectra::descending(&all[at..at + config.score_width(place / config.heads)])
        };
        let parts = (0..group).map(|place| PartSpectra::new(values(0, place), values(1, place)));
        Ok((results, parts.collect()))
    }

    /// Chooses where the spectra are solved, which the adapter decides otherwise: on the GPU by one-sided Jacobi
    /// in f32, or here, in f64. The tests compare both.
    #[doc(hidden)]
    pub fn solve_on_gpu(&mut self, yes: bool) {
        self.keep = if yes { Keep::Gram } else { Keep::Projections };
        self.streams.remove(&Slot::Baseline);
        self.weights = WeightSpectra::new(Arc::clone(&self.model));
    }
}
