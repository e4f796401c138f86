//! Linear modes, step 2: exclusive prefix sum over the chunks, so that chunk c holds the state of all tokens
//! before it.

use super::Kernel;

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub chunks: u32,
    /// Words of state of all heads of one chunk.
    pub words: u32,
    pub pad: [u32; 2],
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["states"];

    fn groups(&self) -> [u32; 3] {
        [self.words.div_ceil(64), 1, 1]
    }

    fn output_words(&self) -> usize {
        (self.chunks * self.words) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let words = self.words as usize;
        let mut sums = vec![0f64; words];
        for (state, out) in inputs[0].chunks_exact(words).zip(output.chunks_exact_mut(words)) {
            for ((sum, s), o) in sums.iter_mut().zip(state).zip(out) {
                *o = *sum as f32;
                *sum += f64::from(*s);
            }
        }
    }
}
