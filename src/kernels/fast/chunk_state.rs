use wide::{CmpGt, f32x4};

use super::tiles::{exp, load, map_quads, mix};
use super::{Fast, Parts};
use crate::kernels::chunk_state::{CHUNK, ELU1, Params, state_words};

impl Fast for Params {
    fn parts(&self) -> Parts {
        let count = (self.tokens.div_ceil(CHUNK) * self.heads) as usize;
        Parts { first: 0, words: state_words(self.key.width, self.value.width) as usize, count }
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let [keys, values] = inputs else { unreachable!("chunk_state has two inputs") };
        let (chunk, h) = (index / self.heads as usize, index % self.heads as usize);
        let (w, vw) = (self.key.width as usize, self.value.width as usize);
        let first = chunk * CHUNK as usize;
        let count = (CHUNK as usize).min(self.tokens as usize - first);
        let (outer, sums) = output.split_at_mut(w * vw);
        let (value_sum, key_sum) = sums.split_at_mut(vw);
        // Keys as columns: entry a of all tokens lies together.
        let mut key = vec![0.0; w];
        let mut columns = vec![0.0; w * count];
        value_sum.fill(0.0);
        key_sum.fill(0.0);
        for t in 0..count {
            features(self.feature, self.key.slice(keys, first + t, h), &mut key);
            key.iter().enumerate().for_each(|(a, k)| columns[a * count + t] = *k);
            map_quads(key_sum, |at, sum| sum + load(&key, at));
            let value = self.value.slice(values, first + t, h);
            map_quads(value_sum, |at, sum| sum + load(value, at));
        }
        mix((w, vw), |a| &columns[a * count..][..count], |t| self.value.slice(values, first + t, h), outer, vw);
    }
}

/// φ of each of `row`.
pub(super) fn features(kind: u32, row: &[f32], out: &mut [f32]) {
    out.copy_from_slice(row);
    if kind == ELU1 {
        map_quads(out, |_, z| z.cmp_gt(f32x4::ZERO).blend(z + f32x4::ONE, exp(z)));
    }
}
