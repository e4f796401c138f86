//! The engine on this device against a plain implementation: the decoder, which reads one token at a time with f64
//! sums and shares no kernel with the engines.

use std::sync::Arc;

use web_time::Instant;

use crate::decode::{Decoder, loss};
use crate::engine::{Engine, EngineError, LayerSpectra, Run, Session, breathe};
use crate::model::random::{Rng, config, model};
use crate::model::{LayerMode, Model, Slot};

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub what: String,
    /// Largest difference found.
    pub largest: f64,
    pub tolerance: f64,
}

impl Check {
    /// A difference that is no number fails.
    pub fn passed(&self) -> bool {
        self.largest <= self.tolerance
    }
}

/// Losses in f32 against losses with f64 sums, relative to 1 + the loss.
const LOSSES: f64 = 2e-5;
/// On a trained model, whose streams are larger.
const TRAINED_LOSSES: f64 = 1e-4;
/// Singular values of a skew matrix come in pairs; solved in f32, relative to the largest.
const PAIRS: f64 = 1e-6;

const MODES: [LayerMode; 8] = [
    LayerMode::Softmax,
    LayerMode::Linearized,
    LayerMode::Elu1,
    LayerMode::Uniform,
    LayerMode::Routing,
    LayerMode::Filtering,
    LayerMode::Rank(4),
    LayerMode::Off,
];

/// More than a chunk of the linear modes, and no multiple of any tile.
const TOKENS: usize = 77;
const SLICE_MS: u128 = 24;

/// Every mode on small random models of both families, told to `done` as they come. `go_on` is asked between them.
pub async fn every_mode(
    engine: impl Fn() -> Engine,
    mut done: impl FnMut(Check),
    go_on: impl Fn() -> bool,
) -> Result<(), EngineError> {
    let models = ["sd", "gpt2"].map(|family| Arc::new(model(config(family, 2, 24, 3, 40, TOKENS + 3), 5)));
    let mut rng = Rng(3);
    let ids: Vec<u32> = (0..TOKENS).map(|_| ((rng.next_f32() + 1.0) * 19.9) as u32).collect();
    let mut sessions = Vec::new();
    for model in &models {
        let mut session = Session::new(engine(), Arc::clone(model))?;
        session.set_tokens(&ids)?;
        sessions.push(session);
    }
    for mode in MODES {
        let mut largest = 0f64;
        for (session, model) in sessions.iter_mut().zip(&models) {
            let modes = [mode; 2];
            let run = session.run(Slot::Modified, &modes).await?;
            largest = worst(largest, distance(&run, &plain_losses(model, &modes, &ids).await));
        }
        done(Check { what: mode.to_string(), largest, tolerance: LOSSES });
        breathe().await;
        if !go_on() {
            return Ok(());
        }
    }
    Ok(())
}

/// The run on screen, and what must hold of the spectra.
pub async fn on_screen(
    model: &Arc<Model>,
    ids: &[u32],
    run: &Run,
    spectra: Option<&[LayerSpectra]>,
    mut done: impl FnMut(Check),
) {
    let largest = distance(run, &plain_losses(model, &run.modes, ids).await);
    done(Check { what: format!("this model on this text, {} tokens", ids.len()), largest, tolerance: TRAINED_LOSSES });
    let Some(spectra) = spectra else { return };
    let heads = || spectra.iter().flat_map(|layer| &layer.heads);
    let pairs = heads().flat_map(|h| [h.operating.pair_error(), h.capacity().pair_error()]).fold(0.0, worst);
    done(Check { what: "routing’s singular values come in pairs".into(), largest: pairs, tolerance: PAIRS });
    if model.config.is_sd() {
        let largest = heads().map(|h| h.weights().max_re_eig).fold(0.0, worst);
        done(Check { what: "no eigenvalue with a positive real part".into(), largest, tolerance: 1e-9 });
    }
}

/// Losses of the decoder, in slices, so that the page stays awake.
async fn plain_losses(model: &Arc<Model>, modes: &[LayerMode], ids: &[u32]) -> Vec<f64> {
    let Ok(mut decoder) = Decoder::new(Arc::clone(model), modes) else { return Vec::new() };
    let mut losses = Vec::with_capacity(ids.len());
    let mut last = Instant::now();
    for pair in ids.windows(2) {
        if decoder.push(pair[0]).is_err() {
            return Vec::new();
        }
        losses.push(loss(&decoder.logits(), pair[1]));
        if last.elapsed().as_millis() > SLICE_MS {
            breathe().await;
            last = Instant::now();
        }
    }
    losses
}

/// Largest difference relative to 1 + the loss; infinite where the two cannot be compared.
fn distance(run: &Run, plain: &[f64]) -> f64 {
    let found: Vec<f64> = run.scores.iter().filter_map(|s| s.nll).collect();
    if found.len() != plain.len() {
        return f64::INFINITY;
    }
    found.iter().zip(plain).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, worst)
}

/// The larger of the two; what is no number is the worst.
fn worst(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::INFINITY } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_engine_passes_and_a_wrong_loss_does_not() {
        let mut checks = Vec::new();
        pollster::block_on(every_mode(Engine::cpu, |check| checks.push(check), || true)).unwrap();
        assert_eq!(checks.len(), MODES.len());
        for check in &checks {
            assert!(check.passed(), "{}: {:e}", check.what, check.largest);
        }
        let model = Arc::new(model(config("sd", 2, 24, 3, 40, 80), 5));
        let ids: Vec<u32> = (0..40).collect();
        let mut session = Session::new(Engine::cpu(), Arc::clone(&model)).unwrap();
        session.set_tokens(&ids).unwrap();
        let mut run = pollster::block_on(session.run(Slot::Baseline, &[LayerMode::Softmax; 2])).unwrap();
        let spectra = pollster::block_on(session.spectra()).unwrap();
        let outcome = |run: &Run| {
            let mut checks = Vec::new();
            pollster::block_on(on_screen(&model, &ids, run, Some(&spectra), |check| checks.push(check)));
            checks
        };
        assert!(outcome(&run).iter().all(Check::passed) && outcome(&run).len() == 3);
        run.scores[7].nll = run.scores[7].nll.map(|nll| nll + 1e-3);
        assert!(!outcome(&run)[0].passed());
        run.scores[7].nll = Some(f64::NAN);
        assert!(!outcome(&run)[0].passed());
    }
}
