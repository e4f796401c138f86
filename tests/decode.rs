//! The decoder against whole passes of the CPU engine: the same losses, in every mode, in both families.

use std::sync::Arc;

use cascade::decode::{DecodeError, Decoder, loss};
use cascade::engine::{Engine, Session};
use cascade::model::random::{Rng, config, model};
use cascade::model::{LayerMode, Model, Slot};

const MODES: [LayerMode; 9] = [
    LayerMode::Softmax,
    LayerMode::Linearized,
    LayerMode::Elu1,
    LayerMode::Uniform,
    LayerMode::Routing,
    LayerMode::Filtering,
    LayerMode::Rank(2),
    LayerMode::Rank(4),
    LayerMode::Off,
];

fn tiny(family: &'static str, layers: usize) -> Arc<Model> {
    Arc::new(model(config(family, layers, 24, 3, 40, 80), 5))
}

/// Losses of the text's tokens, one at a time.
fn decoded(model: &Arc<Model>, modes: &[LayerMode], ids: &[u32]) -> Vec<f64> {
    let mut decoder = Decoder::new(Arc::clone(model), modes).unwrap();
    let pairs = ids.windows(2).map(|pair| {
        decoder.push(pair[0]).unwrap();
        loss(&decoder.logits(), pair[1])
    });
    pairs.collect()
}

fn whole(model: &Arc<Model>, modes: &[LayerMode], ids: &[u32]) -> Vec<f64> {
    let mut session = Session::new(Engine::cpu(), Arc::clone(model)).unwrap();
    session.set_tokens(ids).unwrap();
    let run = pollster::block_on(session.run(Slot::Modified, modes)).unwrap();
    run.scores.iter().filter_map(|s| s.nll).collect()
}

fn assert_same(model: &Arc<Model>, modes: &[LayerMode], ids: &[u32]) {
    let (one, all) = (decoded(model, modes, ids), whole(model, modes, ids));
    assert_eq!(one.len(), all.len());
    for (i, (a, b)) in one.iter().zip(&all).enumerate() {
        // f64 sums against f32 ones.
        assert!((a - b).abs() < 2e-4 + 1e-5 * b.abs(), "{modes:?}, token {i}: {a} and {b}");
    }
}

#[test]
fn every_mode_gives_the_losses_of_a_whole_pass() {
    let mut rng = Rng(3);
    let ids: Vec<u32> = (0..77).map(|_| ((rng.next_f32() + 1.0) * 19.9) as u32).collect();
    for family in ["sd", "gpt2"] {
        // Two layers: in more, random models without norms amplify every rounding.
        let model = tiny(family, 2);
        for mode in MODES {
            assert_same(&model, &[mode; 2], &ids);
        }
        for pair in MODES.windows(2) {
            assert_same(&model, pair, &ids);
        }
    }
}

#[test]
fn the_shipped_models_continue_as_they_read() {
    let file = |name: &str| std::fs::read(format!("{}/assets/checkpoints/sd-6m/{name}", env!("CARGO_MANIFEST_DIR")));
    let (config, weights) = (file("config.json").unwrap(), file("model.safetensors").unwrap());
    let model = Arc::new(cascade::checkpoint::read(&config, &weights).unwrap());
    let ids: Vec<u32> = (0..24).map(|i| (i * 389) % 4096).collect();
    let modes = cascade::model::parse_modes("linearized*7,softmax*4,rank8", &model.config.trained).unwrap();
    assert_same(&model, &modes, &ids);
}

#[test]
fn linear_layers_keep_a_fixed_amount_and_softmax_layers_grow() {
    let model = tiny("sd", MODES.len());
    let kept = |mode: LayerMode, tokens: usize| {
        let mut decoder = Decoder::new(Arc::clone(&model), &[mode; MODES.len()]).unwrap();
        (0..tokens).for_each(|i| decoder.push(i as u32 % 40).unwrap());
        decoder.kept_numbers()
    };
    assert_eq!(kept(LayerMode::Softmax, 20), 2 * kept(LayerMode::Softmax, 10));
    assert_eq!(kept(LayerMode::Softmax, 10), MODES.len() * 10 * 2 * 24);
    for mode in [LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform] {
        assert_eq!(kept(mode, 20), kept(mode, 1), "{mode}");
    }
    assert_eq!(kept(LayerMode::Off, 20), 0);
}

#[test]
fn refuses_what_it_cannot_read() {
    let model = tiny("gpt2", MODES.len());
    assert!(matches!(
        Decoder::new(Arc::clone(&model), &MODES[..2]).err(),
        Some(DecodeError::Modes { found: 2, expected: 9 })
    ));
    let mut decoder = Decoder::new(Arc::clone(&model), &MODES).unwrap();
    assert!(decoder.logits().is_empty());
    assert_eq!(decoder.push(40), Err(DecodeError::Token { id: 40, vocab: 40 }));
    (0..80).for_each(|i| decoder.push(i % 40).unwrap());
    assert_eq!(decoder.push(0), Err(DecodeError::Full(80)));
    assert_eq!(decoder.tokens(), 80);
}
