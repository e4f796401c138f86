use super::tiles::mix;
use super::{Fast, Parts};
use crate::kernels::head_product::Params;

/// Rows a part, where a row holds all heads.
const ROWS: usize = 16;

impl Params {
    /// Whether the output has its heads side by side in each row, not one after the other.
    fn heads_in_rows(&self) -> bool {
        self.out.row >= self.out.head
    }

    /// Rows from `first` on of one head, to the beginning of `output`.
    fn multiply(&self, inputs: &[&[f32]], head: usize, first: usize, rows: usize, output: &mut [f32]) {
        let [z, matrices] = inputs else { unreachable!("head_product has two inputs") };
        let w = self.out.width as usize;
        let (source, matrix) = self.matrix(head as u32);
        let matrix = &matrices[matrix as usize * w * w..][..w * w];
        let weights = |t| self.z.slice(z, first + t, source as usize);
        mix((rows, w), weights, |a| &matrix[a * w..][..w], output, self.out.row as usize);
    }
}

impl Fast for Params {
    fn parts(&self) -> Parts {
        let (row, head) = (self.out.row as usize, self.out.head as usize);
        let (words, count) = match self.heads_in_rows() {
            true => (ROWS * row, (self.rows as usize).div_ceil(ROWS)),
            false => (head, self.heads as usize),
        };
        Parts { first: self.out.offset as usize, words, count }
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let rows = self.rows as usize;
        if !self.heads_in_rows() {
            return self.multiply(inputs, index, 0, rows, output);
        }
        let first = index * ROWS;
        for head in 0..self.heads as usize {
            let output = &mut output[head * self.out.head as usize..];
            self.multiply(inputs, head, first, ROWS.min(rows - first), output);
        }
    }
}
