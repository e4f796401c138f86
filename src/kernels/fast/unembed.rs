use wide::{CmpGt, f32x4};

use super::tiles::{exp, largest, load, products};
use super::{Fast, Parts};
use crate::kernels::unembed::{NONE, Params, RECORD, Running, SLAB, TOP, write_record};

/// Records a part.
const RECORDS: usize = 16;

impl Fast for Params {
    fn parts(&self) -> Parts {
        let first = (self.first_id / SLAB * self.rows) as usize * RECORD;
        Parts { first, ..Parts::of_rows(self.vocab.div_ceil(SLAB) * self.rows, RECORDS, RECORD) }
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let [x, embedding, targets] = inputs else { unreachable!("unembed has three inputs") };
        let (rows, d, slab_words) = (self.rows as usize, self.d_model as usize, SLAB as usize);
        let mut logits = vec![NONE; RECORDS * slab_words];
        let mut n = index * RECORDS;
        // Records of ids that are not bound may follow.
        let own = (self.vocab.div_ceil(SLAB) as usize * rows - n).min(output.len() / RECORD);
        let mut rest = &mut output[..own * RECORD];
        // A part may end one slab of the vocabulary and begin the next.
        while !rest.is_empty() {
            let (slab, first) = (n / rows, n % rows);
            let count = (rest.len() / RECORD).min(rows - first);
            let ids = slab * slab_words..((slab + 1) * slab_words).min(self.vocab as usize);
            let row = |t: usize| &x[(first + t) * d..][..d];
            let entry = |i: usize| &embedding[(ids.start + i) * d..][..d];
            products((count, ids.len()), row, entry, &mut logits, slab_words);
            let (records, later) = rest.split_at_mut(count * RECORD);
            for (t, record) in records.chunks_exact_mut(RECORD).enumerate() {
                let logits = &mut logits[t * slab_words..][..slab_words];
                logits[ids.len()..].fill(NONE);
                summarise(record, logits, self.first_id as usize + ids.start, targets[first + t]);
            }
            (n, rest) = (n + count, later);
        }
    }
}

/// The record of one token's logits in one slab, whose first id is `first`.
fn summarise(record: &mut [f32], logits: &[f32], first: usize, target: f32) {
    let quads = || (0..logits.len()).step_by(4).map(|at| load(logits, at));
    let max = largest(quads().fold(f32x4::splat(NONE), f32x4::fast_max));
    let sum = quads().fold(f32x4::ZERO, |sum, quad| sum + exp(quad - f32x4::splat(max)));
    let mut running = Running::new();
    for (n, quad) in quads().enumerate() {
        let least = f32x4::splat(running.top[TOP - 1].0 as f32);
        if quad.cmp_gt(least).any() {
            for (i, logit) in quad.to_array().into_iter().enumerate() {
                running.offer(f64::from(logit), (first + 4 * n + i) as f32);
            }
        }
    }
    // Ids are whole numbers; −1, no target, is before every slab.
    let place = target - first as f32;
    let found = if place >= 0.0 { logits.get(place as usize).copied().unwrap_or(NONE) } else { NONE };
    write_record(record, max, sum.reduce_add(), found, &running.top);
}
