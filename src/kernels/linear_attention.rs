//! Linear modes, step 3: the output from the state before the chunk and the visible tokens inside it, with q = z K
//! where a small matrix a head makes the queries, as in [`super::attention`].
//!
//! - linearized: w_ij = (1 + G_ij − mean_{j'≤i} G_ij′)/n_i, G = scale · q·k. With the sums over j ≤ i,
//!   out_i = (Σv + scale·(q·Σk⊗v) − scale·(q·Σk)·Σv/n)/n. Width 0 leaves Σv/n: uniform averaging.
//! - elu1: out_i = φ(q)·Σφ(k)⊗v / (φ(q)·Σφ(k) + 10⁻⁶), no scale.

use super::attention::{THREAD_ROWS, THREADS};
use super::chunk_state::{CHUNK, ELU1, IDENTITY, feature, state_words};
use super::{HeadView, Kernel, add_scaled, store};

/// Keeps the elu1 denominator away from zero.
pub const ELU1_EPSILON: f32 = 1e-6;

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub tokens: u32,
    pub heads: u32,
    /// [`IDENTITY`] (linearized, uniform) or [`ELU1`].
    pub feature: u32,
    /// Factor on the scores of linearized; unused by elu1.
    pub scale: f32,
    /// [`ELU1_EPSILON`].
    pub epsilon: f32,
    /// Number of matrices K, which the heads use in turn; with 0 the queries are there as they are.
    pub kernels: u32,
    pub pad: [u32; 2],
    /// Of q, or of z.
    pub query: HeadView,
    pub key: HeadView,
    pub value: HeadView,
}

/// Queries a workgroup of the first form; divides [`CHUNK`], as does what a thread of the others takes.
pub const ROWS: u32 = 16;

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["queries", "keys", "values", "prefixes", "matrices"];

    fn groups(&self) -> [u32; 3] {
        [self.tokens.div_ceil(ROWS), self.heads, 1]
    }

    fn form_groups(&self, form: usize) -> [u32; 3] {
        match form {
            0 => self.groups(),
            _ => [(self.tokens.div_ceil(THREAD_ROWS) * self.heads).div_ceil(THREADS), 1, 1],
        }
    }

    /// All but the first would make each query several times, and the last leaves φ out.
    fn takes_form(&self, form: usize) -> bool {
        form == 0 || (self.kernels == 0 && (form == 1 || self.feature == IDENTITY))
    }

    fn output_words(&self) -> usize {
        (self.tokens * self.heads * self.value.width) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [queries, keys, values, states, matrices] = inputs else { unreachable!("linear_attention has five inputs") };
        let (w, vw, heads) = (self.key.width as usize, self.value.width as usize, self.heads as usize);
        let words = state_words(self.key.width, self.value.width) as usize;
        let mut state = vec![0f64; words];
        let mut out = vec![0f64; vw];
        for h in 0..heads {
            for i in 0..self.tokens as usize {
                if i % CHUNK as usize == 0 {
                    let before = &states[(i / CHUNK as usize * heads + h) * words..][..words];
                    state.iter_mut().zip(before).for_each(|(s, b)| *s = f64::from(*b));
                }
                let v = self.value.slice(values, i, h);
                for (a, k) in self.key.slice(keys, i, h).iter().enumerate() {
                    let k = feature(self.feature, f64::from(*k));
                    add_scaled(&mut state[a * vw..][..vw], v, k);
                    state[(w + 1) * vw + a] += k;
                }
                add_scaled(&mut state[w * vw..][..vw], v, 1.0);

                out.fill(0.0);
                let mut mass = 0.0;
                let query = self.query.query(queries, (self.kernels, matrices), i, h);
                for (a, q) in query.into_iter().enumerate() {
                    let q = feature(self.feature, q);
                    mass += q * state[(w + 1) * vw + a];
                    out.iter_mut().zip(&state[a * vw..]).for_each(|(o, s)| *o += q * s);
                }
                let value_sum = &state[w * vw..][..vw];
                let n = (i + 1) as f64;
                let scale = f64::from(self.scale);
                let row = out.iter().zip(value_sum).map(|(kv, sum)| match self.feature {
                    ELU1 => kv / (mass + f64::from(self.epsilon)),
                    _ => (sum + scale * kv - scale * mass * sum / n) / n,
                });
                store(&mut output[(i * heads + h) * vw..][..vw], row);
            }
        }
    }
}
