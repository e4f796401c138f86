//! What the CPU engine runs: f32 forms of the kernels that take time, four words at once and in parts that do not
//! depend on each other. The references stay what they are, plain and in f64, and check these as they check the
//! shaders; a kernel without a form here runs as its reference.
//!
//! To add one: `src/kernels/fast/x.rs` with `impl Fast for x::Params`, one row in [`Op::compute`].

mod attention;
mod chunk_state;
mod head_product;
mod layer_norm;
mod linear_attention;
mod matmul;
mod tiles;
mod unembed;

use super::{Kernel, Op};

/// A kernel's output in parts of equal length; only the last may be cut short by the buffer's end.
pub struct Parts {
    /// Word at which the first begins.
    first: usize,
    /// Length of each.
    words: usize,
    count: usize,
}

impl Parts {
    /// Rows of a matrix, so many a part.
    fn of_rows(rows: u32, a_part: usize, row_words: usize) -> Self {
        Parts { first: 0, words: a_part * row_words, count: (rows as usize).div_ceil(a_part) }
    }
}

/// A kernel's form for CPUs. Inputs and output are laid out as in [`super::Kernel::reference`].
pub trait Fast: Sync {
    fn parts(&self) -> Parts;
    /// Computes one part into its words of the output.
    fn part(&self, inputs: &[&[f32]], index: usize, output: &mut [f32]);
}

impl Op {
    /// The kernel's form for CPUs on all cores, or its reference where it has none.
    pub fn compute(&self, inputs: &[&[f32]], output: &mut [f32]) {
        match self {
            // Launches cost nothing here: plans for CPUs fuse none.
            Op::Attention(params) if params.kernels > 0 => params.reference(inputs, output),
            Op::LinearAttention(params) if params.kernels > 0 => params.reference(inputs, output),
            Op::LayerNorm(params) => run(params, inputs, output),
            Op::Matmul(params) => run(params, inputs, output),
            Op::HeadProduct(params) => run(params, inputs, output),
            Op::Attention(params) => run(params, inputs, output),
            Op::ChunkState(params) => run(params, inputs, output),
            Op::LinearAttention(params) => run(params, inputs, output),
            Op::Unembed(params) => run(params, inputs, output),
            Op::Embed(_) | Op::Interleave(_) | Op::ChunkScan(_) | Op::TokenScores(_) | Op::RowNorms(_) => {
                self.reference(inputs, output)
            }
            // The spectra, which are solved another way where there is no GPU.
            Op::Gram(_) | Op::Cholesky(_) | Op::Congruence(_) | Op::Tridiagonal(_) | Op::Bisection(_) => {
                self.reference(inputs, output)
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn run(kernel: &impl Fast, inputs: &[&[f32]], output: &mut [f32]) {
    use rayon::prelude::*;

    let Parts { first, words, count } = kernel.parts();
    let parts = output[first..].par_chunks_mut(words.max(1)).take(count).enumerate();
    parts.for_each(|(index, part)| kernel.part(inputs, index, part));
}

#[cfg(target_arch = "wasm32")]
fn run(kernel: &impl Fast, inputs: &[&[f32]], output: &mut [f32]) {
    let Parts { first, words, count } = kernel.parts();
    for (index, part) in output[first..].chunks_mut(words.max(1)).take(count).enumerate() {
        kernel.part(inputs, index, part);
    }
}
