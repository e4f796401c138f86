use super::tiles::mix;
use super::{Fast, Parts};
use crate::kernels::head_product::Params;

/// Rows a part, where a row holds all heads.
const ROWS: usize = 16;

impl Fast for Params {
    fn parts(&self) -> Parts {
        let words = ROWS * self.out.row as usize;
        Parts { first: self.out.offset as usize, words, count: (self.rows as usize).div_ceil(ROWS) }
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let [z, matrices] = inputs else { unreachable!("head_product has two inputs") };
        let (w, first) = (self.out.width as usize, index * ROWS);
        let rows = ROWS.min(self.rows as usize - first);
        for head in 0..self.heads as usize {
            let matrix = &matrices[head % self.kernels as usize * w * w..][..w * w];
            let weights = |t| self.z.slice(z, first + t, head);
            let output = &mut output[head * self.out.head as usize..];
            mix((rows, w), weights, |a| &matrix[a * w..][..w], output, self.out.row as usize);
        }
    }
}
