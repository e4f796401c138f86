//! [`super::matmul`] with 8×8 outputs a thread, for adapters where loads cost more than registers. The engine
//! chooses between the two by a short measurement.

use super::{Kernel, matmul};

#[repr(transparent)]
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params(pub matmul::Params);

/// Rows and columns of the output that one workgroup computes.
pub const TILE: u32 = 32;

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = matmul::Params::INPUTS;

    fn groups(&self) -> [u32; 3] {
        [self.0.cols.div_ceil(TILE), self.0.rows.div_ceil(TILE), 1]
    }

    fn output_words(&self) -> usize {
        self.0.output_words()
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        self.0.reference(inputs, output);
    }
}
