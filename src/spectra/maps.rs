//! One head's scores as whole matrices, for looking at: routing part, filtering part, mixing weights.

use super::RankCuts;
use super::planes::{Plane, planes};
use crate::kernels::linear_attention::ELU1_EPSILON;
use crate::kernels::{chunk_state, dot};
use crate::model::{LayerMode, Model};

/// Rotation planes that are kept of a head's routing.
pub const PLANES: usize = 3;

/// Row-major \[tokens, tokens\]; row i is the query, column j the key.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadMaps {
    /// Which head's, from 0.
    pub layer: usize,
    pub head: usize,
    pub tokens: usize,
    pub mode: LayerMode,
    /// G, unmasked: the sum of the next two.
    pub scores: Vec<f32>,
    /// Skew-symmetric part of G, unmasked.
    pub routing: Vec<f32>,
    /// Symmetric part of G, unmasked.
    pub filtering: Vec<f32>,
    /// Mixing weights of `mode`, causal.
    pub weights: Vec<f32>,
    /// The strongest rotation planes of `routing`, at most [`PLANES`].
    pub planes: Vec<Plane>,
}

impl HeadMaps {
    /// Query and visible key that routing links most strongly; the second token and the first where it links none.
    pub fn strongest_routing(&self) -> (usize, usize) {
        let mut best = ((1, 0), 0.0);
        for query in 1..self.tokens {
            for (key, score) in self.routing[query * self.tokens..][..query].iter().enumerate() {
                if score.abs() > best.1 {
                    best = ((query, key), score.abs());
                }
            }
        }
        best.0
    }

    /// `z` holds the head's score vectors, \[tokens, score width\]: u for S-D, \[q k\] for a standard head.
    pub fn new(model: &Model, cuts: &mut RankCuts, layer: usize, head: usize, mode: LayerMode, z: &[f32]) -> Self {
        let width = model.config.score_width(layer);
        let tokens = z.len() / width;
        let root = (model.config.head_dim[layer] as f64).sqrt();
        let scale = if model.config.is_sd() { 1.0 / root } else { 0.5 / root };
        let routing_matrices = cuts.score_matrices(model, layer, LayerMode::Routing);
        let planes = planes(z, &routing_matrices[head * width * width..][..width * width], scale, PLANES);
        let mut scores = |part: LayerMode| {
            let matrices = cuts.score_matrices(model, layer, part);
            bilinear(z, &matrices[head * width * width..][..width * width], scale)
        };
        let (routing, filtering) = (scores(LayerMode::Routing), scores(LayerMode::Filtering));
        let weights = match mode {
            LayerMode::Off => vec![0.0; tokens * tokens],
            LayerMode::Uniform => causal(&vec![0.0; tokens * tokens], tokens, |row| row.fill(1.0 / row.len() as f64)),
            LayerMode::Linearized => causal(&scores(LayerMode::Softmax), tokens, linearize),
            LayerMode::Elu1 => {
                let matrices = cuts.score_matrices(model, layer, LayerMode::Softmax);
                let matrix = &matrices[head * width * width..][..width * width];
                causal(&elu1_scores(model.config.is_sd(), z, matrix, width), tokens, |row| {
                    let sum: f64 = row.iter().sum::<f64>() + f64::from(ELU1_EPSILON);
                    row.iter_mut().for_each(|w| *w /= sum);
                })
            }
            other => causal(&scores(other), tokens, softmax),
        };
        let whole = routing.iter().zip(&filtering).map(|(r, f)| r + f).collect();
        HeadMaps { layer, head, tokens, mode, scores: whole, routing, filtering, weights, planes }
    }
}

/// scale · Z K Zᵀ.
fn bilinear(z: &[f32], matrix: &[f32], scale: f64) -> Vec<f32> {
    let width = matrix.len().isqrt();
    let queries = product(z, matrix, width);
    let pairs = queries.chunks_exact(width).flat_map(|q| z.chunks_exact(width).map(move |k| dot(q, k)));
    pairs.map(|g| (scale * g) as f32).collect()
}

/// Z K, row by row.
fn product(z: &[f32], matrix: &[f32], width: usize) -> Vec<f32> {
    let entry = |row: &[f32], b: usize| {
        (0..width).map(|a| f64::from(row[a]) * f64::from(matrix[a * width + b])).sum::<f64>() as f32
    };
    z.chunks_exact(width).flat_map(|row| (0..width).map(move |b| entry(row, b))).collect()
}

/// φ(q)·φ(k) of every pair.
fn elu1_scores(sd: bool, z: &[f32], matrix: &[f32], width: usize) -> Vec<f32> {
    let phi = |rows: Vec<f32>| -> Vec<f32> {
        rows.iter().map(|x| chunk_state::feature(chunk_state::ELU1, f64::from(*x)) as f32).collect()
    };
    let half = |second: usize| -> Vec<f32> {
        z.chunks_exact(width).flat_map(|row| row[second * width / 2..][..width / 2].to_vec()).collect()
    };
    let (q, k, width) = match sd {
        true => (phi(product(z, matrix, width)), phi(z.to_vec()), width),
        false => (phi(half(0)), phi(half(1)), width / 2),
    };
    q.chunks_exact(width).flat_map(|q| k.chunks_exact(width).map(move |k| dot(q, k) as f32)).collect()
}

/// Turns the visible scores of each row into weights; the rest is 0.
fn causal(scores: &[f32], tokens: usize, weigh: impl Fn(&mut [f64])) -> Vec<f32> {
    let mut weights = vec![0.0; tokens * tokens];
    for i in 0..tokens {
        let mut row: Vec<f64> = scores[i * tokens..][..=i].iter().map(|g| f64::from(*g)).collect();
        weigh(&mut row);
        for (w, value) in weights[i * tokens..].iter_mut().zip(row) {
            *w = value as f32;
        }
    }
    weights
}

fn softmax(row: &mut [f64]) {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    row.iter_mut().for_each(|g| *g = (*g - top).exp());
    let sum: f64 = row.iter().sum();
    row.iter_mut().for_each(|w| *w /= sum);
}

fn linearize(row: &mut [f64]) {
    let n = row.len() as f64;
    let mean = row.iter().sum::<f64>() / n;
    row.iter_mut().for_each(|g| *g = (1.0 + *g - mean) / n);
}
