use wide::f32x4;

use super::{Fast, Parts};
use crate::kernels::orthogonalize::Params;

impl Fast for Params {
    fn parts(&self) -> Parts {
        Parts { first: 0, words: (self.n * self.n) as usize, count: self.batch as usize }
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let n = self.n as usize;
        output.copy_from_slice(&inputs[0][index * n * n..][..n * n]);
        for _ in 0..self.sweeps {
            let mut rotated = false;
            for p in 0..n {
                for q in p + 1..n {
                    let (head, tail) = output.split_at_mut(q * n);
                    let (x, y) = (&mut head[p * n..][..n], &mut tail[..n]);
                    rotated |= rotate(x.as_chunks_mut().0, y.as_chunks_mut().0, self.tolerance);
                }
            }
            if !rotated {
                return;
            }
        }
    }
}

/// Rotates two rows so that they become orthogonal; false where they already are.
fn rotate(x: &mut [[f32; 4]], y: &mut [[f32; 4]], tolerance: f32) -> bool {
    let [mut alpha, mut beta, mut gamma] = [f32x4::ZERO; 3];
    for (a, b) in x.iter().zip(&*y) {
        let (a, b) = (f32x4::from(*a), f32x4::from(*b));
        alpha = a.mul_add(a, alpha);
        beta = b.mul_add(b, beta);
        gamma = a.mul_add(b, gamma);
    }
    // Squares of squares: beyond the range of f32.
    let [alpha, beta, gamma] = [alpha, beta, gamma].map(|sum| f64::from(sum.reduce_add()));
    if gamma * gamma <= f64::from(tolerance * tolerance) * alpha * beta {
        return false;
    }
    let zeta = (beta - alpha) / (2.0 * gamma);
    let tangent = if zeta == 0.0 { 1.0 } else { zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt()) };
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    let (sine, cosine) = (f32x4::splat((cosine * tangent) as f32), f32x4::splat(cosine as f32));
    for (a, b) in x.iter_mut().zip(y) {
        let (old_a, old_b) = (f32x4::from(*a), f32x4::from(*b));
        *a = (cosine * old_a - sine * old_b).to_array();
        *b = (sine * old_a + cosine * old_b).to_array();
    }
    true
}
