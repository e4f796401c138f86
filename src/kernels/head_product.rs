//! out\[t, h\] = z\[t, h\] · K\[h\]: one small square matrix a head. It turns the shared projection into queries
//! (q = u (S − D), or z (J′ + J_sym) for a standard head with part of its routing cut), and it is the first
//! half of the congruence in the spectra.

use super::{HeadView, Kernel, add_scaled, store};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    pub heads: u32,
    /// Number of matrices, and of heads that use them in turn: see [`Params::matrix`].
    pub kernels: u32,
    pub group: u32,
    pub z: HeadView,
    /// Where the products go; its width equals `z.width`, a multiple of 4.
    pub out: HeadView,
}

impl Params {
    /// Which matrix, and which block of `z`, head `h` of the output uses. Plain attention has `group` equal
    /// to the number of heads, so both are `h`. In the spectra every block of z (operating, capacity) meets
    /// every set of matrices (routing, filtering), `group` heads at a time.
    pub fn matrix(&self, h: u32) -> (u32, u32) {
        let sets = self.kernels / self.group;
        let block = h / self.group;
        (block / sets * self.group + h % self.group, block % sets * self.group + h % self.group)
    }
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
            let (source, matrix) = self.matrix(h);
            let matrix = &matrices[matrix as usize * w * w..][..w * w];
            for t in 0..self.rows as usize {
                acc.fill(0.0);
                for (a, value) in self.z.slice(z, t, source as usize).iter().enumerate() {
                    add_scaled(&mut acc, &matrix[a * w..][..w], f64::from(*value));
                }
                let start = self.out.offset as usize + t * self.out.row as usize + h as usize * self.out.head as usize;
                store(&mut output[start..start + w], acc.iter().copied());
            }
        }
    }
}
