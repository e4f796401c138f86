use wide::f32x4;

use super::tiles::{load, map_quads};
use super::{Fast, Parts};
use crate::kernels::layer_norm::Params;

const ROWS: usize = 16;

impl Fast for Params {
    fn parts(&self) -> Parts {
        Parts::of_rows(self.rows, ROWS, self.d_model as usize)
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let [x, gain, bias] = inputs else { unreachable!("layer_norm has three inputs") };
        let d = self.d_model as usize;
        for (row, out) in x[index * ROWS * d..].chunks_exact(d).zip(output.chunks_exact_mut(d)) {
            let rough = f32x4::splat(sum(row, |x| x) / d as f32);
            // Where the mean is far from 0 its first sum rounds by more than the deviations' does.
            let centre = rough + f32x4::splat(sum(row, |x| x - rough) / d as f32);
            let variance = sum(row, |x| (x - centre) * (x - centre)) / d as f32;
            let inverse = f32x4::splat(1.0 / (variance + self.epsilon).sqrt());
            map_quads(out, |at, _| {
                ((load(row, at) - centre) * inverse).mul_add(load(&gain[..d], at), load(&bias[..d], at))
            });
        }
    }
}

/// Sum of a map over the row.
fn sum(row: &[f32], map: impl Fn(f32x4) -> f32x4) -> f32 {
    let (quads, tail) = row.as_chunks::<4>();
    let quads = quads.iter().fold(f32x4::ZERO, |sum, quad| sum + map(f32x4::from(*quad)));
    quads.reduce_add() + tail.iter().map(|x| map(f32x4::splat(*x)).to_array()[0]).sum::<f32>()
}
