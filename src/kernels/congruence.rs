//! Second half of B = C⊤ J C, where ZᵀZ = C Cᵀ. With the orthogonalised Gram rows w_i = λ_i v_iᵀ and the
//! products p_i = w_i J, B_ij = p_i·w_j / √(λ_i λ_j). Directions that the data do not span (λ at rounding
//! level) are left out.

use super::{Kernel, dot};

/// λ below this fraction of the largest is rounding of the f32 Gram sums, not data.
pub const FLOOR: f32 = 1e-7;

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    /// Matrices in the output; `products` holds as many.
    pub batch: u32,
    /// Side of each matrix.
    pub n: u32,
    /// How many consecutive output matrices share one run of Gram matrices, and how many are in that run:
    /// output b uses Gram matrix `b / share · group + b % group`.
    pub share: u32,
    pub group: u32,
    /// [`FLOOR`].
    pub floor: f32,
    pub pad: [u32; 3],
}

impl Params {
    pub(super) fn gram(&self, b: usize) -> usize {
        b / self.share as usize * self.group as usize + b % self.group as usize
    }
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["products", "rows", "norms"];

    fn groups(&self) -> [u32; 3] {
        [self.n.div_ceil(8), self.n.div_ceil(8), self.batch]
    }

    fn output_words(&self) -> usize {
        (self.batch * self.n * self.n) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [products, gram, norms] = inputs else { unreachable!("congruence has three inputs") };
        let n = self.n as usize;
        for (b, out) in output.chunks_exact_mut(n * n).enumerate() {
            let g = self.gram(b);
            let lambda = &norms[g * n..][..n];
            let least = lambda.iter().copied().fold(0.0, f32::max) * self.floor;
            for i in 0..n {
                for j in 0..n {
                    out[i * n + j] = if lambda[i] > least && lambda[j] > least {
                        let product = dot(&products[(b * n + i) * n..][..n], &gram[(g * n + j) * n..][..n]);
                        (product / (f64::from(lambda[i]) * f64::from(lambda[j])).sqrt()) as f32
                    } else {
                        0.0
                    };
                }
            }
        }
    }
}
