//! Models with seeded random weights, for benchmarks, long-context runs and tests of sizes that no shipped
//! checkpoint has.

use super::{Config, Filter, Layer, LayerMode, Linear, Model, Norm, Scores};
use crate::checkpoint::{diagonal, skew};

/// A small, fast generator (SplitMix64): the same weights on every platform.
pub struct Rng(pub u64);

impl Rng {
    /// Uniform in \[−1, 1).
    pub fn next_f32(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// `count` values, uniform in ±`scale`.
    pub fn values(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| scale * self.next_f32()).collect()
    }
}

/// A text of random ids below `vocab`; another `seed`, another text.
pub fn ids(tokens: usize, vocab: usize, seed: u64) -> Vec<u32> {
    let mut rng = Rng(seed);
    (0..tokens).map(|_| ((rng.next_f32() + 1.0) * 0.499 * vocab as f32) as u32).collect()
}

/// A configuration with the same widths in every layer.
pub fn config(
    family: &'static str,
    layers: usize,
    d_model: usize,
    heads: usize,
    vocab: usize,
    context: usize,
) -> Config {
    Config {
        family,
        layers,
        d_model,
        heads,
        head_dim: vec![d_model / heads; layers],
        value_dim: vec![d_model / heads; layers],
        d_ff: 4 * d_model,
        vocab_size: vocab,
        context,
        embed_scale: 1.0,
        norm_epsilon: 1e-5,
        trained: vec![LayerMode::Softmax; layers],
        filter: if family == "sd" { Filter::Diagonal } else { Filter::None },
    }
}

/// Random weights of that configuration, scaled so that activations neither vanish nor explode.
pub fn model(config: Config, seed: u64) -> Model {
    let mut rng = Rng(seed);
    let d = config.d_model;
    let linear = |rng: &mut Rng, out: usize, inner: usize| Linear {
        weight: rng.values(out * inner, (3.0 / inner as f32).sqrt()),
        bias: rng.values(out, 0.1),
    };
    let norm = |rng: &mut Rng| {
        let gain = rng.values(d, 0.2).iter().map(|x| 1.0 + x).collect();
        config.has_norms().then(|| Norm { gain, bias: rng.values(d, 0.1) })
    };
    let token_embedding = rng.values(config.vocab_size * d, 1.0);
    let position_embedding = rng.values(config.context * d, 0.5);
    let layers = (0..config.layers)
        .map(|l| {
            let (h, r, rv) = (config.heads, config.head_dim[l], config.value_dim[l]);
            let scores = if config.is_sd() {
                let a = rng.values(h * r * r, (1.0 / r as f32).sqrt());
                let delta: Vec<f32> = rng.values(h * r, 0.5).iter().map(|x| x - 2.0).collect();
                Scores::SymmetricDefinite {
                    u: linear(&mut rng, h * r, d).weight,
                    s: skew(&a, r),
                    d: diagonal(&delta, r),
                }
            } else {
                Scores::Standard { query: linear(&mut rng, h * r, d), key: linear(&mut rng, h * r, d) }
            };
            Layer {
                attention_norm: norm(&mut rng),
                scores,
                value: linear(&mut rng, h * rv, d),
                output: linear(&mut rng, d, h * rv),
                mlp_norm: norm(&mut rng),
                up: linear(&mut rng, config.d_ff, d),
                down: linear(&mut rng, d, config.d_ff),
            }
        })
        .collect();
    let final_norm = norm(&mut rng);
    Model { config, token_embedding, position_embedding, layers, final_norm, parameters: 0, attention_parameters: 0 }
}
