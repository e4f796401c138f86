//! Causal softmax attention: out_i = Σ_{j≤i} softmax_j(scale · q_i·k_j) v_j, with q = z K where a small matrix a head makes
//! the queries (q = u (S − D), or z (J′ + J_sym) for a standard head with part of its routing cut). Flash style: no T×T
//! buffer.

use super::{HeadView, Kernel, add_scaled, store};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub tokens: u32,
    pub heads: u32,
    /// Factor on the scores: 1/√r, or 1/(2√r) on doubled width.
    pub scale: f32,
    /// Number of matrices K, which the heads use in turn; with 0 the queries are there as they are.
    pub kernels: u32,
    /// Of q, or of z. Widths are multiples of 4 and at most [`MAX_WIDTH`].
    pub query: HeadView,
    pub key: HeadView,
    pub value: HeadView,
}

/// Queries a workgroup of the first form.
pub const ROWS: u32 = 8;
/// Queries a thread of the second, and threads a workgroup.
pub const THREAD_ROWS: u32 = 8;
pub const THREADS: u32 = 8;
/// What the first form's named accumulators and its tile of queries hold.
pub const MAX_WIDTH: u32 = 128;

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["queries", "keys", "values", "matrices"];

    fn groups(&self) -> [u32; 3] {
        [self.tokens.div_ceil(ROWS), self.heads, 1]
    }

    fn form_groups(&self, form: usize) -> [u32; 3] {
        match form {
            0 => self.groups(),
            _ => [(self.tokens.div_ceil(THREAD_ROWS) * self.heads).div_ceil(THREADS), 1, 1],
        }
    }

    /// The second would make each query once for every key.
    fn takes_form(&self, form: usize) -> bool {
        form == 0 || self.kernels == 0
    }

    fn output_words(&self) -> usize {
        (self.tokens * self.heads * self.value.width) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [q, k, v, matrices] = inputs else { unreachable!("attention has four inputs") };
        let (heads, width) = (self.heads as usize, self.value.width as usize);
        let (mut scores, mut acc) = (Vec::new(), vec![0f64; width]);
        for h in 0..heads {
            for i in 0..self.tokens as usize {
                let query = self.query.query(q, (self.kernels, matrices), i, h);
                scores.clear();
                let score = |k: &[f32]| query.iter().zip(k).map(|(q, k)| q * f64::from(*k)).sum::<f64>();
                scores.extend((0..=i).map(|j| f64::from(self.scale) * score(self.key.slice(k, j, h))));
                let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut sum = 0.0;
                acc.fill(0.0);
                for (j, g) in scores.iter().enumerate() {
                    let e = (g - top).exp();
                    sum += e;
                    add_scaled(&mut acc, self.value.slice(v, j, h), e);
                }
                store(&mut output[(i * heads + h) * width..][..width], acc.iter().map(|a| a / sum));
            }
        }
    }
}
