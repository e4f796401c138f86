//! y = x Wᵀ, with optional bias, GELU and residual epilogues. W is \[cols, inner\], as checkpoints store it.

use super::{Kernel, dot};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    /// Length of the dot products; a multiple of 4.
    pub inner: u32,
    pub cols: u32,
    /// Sum of [`BIAS`], [`GELU`], [`RESIDUAL`]. An unused input may be bound to anything.
    pub flags: u32,
}

pub const BIAS: u32 = 1;
pub const GELU: u32 = 2;
pub const RESIDUAL: u32 = 4;

/// Rows and columns of the output that one workgroup of each form computes.
pub const TILES: [[u32; 2]; 6] = [[32, 32], [32, 32], [64, 64], [128, 128], [32, 32], [16, 32]];

/// The tanh form of GELU, the one that GPT-2 was trained with.
pub fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["x", "weight", "bias", "residual"];

    fn groups(&self) -> [u32; 3] {
        self.form_groups(0)
    }

    fn form_groups(&self, form: usize) -> [u32; 3] {
        let [rows, cols] = TILES[form];
        [self.cols.div_ceil(cols), self.rows.div_ceil(rows), 1]
    }

    fn output_words(&self) -> usize {
        (self.rows * self.cols) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [x, weight, bias, residual] = inputs else { unreachable!("matmul has four inputs") };
        let (inner, cols) = (self.inner as usize, self.cols as usize);
        // Column blocks keep a slice of W in cache while all rows pass over it.
        for first in (0..cols).step_by(32) {
            for (t, row) in output.chunks_exact_mut(cols).enumerate() {
                for c in first..(first + 32).min(cols) {
                    let mut y = dot(&x[t * inner..][..inner], &weight[c * inner..][..inner]);
                    if self.flags & BIAS != 0 {
                        y += f64::from(bias[c]);
                    }
                    if self.flags & GELU != 0 {
                        y = gelu(y);
                    }
                    if self.flags & RESIDUAL != 0 {
                        y += f64::from(residual[t * cols + c]);
                    }
                    row[c] = y as f32;
                }
            }
        }
    }
}
