use super::tiles::products;
use super::{Fast, Parts};
use crate::kernels::gram::Params;

impl Fast for Params {
    fn parts(&self) -> Parts {
        let words = (self.n * self.n) as usize;
        Parts { first: self.first as usize * words, words, count: self.heads as usize }
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let (n, width, length) = (self.n as usize, self.width as usize, self.length as usize);
        // The columns of Z one after the other, each padded with zeros to whole quads.
        let padded = length.next_multiple_of(4);
        let mut columns = vec![0.0; width * padded];
        let start = self.offset as usize + index * self.head as usize;
        for (i, column) in columns.chunks_exact_mut(padded).enumerate() {
            let z = &inputs[0][start + i * self.column as usize..];
            column[..length].iter_mut().zip(z.iter().step_by(self.row as usize)).for_each(|(c, z)| *c = *z);
        }
        let column = |i: usize| &columns[i * padded..][..padded];
        output.fill(0.0);
        products((width, width), column, column, output, n);
    }
}
