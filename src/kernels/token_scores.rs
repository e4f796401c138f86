//! Merges the slabs' records of [`super::unembed`] into one a token: loss in nats, log-sum-exp, target logit,
//! 0, five largest logits, their ids.

use super::Kernel;
use super::unembed::{RECORD, Running, TOP, write_record};

/// Tokens a workgroup of each form.
pub const ROWS: [u32; 2] = [4, 64];

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub rows: u32,
    pub slabs: u32,
    pub pad: [u32; 2],
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["partials"];

    fn groups(&self) -> [u32; 3] {
        self.form_groups(0)
    }

    fn form_groups(&self, form: usize) -> [u32; 3] {
        [self.rows.div_ceil(ROWS[form]), 1, 1]
    }

    fn output_words(&self) -> usize {
        self.rows as usize * RECORD
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let rows = self.rows as usize;
        for (t, record) in output.chunks_exact_mut(RECORD).enumerate() {
            let mut running = Running::new();
            for slab in 0..self.slabs as usize {
                let part = &inputs[0][(slab * rows + t) * RECORD..][..RECORD];
                running.add_mass(f64::from(part[0]), f64::from(part[1]));
                running.target = running.target.max(f64::from(part[2]));
                for i in 0..TOP {
                    running.offer(f64::from(part[4 + i]), part[4 + TOP + i]);
                }
            }
            let log_sum = running.max + running.sum.ln();
            write_record(
                record,
                (log_sum - running.target) as f32,
                log_sum as f32,
                running.target as f32,
                &running.top,
            );
        }
    }
}
