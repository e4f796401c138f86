//! ZᵀZ a head, for the spectra: out\[h, i, j\] = Σ_t z_h\[t, i\] z_h\[t, j\], zero-padded to n×n, as pairs
//! of f32 ([`super::double`]): it squares what condition Z has.

use super::{Kernel, add_scaled, double};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    /// Length of the sums: tokens for operating spectra, model width for capacity.
    pub length: u32,
    /// Columns of Z.
    pub width: u32,
    /// Padded width, the side of every output matrix.
    pub n: u32,
    pub heads: u32,
    /// z_h\[t, i\] lies at offset + t·row + h·head + i·column.
    pub offset: u32,
    pub row: u32,
    pub head: u32,
    pub column: u32,
    /// First output matrix, and how many the whole output buffer holds.
    pub first: u32,
    pub total: u32,
    /// How many inputs are used; their heads come one input after the other.
    pub inputs: u32,
    /// 0.
    pub zero: u32,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = super::SIX;

    fn groups(&self) -> [u32; 3] {
        [self.n.div_ceil(8), self.n.div_ceil(8), self.inputs * self.heads]
    }

    fn output_words(&self) -> usize {
        (2 * self.total * self.n * self.n) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let (n, width) = (self.n as usize, self.width as usize);
        let mut row = vec![0f32; width];
        let heads = self.heads as usize;
        for h in 0..self.inputs as usize * heads {
            let mut sums = vec![0f64; n * n];
            for t in 0..self.length as usize {
                let start = self.offset as usize + t * self.row as usize + h % heads * self.head as usize;
                for (i, r) in row.iter_mut().enumerate() {
                    *r = inputs[h / heads][start + i * self.column as usize];
                }
                for i in 0..width {
                    add_scaled(&mut sums[i * n..][..width], &row, f64::from(row[i]));
                }
            }
            double::store(&mut output[(self.first as usize + h) * 2 * n * n..][..2 * n * n], sums);
        }
    }
}
