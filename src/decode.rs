//! A model one token at a time, for continuing a text. Softmax layers keep every token's keys and values; linear
//! ones a state of fixed size; both give the same predictions as a pass over the whole text.
//!
//! One row is too little work for a GPU, so this runs on the CPU, with f64 sums.

use std::sync::Arc;

use crate::kernels::chunk_state::{self, ELU1, IDENTITY};
use crate::kernels::linear_attention::ELU1_EPSILON;
use crate::kernels::matmul::gelu;
use crate::kernels::{Kernel, add_scaled, dot, layer_norm};
use crate::model::{LayerMode, Linear, Model, Norm, projection, score_kernel};
use crate::spectra::RankCuts;

#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DecodeError {
    #[error("{found} layer modes given for {expected} layers")]
    Modes { found: usize, expected: usize },
    #[error("token {id} is not in the model's vocabulary of {vocab}")]
    Token { id: u32, vocab: usize },
    #[error("the model's context of {0} tokens is full")]
    Full(usize),
}

/// One model under one choice of modes, and what it keeps of the tokens read so far.
pub struct Decoder {
    model: Arc<Model>,
    layers: Vec<LayerDecoder>,
    tokens: usize,
    /// Residual stream after the last layer at the newest token, \[d_model\].
    stream: Vec<f32>,
}

struct LayerDecoder {
    mode: LayerMode,
    /// Scores and values as one matrix, as in [`crate::model::Buffer::Projected`].
    projection: Linear,
    /// \[heads, w, w\]: q = z K where queries are made from the shared vectors z.
    matrices: Option<Vec<f32>>,
    kept: Kept,
}

enum Kept {
    Nothing,
    /// \[tokens, heads·key width\] and \[tokens, heads·value width\].
    Tokens {
        keys: Vec<f32>,
        values: Vec<f32>,
    },
    /// A head at a time: Σ φ(k)⊗v \[width, value width\], Σ v, Σ φ(k).
    Sums(Vec<f64>),
}

/// Where a head's vectors lie in a projected row, and the factor on its scores.
struct HeadShape {
    width: usize,
    value_width: usize,
    /// Of the score vectors: the whole of z, or q and k side by side.
    score_width: usize,
    scale: f64,
}

impl Decoder {
    /// # Errors
    /// [`DecodeError::Modes`] unless there is one mode a layer.
    pub fn new(model: Arc<Model>, modes: &[LayerMode]) -> Result<Self, DecodeError> {
        let config = &model.config;
        if modes.len() != config.layers {
            return Err(DecodeError::Modes { found: modes.len(), expected: config.layers });
        }
        let mut cuts = RankCuts::default();
        let layers = modes.iter().enumerate().map(|(l, mode)| LayerDecoder {
            mode: *mode,
            projection: projection(config, &model.layers[l], l),
            matrices: score_kernel(config, *mode).map(|kernel| cuts.score_matrices(&model, l, kernel)),
            kept: match mode {
                LayerMode::Off => Kept::Nothing,
                LayerMode::Linearized | LayerMode::Elu1 | LayerMode::Uniform => {
                    let shape = shape(&model, l, *mode);
                    Kept::Sums(vec![0.0; config.heads * state_words(&shape)])
                }
                _ => Kept::Tokens { keys: Vec::new(), values: Vec::new() },
            },
        });
        let layers = layers.collect();
        Ok(Decoder { layers, tokens: 0, stream: Vec::new(), model })
    }

    /// Tokens read so far.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Numbers kept of the tokens read so far: grows with them in softmax layers, is constant in linear ones.
    pub fn kept_numbers(&self) -> usize {
        let count = |layer: &LayerDecoder| match &layer.kept {
            Kept::Nothing => 0,
            Kept::Tokens { keys, values } => keys.len() + values.len(),
            Kept::Sums(sums) => sums.len(),
        };
        self.layers.iter().map(count).sum()
    }

