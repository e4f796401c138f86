//! Linear modes, step 1: what each chunk of [`CHUNK`] tokens contributes to the running state of a head:
//! Σ k⊗v \[width, value width\], then Σ v \[value width\], then Σ k \[width\].

use super::{HeadView, Kernel, add_scaled, store};

/// Tokens a chunk.
pub const CHUNK: u32 = 64;

/// Quads by quads a workgroup of the first form.
pub const CELLS: u32 = 64;

/// Feature map on queries and keys.
pub const IDENTITY: u32 = 0;
/// φ(z) = ELU(z) + 1.
pub const ELU1: u32 = 1;

/// φ of the linear modes.
pub fn feature(kind: u32, z: f64) -> f64 {
    match kind {
        ELU1 if z > 0.0 => z + 1.0,
        ELU1 => z.exp(),
        _ => z,
    }
}

/// Words of state a head: (width + 1) · value width + width.
pub fn state_words(width: u32, value_width: u32) -> u32 {
    (width + 1) * value_width + width
}

#[repr(C)]
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Params {
    pub tokens: u32,
    pub heads: u32,
    /// [`IDENTITY`] or [`ELU1`].
    pub feature: u32,
    pub pad: u32,
    /// Width 0 gives the state of uniform averaging: Σ v alone.
    pub key: HeadView,
    pub value: HeadView,
}

impl Kernel for Params {
    const INPUTS: &'static [&'static str] = &["keys", "values"];

    fn groups(&self) -> [u32; 3] {
        self.form_groups(0)
    }

    fn form_groups(&self, form: usize) -> [u32; 3] {
        let (k, v) = (self.key.width / 4, self.value.width / 4);
        let groups = match form {
            0 => (k * v + k + v).div_ceil(CELLS),
            _ => (k.div_ceil(2) * v.div_ceil(2) + k + v).div_ceil(32),
        };
        [groups, self.heads, self.tokens.div_ceil(CHUNK)]
    }

    fn output_words(&self) -> usize {
        let state = state_words(self.key.width, self.value.width);
        (self.tokens.div_ceil(CHUNK) * self.heads * state) as usize
    }

    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
        let [keys, values] = inputs else { unreachable!("chunk_state has two inputs") };
        let (w, vw) = (self.key.width as usize, self.value.width as usize);
        let words = state_words(self.key.width, self.value.width) as usize;
        let heads = self.heads as usize;
        let mut state = vec![0f64; words];
        for (n, out) in output.chunks_exact_mut(words).enumerate() {
            let (chunk, h) = (n / heads, n % heads);
            state.fill(0.0);
            for t in chunk * CHUNK as usize..((chunk + 1) * CHUNK as usize).min(self.tokens as usize) {
                let v = self.value.slice(values, t, h);
                for (a, k) in self.key.slice(keys, t, h).iter().enumerate() {
                    let k = feature(self.feature, f64::from(*k));
                    add_scaled(&mut state[a * vw..][..vw], v, k);
                    state[(w + 1) * vw + a] += k;
                }
                add_scaled(&mut state[w * vw..][..vw], v, 1.0);
            }
            store(out, state.iter().copied());
        }
    }
}
