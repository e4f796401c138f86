//! Singular values of tridiagonal matrices: absolute eigenvalues of symmetric ones, each found by bisection with
//! Sturm's count, in the order of the eigenvalues, which ascend. They serve skew matrices too, whose eigenvalues are ±i times those of the
//! symmetric one with the same entries beside a zero diagonal. The matrices are pairs of f32 ([`super::double`]).

use super::{Kernel, double, store};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub batch: u32,
    /// Side of each matrix, a multiple of 8, at most [`super::cholesky::MAX_SIDE`].
    pub n: u32,
    /// 0.
    pub zero: u32,
    pub pad: [u32; 1],
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["tridiagonal"];

    fn groups(&self) -> [u32; 3] {
        [self.batch, 1, 1]
    }

    fn output_words(&self) -> usize {
        (self.batch * self.n) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let n = self.n as usize;
        let matrices = inputs[0].chunks_exact(2 * (n + 2) * n);
        for (matrix, out) in matrices.zip(output.chunks_exact_mut(n)) {
            let entries = double::values(&matrix[2 * n * n..]);
            let (diagonal, beside) = entries.split_at(n);
            store(out, eigenvalues(diagonal, beside).iter().map(|x| x.abs()));
        }
    }
}

/// Eigenvalues of a symmetric tridiagonal matrix, ascending; `beside[i]` stands between rows i and i + 1.
pub fn eigenvalues(diagonal: &[f64], beside: &[f64]) -> Vec<f64> {
    let bound = diagonal.iter().zip(beside).map(|(d, e)| d.abs() + 2.0 * e.abs()).sum::<f64>();
    let eigenvalue = |index| {
        let (mut low, mut high) = (-bound, bound);
        for _ in 0..64 {
            let middle = (low + high) / 2.0;
            if below(diagonal, beside, middle) <= index { low = middle } else { high = middle }
        }
        (low + high) / 2.0
    };
    (0..diagonal.len()).map(eigenvalue).collect()
}

/// How many eigenvalues are below x: pivots of the matrix less x that are negative.
fn below(diagonal: &[f64], beside: &[f64], x: f64) -> usize {
    let mut pivot = 1.0;
    let mut square = 0.0;
    let negative = diagonal.iter().zip(beside).filter(|(d, e)| {
        pivot = **d - x - square / pivot;
        if pivot == 0.0 {
            pivot = -f64::MIN_POSITIVE;
        }
        square = **e * **e;
        pivot < 0.0
    });
    negative.count()
}