    /// Reads the next token.
    ///
    /// # Errors
    /// A token outside the vocabulary, or one more than the context holds; the state is then as before.
    pub fn push(&mut self, id: u32) -> Result<(), DecodeError> {
        let model = Arc::clone(&self.model);
        let config = &model.config;
        let d = config.d_model;
        if id as usize >= config.vocab_size {
            return Err(DecodeError::Token { id, vocab: config.vocab_size });
        }
        if self.tokens >= config.context {
            return Err(DecodeError::Full(config.context));
        }
        let token = &model.token_embedding[id as usize * d..][..d];
        let position = &model.position_embedding[self.tokens * d..][..d];
        let mut x: Vec<f32> = token.iter().zip(position).map(|(t, p)| config.embed_scale * (t + p)).collect();
        for (l, state) in self.layers.iter_mut().enumerate() {
            let layer = &model.layers[l];
            if state.mode != LayerMode::Off {
                let normed = norm(&x, &layer.attention_norm, config.norm_epsilon);
                let attended = state.attend(&model, l, &linear(&normed, &state.projection), self.tokens);
                add(&mut x, &linear(&attended, &layer.output));
            }
            let mut hidden = linear(&norm(&x, &layer.mlp_norm, config.norm_epsilon), &layer.up);
            hidden.iter_mut().for_each(|h| *h = gelu(f64::from(*h)) as f32);
            add(&mut x, &linear(&hidden, &layer.down));
        }
        self.tokens += 1;
        self.stream = x;
        Ok(())
    }

    /// Logits of the next token, \[vocab_size\]; empty before the first token. Not finite where the run overflowed.
    pub fn logits(&self) -> Vec<f64> {
        if self.tokens == 0 {
            return Vec::new();
        }
        let x = norm(&self.stream, &self.model.final_norm, self.model.config.norm_epsilon);
        self.model.token_embedding.chunks_exact(x.len()).map(|row| dot(row, &x)).collect()
    }
}

/// Loss of a token under logits, in nats: log Σ exp(logits) − logits\[id\]. Not a number where there are no logits.
pub fn loss(logits: &[f64], id: u32) -> f64 {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|l| (l - top).exp()).sum();
    top + sum.ln() - logits.get(id as usize).copied().unwrap_or(f64::NAN)
}

impl LayerDecoder {
    /// One projected row → the layer's attended values, \[heads·value width\]. `before` tokens were read already.
    fn attend(&mut self, model: &Model, layer: usize, projected: &[f32], before: usize) -> Vec<f32> {
        let (heads, shape) = (model.config.heads, shape(model, layer, self.mode));
        let (scores, values) = projected.split_at(heads * shape.score_width);
        let mut out = vec![0f32; heads * shape.value_width];
        for h in 0..heads {
            let z = &scores[h * shape.score_width..][..shape.score_width];
            let made;
            let (query, key) = match &self.matrices {
                Some(all) => {
                    made = row_times(z, &all[h * z.len() * z.len()..][..z.len() * z.len()]);
                    (made.as_slice(), z)
                }
                None => (&z[..shape.width], &z[z.len() - shape.width..]),
            };
            let value = &values[h * shape.value_width..][..shape.value_width];
            let row = match &mut self.kept {
                Kept::Nothing => continue,
                Kept::Tokens { keys, values } => {
                    keys.extend_from_slice(key);
                    values.extend_from_slice(value);
                    softmax_row(query, keys, values, (h, heads), &shape)
                }
                Kept::Sums(all) => {
                    let words = state_words(&shape);
                    let feature = if self.mode == LayerMode::Elu1 { ELU1 } else { IDENTITY };
                    linear_row(query, key, value, &mut all[h * words..][..words], before + 1, feature, shape.scale)
                }
            };
            out[h * shape.value_width..].iter_mut().zip(row).for_each(|(o, x)| *o = x as f32);
        }
        out
    }
}

