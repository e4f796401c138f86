use wide::f32x4;

use super::chunk_state::features;
use super::tiles::{self, load, map_quads, mix, products};
use super::{Fast, Parts};
use crate::kernels::chunk_state::{CHUNK, ELU1, state_words};
use crate::kernels::linear_attention::Params;

impl Fast for Params {
    fn parts(&self) -> Parts {
        Parts::of_rows(self.tokens, CHUNK as usize, (self.heads * self.value.width) as usize)
    }

    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]) {
        let heads = self.heads as usize;
        let words = state_words(self.key.width, self.value.width) as usize;
        for h in 0..heads {
            let state = &inputs[3][(index * heads + h) * words..][..words];
            self.chunk(inputs, index * CHUNK as usize, h, state, output);
        }
    }
}

impl Params {
    /// One head on the chunk that begins at token `first`, with the state before it.
    fn chunk(&self, inputs: &[&[f32]], first: usize, h: usize, state: &[f32], output: &mut [f32]) {
        let (w, vw) = (self.key.width as usize, self.value.width as usize);
        let row = self.heads as usize * vw;
        let count = output.len() / row;
        let value = |t: usize| self.value.slice(inputs[2], first + t, h);
        let (outer, sums) = state.split_at(w * vw);
        let (value_sum, key_sum) = sums.split_at(vw);
        let mut value_sum = value_sum.to_vec();

        let [queries, keys] = [(self.query, inputs[0]), (self.key, inputs[1])].map(|(view, data)| {
            let mut all = vec![0.0; count * w];
            for t in 0..count {
                features(self.feature, view.slice(data, first + t, h), &mut all[t * w..][..w]);
            }
            all
        });
        // A few queries' weights: on the rows of Σk⊗v, then on the values inside the chunk.
        let stride = w + count;
        let mut weights = vec![0.0; tiles::ROWS * stride];
        for i in (0..count).step_by(tiles::ROWS) {
            let rows = tiles::ROWS.min(count - i);
            let visible = i + rows;
            let (query, key) = (|r: usize| &queries[(i + r) * w..][..w], |j: usize| &keys[j * w..][..w]);
            products((rows, visible), query, key, &mut weights[w..], stride);
            for r in 0..rows {
                weights[r * stride..][..w].copy_from_slice(query(r));
                weights[r * stride + w..][..visible][i + r + 1..].fill(0.0);
            }
            let entry = |j: usize| if j < w { &outer[j * vw..][..vw] } else { value(j - w) };
            let out = &mut output[i * row + h * vw..];
            mix((rows, vw), |r| &weights[r * stride..][..w + visible], entry, out, row);
            for r in 0..rows {
                map_quads(&mut value_sum, |at, sum| sum + load(value(i + r), at));
                let inside: f32 = weights[r * stride + w..][..visible].iter().sum();
                let before: f32 = query(r).iter().zip(key_sum).map(|(q, k)| q * k).sum();
                self.finish(&mut out[r * row..][..vw], before + inside, &value_sum, first + i + r + 1);
            }
        }
    }

    /// q·Σk⊗v → the output, given q·Σk and Σv over the `n` visible tokens.
    fn finish(&self, out: &mut [f32], mass: f32, value_sum: &[f32], n: usize) {
        if self.feature == ELU1 {
            let inverse = f32x4::splat(1.0 / (mass + self.epsilon));
            map_quads(out, |_, kv| kv * inverse);
        } else {
            let (scale, inverse) = (f32x4::splat(self.scale), f32x4::splat(1.0 / n as f32));
            let rest = f32x4::splat(1.0 - self.scale * mass / n as f32);
            map_quads(out, |at, kv| (scale * kv + rest * load(value_sum, at)) * inverse);
        }
    }
}
