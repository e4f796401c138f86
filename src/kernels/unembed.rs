//! Output projection fused with what is wanted of it. Logits = x Eᵀ never leave the workgroup: each slab of
//! the vocabulary gives, a token, one [`RECORD`]-word record that [`super::token_scores`] merges.

use super::{Kernel, dot};

/// Words a record: max logit, Σ exp(logit − max), target logit (−∞ when not in the slab), 0,
/// five largest logits (descending), their five ids, 2 unused.
pub const RECORD: usize = 16;
pub const TOP: usize = 5;
/// "None" for logits: below every real one, and finite, since shaders may assume no infinities.
pub const NONE: f32 = -3.0e38;

/// Vocabulary entries a record sums up.
pub const SLAB: u32 = 128;
/// Tokens a workgroup of each form.
pub const ROWS: [u32; 2] = [64, 64];

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    /// A multiple of 4.
    pub d_model: u32,
    /// Rows of the embedding that are bound, and the id of the first of them, a multiple of [`SLAB`].
    pub vocab: u32,
    pub first_id: u32,
    /// Slabs of the whole vocabulary.
    pub slabs: u32,
    pub pad: [u32; 3],
}

impl Params {
    /// A launch that has the whole embedding bound.
    pub fn whole(rows: u32, d_model: u32, vocab: u32) -> Self {
        Params { rows, d_model, vocab, first_id: 0, slabs: vocab.div_ceil(SLAB), pad: [0; 3] }
    }
}

/// A record under construction: the running maximum, exponential sum and top five.
pub(super) struct Running {
    pub max: f64,
    pub sum: f64,
    pub target: f64,
    pub top: [(f64, f32); TOP],
}

impl Running {
    pub fn new() -> Self {
        let none = f64::from(NONE);
        Running { max: none, sum: 0.0, target: none, top: [(none, 0.0); TOP] }
    }

    /// Adds `count` exponentials' worth of a logit; ties keep the smaller id, which comes first.
    pub fn add_mass(&mut self, max: f64, sum: f64) {
        let top = self.max.max(max);
        self.sum = self.sum * (self.max - top).exp() + sum * (max - top).exp();
        self.max = top;
    }

    pub fn offer(&mut self, logit: f64, id: f32) {
        if let Some(place) = self.top.iter().position(|(other, _)| logit > *other) {
            self.top[place..].rotate_right(1);
            self.top[place] = (logit, id);
        }
    }
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["x", "weight", "targets"];

    fn groups(&self) -> [u32; 3] {
        self.form_groups(0)
    }

    fn form_groups(&self, form: usize) -> [u32; 3] {
        [self.rows.div_ceil(ROWS[form]), self.vocab.div_ceil(SLAB), 1]
    }

    fn output_words(&self) -> usize {
        self.slabs as usize * self.rows as usize * RECORD
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [x, embedding, targets] = inputs else { unreachable!("unembed has three inputs") };
        let (rows, d) = (self.rows as usize, self.d_model as usize);
        let start = self.first_id as usize / SLAB as usize * rows * RECORD;
        let records = self.vocab.div_ceil(SLAB) as usize * rows * RECORD;
        for (n, record) in output[start..][..records].chunks_exact_mut(RECORD).enumerate() {
            let (slab, t) = (n / rows, n % rows);
            let first = slab * SLAB as usize;
            let mut running = Running::new();
            for id in first..(first + SLAB as usize).min(self.vocab as usize) {
                let logit = dot(&x[t * d..][..d], &embedding[id * d..][..d]);
                running.add_mass(logit, 1.0);
                let name = (self.first_id as usize + id) as f32;
                running.offer(logit, name);
                if name == targets[t] {
                    running.target = logit;
                }
            }
            write_record(record, running.max as f32, running.sum as f32, running.target as f32, &running.top);
        }
    }
}

pub(super) fn write_record(record: &mut [f32], a: f32, b: f32, c: f32, top: &[(f64, f32); TOP]) {
    record.fill(0.0);
    record[..3].copy_from_slice(&[a, b, c]);
    for (i, (logit, id)) in top.iter().enumerate() {
        record[4 + i] = *logit as f32;
        record[4 + TOP + i] = *id;
    }
}
