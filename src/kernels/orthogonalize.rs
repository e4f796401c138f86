//! One-sided Jacobi on a batch of n×n matrices: plane rotations of rows until all rows are orthogonal. The
//! row norms are then the singular values; for a Gram matrix the rows are λ_i v_iᵀ besides. Works on rows
//! because ours are symmetric or skew: rows and columns agree up to sign, and rows lie together in memory.

use super::{Kernel, store};

/// Sweeps after which f32 no longer improves on n ≤ 128.
pub const SWEEPS: u32 = 10;
/// Rows whose cosine is below this count as orthogonal: an f32 dot product rounds to about that.
pub const TOLERANCE: f32 = 1e-6;

/// Largest side: the shader has a thread for each of half as many pairs of rows.
pub const MAX_SIDE: u32 = 128;

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub batch: u32,
    /// Side of each matrix, a multiple of 8, at most [`MAX_SIDE`].
    pub n: u32,
    /// [`SWEEPS`].
    pub sweeps: u32,
    /// [`TOLERANCE`].
    pub tolerance: f32,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["matrices"];

    fn groups(&self) -> [u32; 3] {
        [self.batch, 1, 1]
    }

    fn output_words(&self) -> usize {
        (self.batch * self.n * self.n) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let n = self.n as usize;
        for (matrix, out) in inputs[0].chunks_exact(n * n).zip(output.chunks_exact_mut(n * n)) {
            let mut rows: Vec<f64> = matrix.iter().map(|x| f64::from(*x)).collect();
            orthogonalize_rows(&mut rows, n, self.sweeps, f64::from(self.tolerance));
            store(out, rows);
        }
    }
}

/// The same in f64, in place; `rows` is n×n, row-major.
pub fn orthogonalize_rows(rows: &mut [f64], n: usize, sweeps: u32, tolerance: f64) {
    for _ in 0..sweeps {
        let mut rotated = false;
        for p in 0..n {
            for q in p + 1..n {
                let (head, tail) = rows.split_at_mut(q * n);
                rotated |= rotate(&mut head[p * n..][..n], &mut tail[..n], tolerance);
            }
        }
        if !rotated {
            return;
        }
    }
}

/// Rotates two rows so that they become orthogonal; false where they already are.
fn rotate(x: &mut [f64], y: &mut [f64], tolerance: f64) -> bool {
    let (mut alpha, mut beta, mut gamma) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(&*y) {
        alpha += a * a;
        beta += b * b;
        gamma += a * b;
    }
    if gamma * gamma <= tolerance * tolerance * alpha * beta {
        return false;
    }
    let zeta = (beta - alpha) / (2.0 * gamma);
    let tangent = if zeta == 0.0 { 1.0 } else { zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt()) };
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    let sine = cosine * tangent;
    for (a, b) in x.iter_mut().zip(y) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
    true
}
