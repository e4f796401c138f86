//! The spectra of a session's baseline. What the text decides is computed once a text, what the weights decide
//! once a model.

use std::sync::Arc;

use futures_util::future::join;

use super::{Engine, EngineError, Pace, Session};
use crate::kernels::cholesky::MAX_SIDE;
use crate::model::{Buffer, Config, Keep, Plan, SPECTRUM_KINDS, Slot, Step, spectrum_kernels, spectrum_side};
use crate::spectra::{self, HeadSpectra, PartSpectra, WeightSpectra};

/// Spectra of one layer, of the baseline run.
#[derive(Clone)]
pub struct LayerSpectra {
    /// Root mean square of the residual stream at the layer's input.
    pub residual_rms: f64,
    pub heads: Vec<HeadSpectra>,
}

/// What the baseline keeps. Spectra are solved on a GPU, unless the processor imitates it, or it has been seen not to keep
/// pairs of f32, or the heads are wider than its kernels take, or more than fit a binding.
pub(super) fn kept_for_spectra(engine: &Engine, config: &Config) -> Keep {
    let Engine::Gpu(gpu) = engine else { return Keep::Projections };
    let (n, group) = (spectrum_side(config), config.layers * config.heads);
    // The largest of the buffers: both parts of both kinds of matrices, as they are made tridiagonal.
    let bytes = 8 * SPECTRUM_KINDS * 2 * group * (n + 2) * n;
    let fits = n <= MAX_SIDE as usize && bytes as u64 <= gpu.limits().max_storage_buffer_binding_size;
    let able = !gpu.is_software() && gpu.doubles().get() != Some(false);
    if able && fits { Keep::Gram } else { Keep::Projections }
}

