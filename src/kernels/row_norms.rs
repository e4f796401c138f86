//! Euclidean norm of each row.

use super::{Kernel, dot};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    pub width: u32,
    /// Where the first norm goes, and the length of the whole output.
    pub first: u32,
    pub total: u32,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["matrix"];

    fn groups(&self) -> [u32; 3] {
        [self.rows.div_ceil(64), 1, 1]
    }

    fn output_words(&self) -> usize {
        self.total as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let norms = &mut output[self.first as usize..][..self.rows as usize];
        for (row, norm) in inputs[0].chunks_exact(self.width as usize).zip(norms) {
            *norm = dot(row, row).sqrt() as f32;
        }
    }
}