/// As the plan lays them out: see `Plan::heads`.
fn shape(model: &Model, layer: usize, mode: LayerMode) -> HeadShape {
    let config = &model.config;
    let (r, score_width) = (config.head_dim[layer], config.score_width(layer));
    let whole = score_kernel(config, mode).is_some();
    let width = match mode {
        LayerMode::Uniform => 0,
        _ if whole => score_width,
        _ => r,
    };
    let half = if whole && !config.is_sd() { 0.5 } else { 1.0 };
    HeadShape { width, value_width: config.value_dim[layer], score_width, scale: half / (r as f64).sqrt() }
}

fn state_words(shape: &HeadShape) -> usize {
    (shape.width + 1) * shape.value_width + shape.width
}

/// softmax of the newest token's scores times the values. Keys and values of a token's heads lie side by side, the
/// newest token's up to this head.
fn softmax_row(query: &[f32], keys: &[f32], values: &[f32], head: (usize, usize), shape: &HeadShape) -> Vec<f64> {
    let (h, heads) = head;
    let rows = |data, width| <[f32]>::chunks(data, heads * width).map(move |row| &row[h * width..][..width]);
    let scores: Vec<f64> = rows(keys, shape.width).map(|key| shape.scale * dot(query, key)).collect();
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut out) = (0.0, vec![0f64; shape.value_width]);
    for (score, value) in scores.iter().zip(rows(values, shape.value_width)) {
        let weight = (score - top).exp();
        sum += weight;
        add_scaled(&mut out, value, weight);
    }
    out.iter_mut().for_each(|o| *o /= sum);
    out
}

/// Takes a token into a head's sums and gives its row: the formulas of `kernels::linear_attention`.
fn linear_row(
    query: &[f32],
    key: &[f32],
    value: &[f32],
    sums: &mut [f64],
    n: usize,
    feature: u32,
    scale: f64,
) -> Vec<f64> {
    let (w, vw) = (key.len(), value.len());
    for (a, k) in key.iter().enumerate() {
        let k = chunk_state::feature(feature, f64::from(*k));
        add_scaled(&mut sums[a * vw..][..vw], value, k);
        sums[(w + 1) * vw + a] += k;
    }
    add_scaled(&mut sums[w * vw..][..vw], value, 1.0);
    let (mut mass, mut out) = (0.0, vec![0f64; vw]);
    for (a, q) in query.iter().enumerate() {
        let q = chunk_state::feature(feature, f64::from(*q));
        mass += q * sums[(w + 1) * vw + a];
        out.iter_mut().zip(&sums[a * vw..]).for_each(|(o, s)| *o += q * s);
    }
    let n = n as f64;
    for (o, sum) in out.iter_mut().zip(&sums[w * vw..]) {
        *o = match feature {
            ELU1 => *o / (mass + f64::from(ELU1_EPSILON)),
            _ => (sum + scale * *o - scale * mass * sum / n) / n,
        };
    }
    out
}

fn linear(x: &[f32], weights: &Linear) -> Vec<f32> {
    let rows = weights.weight.chunks_exact(x.len()).zip(&weights.bias);
    rows.map(|(row, bias)| (dot(row, x) + f64::from(*bias)) as f32).collect()
}

/// z K for one row z.
fn row_times(z: &[f32], matrix: &[f32]) -> Vec<f32> {
    let mut out = vec![0f64; z.len()];
    for (x, row) in z.iter().zip(matrix.chunks_exact(z.len())) {
        add_scaled(&mut out, row, f64::from(*x));
    }
    out.iter().map(|x| *x as f32).collect()
}

fn norm(x: &[f32], norm: &Option<Norm>, epsilon: f32) -> Vec<f32> {
    let Some(norm) = norm else { return x.to_vec() };
    let mut out = vec![0.0; x.len()];
    let params = layer_norm::Params { rows: 1, d_model: x.len() as u32, epsilon, pad: 0 };
    params.reference(&[x, &norm.gain, &norm.bias], &mut out);
    out
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}
