//! The skew part (B − Bᵀ)/2 and the symmetric part (B + Bᵀ)/2 of a batch of matrices, brought to tridiagonal form by
//! Householder reflections from both sides, which leave singular values as they are. All as pairs of f32
//! ([`super::double`]).

use super::{Kernel, double};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    /// Matrices B; twice as many come out.
    pub batch: u32,
    /// Side of each matrix, a multiple of 8, at most [`super::cholesky::MAX_SIDE`].
    pub n: u32,
    /// 0.
    pub zero: u32,
    pub pad: [u32; 1],
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["congruent"];

    fn groups(&self) -> [u32; 3] {
        [2 * self.batch, 1, 1]
    }

    /// \[2, batch, n + 2, n\] pairs, skew parts first: n rows that are of no use to others, the diagonal, and what
    /// stands beside it, one less and then a 0.
    fn output_words(&self) -> usize {
        (2 * 2 * self.batch * (self.n + 2) * self.n) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let n = self.n as usize;
        let (skew, symmetric) = output.split_at_mut(output.len() / 2);
        for (sign, outputs) in [(-1.0, skew), (1.0, symmetric)] {
            for (b, out) in inputs[0].chunks_exact(2 * n * n).zip(outputs.chunks_exact_mut(2 * (n + 2) * n)) {
                let b = double::values(b);
                let part = (0..n * n).map(|e| (b[e] + sign * b[e % n * n + e / n]) / 2.0).collect();
                let (diagonal, off) = tridiagonal(part, n, sign);
                out[..2 * n * n].fill(0.0);
                double::store(&mut out[2 * n * n..], diagonal.into_iter().chain(off));
            }
        }
    }
}

/// The diagonal of a matrix with Aᵀ = sign · A after reflections from both sides, and what stands beside it (one
/// less, then a 0).
pub fn tridiagonal(mut a: Vec<f64>, n: usize, sign: f64) -> (Vec<f64>, Vec<f64>) {
    let mut off = vec![0.0; n];
    let (mut v, mut w) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n.saturating_sub(1) {
        (k + 1..n).for_each(|i| v[i] = a[i * n + k]);
        let norm = v[k + 1..].iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        off[k] = -norm.copysign(v[k + 1]);
        v[k + 1] -= off[k];
        let beta = -1.0 / (off[k] * v[k + 1]);
        // w = β A v = ± β Aᵀ v, less its share along v; a skew matrix has none. A sum of rows is quicker than a dot
        // product a row, each of whose additions waits for the last.
        w[k + 1..].fill(0.0);
        for i in k + 1..n {
            let (row, factor) = (&a[i * n + k + 1..i * n + n], sign * beta * v[i]);
            w[k + 1..].iter_mut().zip(row).for_each(|(w, a)| *w += factor * a);
        }
        if sign > 0.0 {
            let half = beta / 2.0 * (k + 1..n).map(|i| w[i] * v[i]).sum::<f64>();
            (k + 1..n).for_each(|i| w[i] -= half * v[i]);
        }
        for i in k + 1..n {
            let (vi, wi) = (sign * v[i], w[i]);
            let row = a[i * n + k + 1..i * n + n].iter_mut();
            row.zip(w[k + 1..].iter().zip(&v[k + 1..])).for_each(|(a, (w, v))| *a -= vi * w + wi * v);
        }
    }
    ((0..n).map(|i| if sign > 0.0 { a[i * n + i] } else { 0.0 }).collect(), off)
}
