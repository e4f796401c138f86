use wide::f32x4;

use super::tiles::{exp, load, map_quads, products};
use super::{Fast, Parts};
use crate::kernels::matmul::{BIAS, GELU, Params, RESIDUAL};

/// Rows a part: enough for each to pass over W from the second cache, few enough for every core to get some.
const ROWS: usize = 16;

impl Fast for Params {
    fn parts(&self) -> Parts {
        Parts::of_rows(self.rows, ROWS, self.cols as usize)
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let [x, weight, bias, residual] = inputs else { unreachable!("matmul has four inputs") };
        let (inner, cols) = (self.inner as usize, self.cols as usize);
        let (first, rows) = (index * ROWS, output.len() / cols);
        let row = |t: usize| &x[(first + t) * inner..][..inner];
        products((rows, cols), row, |c| &weight[c * inner..][..inner], output, cols);
        for (t, row) in output.chunks_exact_mut(cols).enumerate() {
            if self.flags & BIAS != 0 {
                map_quads(row, |at, y| y + load(&bias[..cols], at));
            }
            if self.flags & GELU != 0 {
                map_quads(row, |_, y| gelu(y));
            }
            if self.flags & RESIDUAL != 0 {
                let residual = &residual[(first + t) * cols..][..cols];
                map_quads(row, |at, y| y + load(residual, at));
            }
        }
    }
}

/// `kernels::matmul::gelu` by ½(1 + tanh z) = 1/(1 + e^−2z), which loses nothing where tanh is near −1.
fn gelu(x: f32x4) -> f32x4 {
    let root = (2.0 / std::f32::consts::PI).sqrt();
    let z = x * (x * x).mul_add(f32x4::splat(0.044715 * root), f32x4::splat(root));
    // e⁸⁷ is about the largest f32.
    x / (f32x4::ONE + exp((z * f32x4::splat(-2.0)).fast_min(f32x4::splat(87.0))))
}
