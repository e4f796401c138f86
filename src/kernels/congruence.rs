//! B = Cᵀ K C a head, with ZᵀZ = C Cᵀ: the parts (B ∓ Bᵀ)/2 have the non-zero singular values of the routing and the
//! filtering part of Z K Zᵀ. All as pairs of f32 ([`super::double`]).

use super::{Kernel, double};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub batch: u32,
    /// Number of matrices K, which the batch uses in turn.
    pub group: u32,
    /// Side of each matrix, a multiple of 8, at most [`super::cholesky::MAX_SIDE`].
    pub n: u32,
    /// 0.
    pub zero: u32,
}

/// Columns of a matrix that a workgroup computes.
pub const COLUMNS: u32 = 8;

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["factor", "kernels"];

    fn groups(&self) -> [u32; 3] {
        [self.n / COLUMNS, self.batch, 1]
    }

    fn output_words(&self) -> usize {
        (2 * self.batch * self.n * self.n) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let (n, group) = (self.n as usize, self.group as usize);
        let size = 2 * n * n;
        for (b, out) in output.chunks_exact_mut(size).enumerate() {
            let transposed = double::values(&inputs[0][b * size..][..size]);
            let kernel = double::values(&inputs[1][b % group * size..][..size]);
            // Cᵀ K, then that times C.
            let half: Vec<f64> = product(n, |i, k| transposed[i * n + k], |k, j| kernel[k * n + j]);
            double::store(out, product(n, |i, k| half[i * n + k], |k, j| transposed[j * n + k]));
        }
    }
}

fn product(n: usize, a: impl Fn(usize, usize) -> f64, b: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    (0..n * n).map(|e| (0..n).map(|k| a(e / n, k) * b(k, e % n)).sum()).collect()
}
