//! x₀ = α (E\[token\] + P\[position\]).

use super::{Kernel, store};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub tokens: u32,
    /// A multiple of 4.
    pub d_model: u32,
    /// α, `embed_scale` of the checkpoint.
    pub scale: f32,
    /// Rows of the token embedding that are bound, and the id of the first of them; tokens with other ids are left
    /// as they are.
    pub vocab: u32,
    pub first_id: u32,
    pub pad: [u32; 3],
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["ids", "weight", "position_embedding"];

    fn groups(&self) -> [u32; 3] {
        [(self.tokens * self.d_model / 4).div_ceil(64), 1, 1]
    }

    fn output_words(&self) -> usize {
        (self.tokens * self.d_model) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [ids, token, position] = inputs else { unreachable!("embed has three inputs") };
        let d = self.d_model as usize;
        for (t, row) in output.chunks_exact_mut(d).enumerate() {
            // Ids travel as whole numbers in f32 words: exact up to 2²⁴.
            let Some(id) = (ids[t] as usize).checked_sub(self.first_id as usize) else { continue };
            if id >= self.vocab as usize {
                continue;
            }
            let pairs = token[id * d..][..d].iter().zip(&position[t * d..][..d]);
            store(row, pairs.map(|(e, p)| f64::from(self.scale) * (f64::from(*e) + f64::from(*p))));
        }
    }
}
