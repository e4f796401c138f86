use wide::f32x4;

use super::tiles::{self, exp, largest, load, map_quads, mix, products};
use super::{Fast, Parts};
use crate::kernels::attention::Params;

/// Queries a part. Later ones see more keys: short parts let the cores share them fairly.
const ROWS: usize = 4 * tiles::ROWS;

impl Fast for Params {
    fn parts(&self) -> Parts {
        Parts::of_rows(self.tokens, ROWS, (self.heads * self.value.width) as usize)
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let [q, k, v, _] = inputs else { unreachable!("attention has four inputs") };
        let (heads, width) = (self.heads as usize, self.value.width as usize);
        let row = heads * width;
        let (first, end) = (index * ROWS, index * ROWS + output.len() / row);
        // The scores of a few queries only: there is no tokens×tokens buffer.
        let mut scores = vec![0.0; tiles::ROWS * end];
        for h in 0..heads {
            for i in (first..end).step_by(tiles::ROWS) {
                let rows = tiles::ROWS.min(end - i);
                let keys = i + rows;
                let (query, key) = (|r: usize| self.query.slice(q, i + r, h), |j: usize| self.key.slice(k, j, h));
                products((rows, keys), query, key, &mut scores, end);
                for r in 0..rows {
                    softmax(&mut scores[r * end..][..keys], i + r + 1, self.scale);
                }
                let out = &mut output[(i - first) * row + h * width..];
                mix((rows, width), |r| &scores[r * end..][..keys], |j| self.value.slice(v, j, h), out, row);
            }
        }
    }
}

/// Scores → weights: the first `visible` ones sum to 1, the others become 0.
fn softmax(scores: &mut [f32], visible: usize, scale: f32) {
    let (seen, hidden) = scores.split_at_mut(visible);
    hidden.fill(0.0);
    let scale = f32x4::splat(scale);
    let mut top = f32x4::splat(f32::MIN);
    map_quads(seen, |at, quad| {
        let scaled = quad * scale;
        // Past the end there are zeros, which are no scores.
        top = if at + 4 <= visible { top.fast_max(scaled) } else { top };
        scaled
    });
    let tail = seen[visible / 4 * 4..].iter().copied().fold(f32::MIN, f32::max);
    let top = f32x4::splat(largest(top).max(tail));
    map_quads(seen, |_, quad| exp(quad - top));
    let sum = (0..visible).step_by(4).fold(f32x4::ZERO, |sum, at| sum + load(seen, at));
    let inverse = f32x4::splat(1.0 / sum.reduce_add());
    map_quads(seen, |_, quad| quad * inverse);
}
