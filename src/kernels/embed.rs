//! x₀ = α (E\[token\] + P\[position\]).

use super::{Kernel, store};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub tokens: u32,
    pub d_model: u32,
    /// α, `embed_scale` of the checkpoint.
    pub scale: f32,
    pub pad: u32,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["ids", "token_embedding", "position_embedding"];

    fn groups(&self) -> [u32; 3] {
        [self.d_model.div_ceil(64), self.tokens, 1]
    }

    fn output_words(&self) -> usize {
        (self.tokens * self.d_model) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [ids, token, position] = inputs else { unreachable!("embed has three inputs") };
        let d = self.d_model as usize;
        for (t, row) in output.chunks_exact_mut(d).enumerate() {
            // Ids travel as whole numbers in f32 words: exact up to 2²⁴.
            let id = ids[t] as usize;
            let pairs = token[id * d..][..d].iter().zip(&position[t * d..][..d]);
            store(row, pairs.map(|(e, p)| f64::from(self.scale) * (f64::from(*e) + f64::from(*p))));
        }
    }
}
