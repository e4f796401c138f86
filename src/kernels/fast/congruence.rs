use super::tiles::products;
use super::{Fast, Parts};
use crate::kernels::congruence::Params;

impl Fast for Params {
    fn parts(&self) -> Parts {
        Parts { first: 0, words: (self.n * self.n) as usize, count: self.batch as usize }
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let [rows, gram, norms] = inputs else { unreachable!("congruence has three inputs") };
        let n = self.n as usize;
        let g = self.gram(index);
        products((n, n), |i| &rows[(index * n + i) * n..][..n], |j| &gram[(g * n + j) * n..][..n], output, n);
        let lambda = &norms[g * n..][..n];
        let least = lambda.iter().copied().fold(0.0, f32::max) * self.floor;
        // 1/√λ, and 0 for what the data do not span.
        let factors: Vec<f32> = lambda.iter().map(|l| if *l > least { 1.0 / l.sqrt() } else { 0.0 }).collect();
        for (row, factor) in output.chunks_exact_mut(n).zip(&factors) {
            for (out, other) in row.iter_mut().zip(&factors) {
                // Not a product with 0: what lies there may be infinite.
                *out = if *factor > 0.0 && *other > 0.0 { *out * factor * other } else { 0.0 };
            }
        }
    }
}
