//! The explorer's engine as the page runs it, without the page: what `benches/browser/page/cascade.mjs` calls.

use std::sync::Arc;

use cascade::checkpoint;
use cascade::engine::{Engine, Gpu, Session, Timing};
use cascade::kernels::Weights;
use cascade::model::{Config, Model, Slot, parse_modes, random};
use cascade::spectra::HeadSpectra;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Where sessions run; opened once.
#[wasm_bindgen]
pub struct Adapter(Option<Gpu>);

#[wasm_bindgen]
impl Adapter {
    /// The WebGPU adapter, with every kernel compiled.
    pub async fn gpu() -> Result<Adapter, JsError> {
        Ok(Adapter(Some(Gpu::request().await?)))
    }

    /// The CPU engine.
    pub fn cpu() -> Adapter {
        Adapter(None)
    }

    /// The adapter's name.
    pub fn name(&self) -> String {
        self.engine().adapter()
    }

    /// The forms of kernels that were chosen for the adapter, for the record.
    pub fn forms(&self) -> String {
        let name = |(kernel, form, weights): (&str, String, Weights)| match weights {
            Weights::F32 => format!("{kernel}: {form}"),
            _ => format!("{kernel}: {form} ({} weights)", weights.name()),
        };
        self.engine().facts().forms.into_iter().map(name).collect::<Vec<_>>().join("; ")
    }

    /// What they were chosen by, in microseconds a launch.
    pub fn timings(&self) -> String {
        let time = |t: Timing| format!("{} {} ({}) {:.1}", t.kernel, t.form, t.weights.name(), t.ms * 1e3);
        self.engine().facts().timings.into_iter().map(time).collect::<Vec<_>>().join("; ")
    }

    fn engine(&self) -> Engine {
        self.0.as_ref().map_or_else(Engine::cpu, Engine::gpu)
    }
}

/// A model on an adapter.
#[wasm_bindgen]
pub struct Bench {
    session: Session,
    /// Milliseconds that the device spent on the last run, where it can tell.
    gpu_ms: Option<f64>,
}

#[wasm_bindgen]
impl Bench {
    /// A checkpoint from its two files.
    pub fn load(adapter: &Adapter, config: &[u8], weights: &[u8]) -> Result<Bench, JsError> {
        let model = checkpoint::read(config, weights)?;
        Bench::of(adapter, model)
    }

    /// One random layer with next to no MLP and vocabulary around its attention.
    pub fn attention(adapter: &Adapter, context: usize) -> Result<Bench, JsError> {
        let config = Config { d_ff: 4, ..random::config("sd", 1, 64, 2, 8, context) };
        Bench::of(adapter, random::model(config, 1))
    }

    fn of(adapter: &Adapter, model: Model) -> Result<Bench, JsError> {
        Ok(Bench { session: Session::new(adapter.engine(), Arc::new(model))?, gpu_ms: None })
    }

    /// Sets the text; forgets all runs on the one before, unless it is the same.
    pub fn set_text(&mut self, ids: &[u32]) -> Result<(), JsError> {
        Ok(self.session.set_tokens(ids)?)
    }

    /// A text of random ids; another seed, another text.
    pub fn random_text(&mut self, tokens: usize, seed: u32) -> Result<(), JsError> {
        let vocab = self.session.model().config.vocab_size;
        self.set_text(&random::ids(tokens, vocab, seed.into()))
    }

    /// Runs the model in the `baseline` or the `modified` slot with these modes (`linearized*2,softmax*10`, or
    /// `trained`); the loss of each token but the last, in nats.
    pub async fn run(&mut self, slot: &str, modes: &str) -> Result<Vec<f64>, JsError> {
        let slot = match slot {
            "baseline" => Slot::Baseline,
            "modified" => Slot::Modified,
            other => return Err(JsError::new(&format!("`{other}` is not a slot"))),
        };
        let trained = self.session.model().config.trained.clone();
        let modes = if modes == "trained" { trained } else { parse_modes(modes, &trained)? };
        let run = self.session.run(slot, &modes).await?;
        self.gpu_ms = run.gpu_ms;
        Ok(run.scores.iter().filter_map(|score| score.nll).collect())
    }

    /// Milliseconds that the device itself spent on the last run, where it can tell.
    pub fn gpu_ms(&self) -> Option<f64> {
        self.gpu_ms
    }

    /// Forgets what the weights alone decide, and the baseline: the next spectra are computed as for a new model.
    pub fn forget_spectra(&mut self) {
        self.session.solve_on_gpu(self.session.solves_on_gpu());
    }

    /// Singular values of every head on the baseline, descending: operating routing and filtering, capacity
    /// routing and filtering; each for all layers and heads.
    pub async fn spectra(&mut self) -> Result<Vec<f64>, JsError> {
        let layers = self.session.spectra().await?;
        let kinds: [fn(&HeadSpectra) -> &[f64]; 4] = [
            |head| &head.operating.routing,
            |head| &head.operating.filtering,
            |head| &head.capacity().routing,
            |head| &head.capacity().filtering,
        ];
        let heads: Vec<&HeadSpectra> = layers.iter().flat_map(|layer| &layer.heads).collect();
        let parts: Vec<&[f64]> = kinds.iter().flat_map(|values| heads.iter().map(|head| values(head))).collect();
        Ok(parts.concat())
    }
}
