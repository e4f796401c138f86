//! (x − mean) / √(variance + ε) · gain + bias, a row at a time.

use super::{Kernel, store};

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    /// A multiple of 4.
    pub d_model: u32,
    pub epsilon: f32,
    pub pad: u32,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["x", "gain", "bias"];

    fn groups(&self) -> [u32; 3] {
        [self.rows, 1, 1]
    }

    fn form_groups(&self, form: usize) -> [u32; 3] {
        match form {
            0 => self.groups(),
            _ => [self.rows.div_ceil(8), 1, 1],
        }
    }

    fn output_words(&self) -> usize {
        (self.rows * self.d_model) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [x, gain, bias] = inputs else { unreachable!("layer_norm has three inputs") };
        let d = self.d_model as usize;
        for (row, out) in x.chunks_exact(d).zip(output.chunks_exact_mut(d)) {
            let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / d as f64;
            let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / d as f64;
            let inverse = 1.0 / (variance + f64::from(self.epsilon)).sqrt();
            store(out, (0..d).map(|i| (f64::from(row[i]) - mean) * inverse * f64::from(gain[i]) + f64::from(bias[i])));
        }
    }
}
