//! Euclidean norm of each row of up to six matrices.

use super::{Kernel, dot};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    pub width: u32,
    /// How many inputs are used.
    pub inputs: u32,
    /// Where the first norm goes, and the length of the whole output.
    pub first: u32,
    pub total: u32,
    pub pad: [u32; 3],
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = super::SIX;

    fn groups(&self) -> [u32; 3] {
        [self.rows.div_ceil(16), self.inputs, 1]
    }

    fn output_words(&self) -> usize {
        self.total as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let (rows, width) = (self.rows as usize, self.width as usize);
        let norms = output[self.first as usize..].chunks_exact_mut(rows);
        for (matrix, norms) in inputs[..self.inputs as usize].iter().zip(norms) {
            for (row, norm) in matrix.chunks_exact(width).zip(norms) {
                *norm = dot(row, row).sqrt() as f32;
            }
        }
    }
}
