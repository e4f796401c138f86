//! Copies lanes: out\[t, target_first + i\] = x\[t, source_first + i\], i < count. See `model::lanes`.

use super::Kernel;

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    /// Tokens.
    pub rows: u32,
    /// Words a token and lane, a multiple of 4.
    pub width: u32,
    /// Lanes to copy.
    pub count: u32,
    /// Lanes in each buffer, and the first to read or write.
    pub source_lanes: u32,
    pub source_first: u32,
    pub target_lanes: u32,
    pub target_first: u32,
    pub pad: u32,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["x"];

    fn groups(&self) -> [u32; 3] {
        [(self.count * self.width / 4).div_ceil(64), self.rows, 1]
    }

    fn output_words(&self) -> usize {
        (self.rows * self.target_lanes * self.width) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let (width, words) = (self.width as usize, (self.count * self.width) as usize);
        for t in 0..self.rows as usize {
            let source = (t * self.source_lanes as usize + self.source_first as usize) * width;
            let target = (t * self.target_lanes as usize + self.target_first as usize) * width;
            output[target..target + words].copy_from_slice(&inputs[0][source..source + words]);
        }
    }
}
