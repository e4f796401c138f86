//! G = C Cᵀ of a batch of Gram matrices, the largest of what is left on the diagonal first, so that matrices of any
//! rank will do. Out comes Cᵀ, whose rows from the rank on are 0. All as pairs of f32 ([`super::double`]).

use super::{Kernel, double};

/// Pivots below this share of the largest are rounding: nothing in Z spans those directions.
pub const FLOOR: f32 = 1e-13;
/// Largest side: the shaders of the spectra hold so many columns.
pub const MAX_SIDE: u32 = 128;

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub batch: u32,
    /// Side of each matrix, a multiple of 8, at most [`MAX_SIDE`].
    pub n: u32,
    /// [`FLOOR`].
    pub floor: f32,
    /// 0.
    pub zero: u32,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["gram"];

    fn groups(&self) -> [u32; 3] {
        [self.batch, 1, 1]
    }

    fn output_words(&self) -> usize {
        (2 * self.batch * self.n * self.n) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let n = self.n as usize;
        for (matrix, out) in inputs[0].chunks_exact(2 * n * n).zip(output.chunks_exact_mut(2 * n * n)) {
            let mut left = double::values(matrix);
            let mut factor = vec![0.0; n * n];
            let mut least = 0.0;
            for (k, row) in factor.chunks_exact_mut(n).enumerate() {
                let pivot = (0..n).max_by(|i, j| left[i * n + i].total_cmp(&left[j * n + j])).unwrap_or(0);
                let value = left[pivot * n + pivot];
                if k == 0 {
                    least = value * f64::from(self.floor);
                }
                if value <= least {
                    break;
                }
                (0..n).for_each(|i| row[i] = left[pivot * n + i] / value.sqrt());
                for i in 0..n {
                    (0..n).for_each(|j| left[i * n + j] -= row[i] * row[j]);
                }
                // Its turn is over: what rounding leaves of it counts for nothing.
                for i in 0..n {
                    (left[pivot * n + i], left[i * n + pivot]) = (0.0, 0.0);
                }
            }
            double::store(out, factor);
        }
    }
}
