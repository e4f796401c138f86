//! A head's maps agree with the spectra, with each other and with the modes' definitions.

use std::sync::Arc;

use cascade::engine::{Engine, Session};
use cascade::model::{LayerMode, random};

const TOKENS: usize = 21;

fn session(family: &'static str) -> Session {
    let model = random::model(random::config(family, 2, 24, 2, 50, 32), 5);
    let mut session = Session::new(Engine::cpu(), Arc::new(model)).unwrap();
    session.set_tokens(&(0..TOKENS as u32).map(|t| t * 7 % 50).collect::<Vec<_>>()).unwrap();
    session
}

/// f32 storage of values of size 1.
#[track_caller]
fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} and {b} differ");
}

fn energy(values: &[f32]) -> f64 {
    values.iter().map(|x| f64::from(*x).powi(2)).sum()
}

#[test]
fn parts_are_skew_and_symmetric_and_agree_with_the_spectra() {
    for family in ["sd", "gpt2"] {
        let mut session = session(family);
        let spectra = pollster::block_on(session.spectra()).unwrap();
        for (layer, head) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let maps = pollster::block_on(session.head_maps(layer, head, LayerMode::Softmax)).unwrap();
            for (i, j) in (0..TOKENS).flat_map(|i| (0..TOKENS).map(move |j| (i, j))) {
                let at = |values: &[f32], i: usize, j: usize| f64::from(values[i * TOKENS + j]);
                near(at(&maps.routing, i, j), -at(&maps.routing, j, i));
                near(at(&maps.filtering, i, j), at(&maps.filtering, j, i));
            }
            let (routing, filtering) = (energy(&maps.routing), energy(&maps.filtering));
            near(routing / (routing + filtering), spectra[layer].heads[head].operating.routing_fraction());
        }
    }
}

#[test]
fn weights_follow_their_definitions() {
    for family in ["sd", "gpt2"] {
        let mut session = session(family);
        let mut maps = |mode| pollster::block_on(session.head_maps(1, 1, mode)).unwrap();
        let whole = maps(LayerMode::Softmax);
        let score = |i: usize, j: usize| f64::from(whole.routing[i * TOKENS + j] + whole.filtering[i * TOKENS + j]);
        let linear = maps(LayerMode::Linearized);
        for i in 0..TOKENS {
            let n = (i + 1) as f64;
            let sum: f64 = (0..=i).map(|j| score(i, j).exp()).sum();
            let mean = (0..=i).map(|j| score(i, j)).sum::<f64>() / n;
            for j in 0..TOKENS {
                let seen = j <= i;
                near(f64::from(whole.weights[i * TOKENS + j]), if seen { score(i, j).exp() / sum } else { 0.0 });
                let first_order = (1.0 + score(i, j) - mean) / n;
                near(f64::from(linear.weights[i * TOKENS + j]), if seen { first_order } else { 0.0 });
            }
        }
        for mode in [LayerMode::Elu1, LayerMode::Uniform, LayerMode::Routing, LayerMode::Rank(2)] {
            for row in maps(mode).weights.chunks_exact(TOKENS) {
                near(row.iter().map(|w| f64::from(*w)).sum(), 1.0);
            }
        }
        assert_eq!(maps(LayerMode::Rank(0)).weights, maps(LayerMode::Filtering).weights);
        assert_eq!(maps(LayerMode::Rank(512)).weights, whole.weights);
        assert!(maps(LayerMode::Off).weights.iter().all(|w| *w == 0.0));
    }
}