impl Session {
    /// Spectra of every head on the baseline's residual streams; runs the baseline if it is not there yet, whose
    /// own projections they come from.
    pub async fn spectra(&mut self) -> Result<Vec<LayerSpectra>, EngineError> {
        self.ensure_baseline().await?;
        let (norms, operating) = match self.solved_on_gpu().await? {
            Some(solved) => solved,
            None => self.solved_here().await?,
        };
        let model = Arc::clone(&self.model);
        let (config, tokens) = (&model.config, self.ids.len());
        let head = |(place, operating): (usize, PartSpectra)| {
            HeadSpectra::new(operating, self.weights.clone(), place / config.heads, place % config.heads)
        };
        let mut heads = operating.into_iter().enumerate().map(head);
        let layers = norms.chunks_exact(tokens).map(|norms| LayerSpectra {
            residual_rms: (crate::kernels::dot(norms, norms) / (tokens * config.d_model) as f64).sqrt(),
            heads: heads.by_ref().take(config.heads).collect(),
        });
        // While people look at the first figures: a browser compiles in another process, where nothing else runs then.
        if let (true, Engine::Gpu(gpu)) = (cfg!(target_arch = "wasm32"), &self.engine) {
            gpu.compile_linear();
        }
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

    /// Whether the GPU solves the spectra, in pairs of f32; otherwise they are solved here, in f64.
    pub fn solves_on_gpu(&self) -> bool {
        self.keep == Keep::Gram
    }

    /// Norms of the residual streams' rows, \[layers, tokens\], and every head's operating spectra, in f64.
    async fn solved_here(&mut self) -> Result<(Vec<f32>, Vec<PartSpectra>), EngineError> {
        let model = Arc::clone(&self.model);
        let (config, tokens) = (&model.config, self.ids.len());
        let mut plan = Plan::new(config, tokens);
        plan.residual_norms(Slot::Baseline);
        let mut read = vec![(Buffer::ResidualNorms, config.layers * tokens)];
        let strides: Vec<usize> = (0..config.layers).map(|l| plan.projected_width(l)).collect();
        read.extend((0..config.layers).map(|l| (Buffer::KeptProjection(l), tokens * strides[l])));
        let steps = plan.steps;
        let mut results = self.engine.run(&steps, &read).await?;
        let mut pace = Pace::new();
        let mut parts = Vec::new();
        for (l, projected) in results.drain(1..).enumerate() {
            for h in 0..config.heads {
                parts.push(spectra::operating(&model, l, h, &projected, strides[l]));
                pace.rest().await;
            }
        }
        while self.weights.compute_next_capacity() {
            pace.rest().await;
        }
        Ok((results.swap_remove(0), parts))
    }

    /// The same from the GPU, with the capacities where they are missing: all heads in a few launches. None where the
    /// spectra are solved here, as they are from then on where the GPU turns out not to compute as it should.
    async fn solved_on_gpu(&mut self) -> Result<Option<(Vec<f32>, Vec<PartSpectra>)>, EngineError> {
        if self.keep != Keep::Gram {
            return Ok(None);
        }
        let model = Arc::clone(&self.model);
        let (config, tokens) = (&model.config, self.ids.len());
        let (n, group) = (spectrum_side(config), config.layers * config.heads);
        let new_model = !self.weights.has_capacity();
        self.prepare_spectra()?;
        let Engine::Gpu(gpu) = &self.engine else { return Ok(None) };
        let batch = if new_model { 2 * group } else { group };
        let steps = self.spectra_steps(new_model);
        let read =
            [(Buffer::ResidualNorms, config.layers * tokens), (Buffer::SingularValues, SPECTRUM_KINDS * batch * n)];
        // Once a device one head in f64 as well, while the GPU works: a compiler that takes sums of f32 for exact ones
        // makes pairs of them useless.
        let untried = new_model && gpu.doubles().get().is_none();
        let check = async { untried.then(|| self.weights.capacity(config.layers - 1, config.heads - 1)) };
        let (results, checked) = join(self.engine.run(&steps, &read), check).await;
        let mut results = results?;
        let all = results.pop().unwrap_or_default();
        let part = |place: usize| {
            let width = config.score_width(place % group / config.heads);
            let values = |kind: usize| spectra::descending(&all[(kind * batch + place) * n..][..n], width);
            PartSpectra::new(values(0), values(1))
        };
        if let (Some(expected), Engine::Gpu(gpu)) = (checked, &self.engine) {
            let exact = expected.equals_rounded(&part(batch - 1));
            gpu.doubles().set(Some(exact));
            if !exact {
                self.solve_on_gpu(false);
                self.ensure_baseline().await?;
                return Ok(None);
            }
        }
        for place in group..batch {
            self.weights.set_capacity((place - group) / config.heads, place % config.heads, part(place));
        }
        Ok(Some((results.swap_remove(0), (0..group).map(part).collect())))
    }

    /// Uploads what only the spectra need, unless it is there.
    fn prepare_spectra(&mut self) -> Result<(), EngineError> {
        match self.engine.has(Buffer::SpectrumKernels) {
            true => Ok(()),
            false => self.engine.upload(Buffer::SpectrumKernels, &spectrum_kernels(&self.model)),
        }
    }

    /// From the baseline's Gram matrices to singular values; with `capacity` from the weights' as well.
    fn spectra_steps(&self, capacity: bool) -> Vec<Step> {
        let config = &self.model.config;
        let mut plan = Plan::new(config, self.ids.len());
        plan.residual_norms(Slot::Baseline);
        let group = config.layers * config.heads;
        if capacity {
            plan.capacity_grams();
        }
        plan.singular_values(if capacity { 2 * group } else { group });
        plan.steps
    }

    /// The launches that all spectra take on a GPU, and the milliseconds of each in a pass of its own, for the benchmark;
    /// none where it can't tell, or where the spectra are solved here.
    #[doc(hidden)]
    pub async fn time_spectra(&mut self) -> Result<Vec<(Step, Option<f64>)>, EngineError> {
        self.ensure_baseline().await?;
        if self.keep != Keep::Gram {
            return Ok(Vec::new());
        }
        self.prepare_spectra()?;
        let steps = self.spectra_steps(true);
        let Engine::Gpu(gpu) = &mut self.engine else { return Ok(Vec::new()) };
        let times = gpu.time_each(&steps).await?;
        Ok(steps.into_iter().zip(times).collect())
    }

    /// Chooses where the spectra are solved, which the adapter decides otherwise. The tests compare both.
    #[doc(hidden)]
    pub fn solve_on_gpu(&mut self, yes: bool) {
        self.keep = if yes { Keep::Gram } else { Keep::Projections };
        self.streams.remove(&Slot::Baseline);
        self.weights = WeightSpectra::new(Arc::clone(&self.model));
    }
}
