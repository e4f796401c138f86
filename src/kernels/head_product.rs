//! out\[t, h\] = z\[t, h\] · K\[h % kernels\]: one small square matrix a head. It turns the shared projection into
//! queries (q = u (S − D), or z (J′ + J_sym) for a standard head with part of its routing cut) where attention does not
//! do so itself.

use super::{HeadView, Kernel, add_scaled, store};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    pub heads: u32,
    /// Number of matrices, which the heads use in turn.
    pub kernels: u32,
    pub pad: [u32; 1],
    pub z: HeadView,
    /// Where the products go; its width equals `z.width`, a multiple of 4.
    pub out: HeadView,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["z", "matrices"];

    fn groups(&self) -> [u32; 3] {
        // A thread has 4 rows and 8 columns.
        [(self.rows.div_ceil(4) * self.out.width.div_ceil(8)).div_ceil(64), self.heads, 1]
    }

    fn output_words(&self) -> usize {
        let last = (self.rows - 1) * self.out.row + (self.heads - 1) * self.out.head + self.out.width;
        (self.out.offset + last) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [z, matrices] = inputs else { unreachable!("head_product has two inputs") };
        let w = self.out.width as usize;
        let mut acc = vec![0f64; w];
        for h in 0..self.heads {
            let matrix = &matrices[(h % self.kernels) as usize * w * w..][..w * w];
            for t in 0..self.rows as usize {
                acc.fill(0.0);
                for (a, value) in self.z.slice(z, t, h as usize).iter().enumerate() {
                    add_scaled(&mut acc, &matrix[a * w..][..w], f64::from(*value));
                }
                let start = self.out.offset as usize + t * self.out.row as usize + h as usize * self.out.head as usize;
                store(&mut output[start..start + w], acc.iter().copied());
            }
        }
    }
}
