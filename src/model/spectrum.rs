//! The spectra of every head as a plan: Gram matrices, the small matrices B = Cᵀ K C, their parts in tridiagonal form,
//! and bisection; what `spectra::operating` does on the processor. Neither a d×d nor a T×T matrix is formed. One-sided
//! Jacobi would take ten times the operations and, in f32, lose the small values: this is in pairs of f32, some 46
//! bits, since WebGPU has no f64.

use super::buffer::{Buffer, LayerPart, Slot};
use super::plan::Plan;
use super::{Config, Model, Scores};
use crate::kernels::cholesky::FLOOR;
use crate::kernels::{Op, SIX, bisection, cholesky, congruence, double, gram, row_norms, tridiagonal};

/// Spectra a Gram matrix, in the order of [`Buffer::SingularValues`]: routing of all, filtering of all,
/// [`spectrum_side`] values each.
pub const SPECTRUM_KINDS: usize = 2;

/// Side of the padded small matrices: the widest score vector of any layer, in the multiples of 8 that
/// `kernels::cholesky` takes.
pub fn spectrum_side(config: &Config) -> usize {
    (0..config.layers).map(|l| config.score_width(l)).max().unwrap_or(0).next_multiple_of(8)
}

impl Plan<'_> {
    /// Norms of the rows of a slot's residual streams, at every layer's input: \[layers, tokens\].
    pub fn residual_norms(&mut self, slot: Slot) {
        let (rows, width) = (self.tokens as u32, self.config.d_model as u32);
        let total = self.config.layers as u32 * rows;
        let streams: Vec<Buffer> = (0..self.config.layers).map(|layer| Buffer::Residual(slot, layer)).collect();
        for (part, streams) in streams.chunks(SIX.len()).enumerate() {
            let first = (part * SIX.len()) as u32 * rows;
            let norms = row_norms::Params { rows, width, inputs: streams.len() as u32, first, total, pad: [0; 3] };
            self.push(Op::RowNorms(norms), &six(streams), Buffer::ResidualNorms);
        }
    }

    /// A layer's projections → its Gram matrices, in [`Buffer::Gram`].
    pub(super) fn operating_gram(&mut self, layer: usize, projected: Buffer) {
        let width = self.config.score_width(layer) as u32;
        let strides = (self.projected_width(layer) as u32, width, 1);
        self.gram(layer, self.tokens, strides, &[projected], 0);
    }

    /// All layers' weights → their Gram matrices, in the second half of [`Buffer::Gram`].
    pub fn capacity_grams(&mut self) {
        let (config, d) = (self.config, self.config.d_model as u32);
        let layers: Vec<usize> = (0..config.layers).collect();
        // Layers of one width go together.
        for same in layers.chunk_by(|a, b| config.score_width(*a) == config.score_width(*b)) {
            for part in same.chunks(SIX.len()) {
                let strides = (1, config.score_width(part[0]) as u32 * d, d);
                let weights: Vec<Buffer> =
                    part.iter().map(|layer| Buffer::Layer(*layer, LayerPart::ProjectionWeight)).collect();
                self.gram(part[0], d as usize, strides, &weights, config.layers * config.heads);
            }
        }
    }

    fn gram(&mut self, layer: usize, length: usize, strides: (u32, u32, u32), z: &[Buffer], first: usize) {
        let heads = self.config.heads as u32;
        let params = gram::Params {
            length: length as u32,
            width: self.config.score_width(layer) as u32,
            n: spectrum_side(self.config) as u32,
            heads,
            offset: 0,
            row: strides.0,
            head: strides.1,
            column: strides.2,
            first: first as u32 + layer as u32 * heads,
            total: 2 * self.config.layers as u32 * heads,
            inputs: z.len() as u32,
            zero: 0,
        };
        self.push(Op::Gram(params), &six(z), Buffer::Gram);
    }

    /// The first `batch` Gram matrices → singular values of their routing and filtering parts, as
    /// `kernels::bisection` orders them, in [`Buffer::SingularValues`].
    pub fn singular_values(&mut self, batch: usize) {
        let (n, group) = (spectrum_side(self.config) as u32, (self.config.layers * self.config.heads) as u32);
        let batch = batch as u32;
        let factors = cholesky::Params { batch, n, floor: FLOOR, zero: 0 };
        self.push(Op::Cholesky(factors), &[Buffer::Gram], Buffer::GramFactors);
        let congruent = congruence::Params { batch, group, n, zero: 0 };
        let inputs = [Buffer::GramFactors, Buffer::SpectrumKernels];
        self.push(Op::Congruence(congruent), &inputs, Buffer::Congruent);
        let reflected = tridiagonal::Params { batch, n, zero: 0, pad: [0; 1] };
        self.push(Op::Tridiagonal(reflected), &[Buffer::Congruent], Buffer::Tridiagonal);
        let values = bisection::Params { batch: SPECTRUM_KINDS as u32 * batch, n, zero: 0, pad: [0; 1] };
        self.push(Op::Bisection(values), &[Buffer::Tridiagonal], Buffer::SingularValues);
    }
}

/// Inputs of a kernel that takes up to six; the rest is bound to the first.
fn six(buffers: &[Buffer]) -> [Buffer; SIX.len()] {
    std::array::from_fn(|i| buffers.get(i).copied().unwrap_or(buffers[0]))
}

/// Contents of [`Buffer::SpectrumKernels`]: K of all heads, each padded to n×n, as pairs of f32. With Z the score
/// vectors, G (or M) is Z K Zᵀ: see [`head_kernel`].
pub fn spectrum_kernels(model: &Model) -> Vec<f32> {
    let (heads, n) = (model.config.heads, spectrum_side(&model.config));
    let mut all = vec![0.0; 2 * model.config.layers * heads * n * n];
    for (place, out) in all.chunks_exact_mut(2 * n * n).enumerate() {
        let width = model.config.score_width(place / heads);
        let kernel = head_kernel(model, place / heads, place % heads);
        for (out, row) in out.chunks_exact_mut(2 * n).zip(kernel.chunks_exact(width)) {
            double::store(out, row.iter().copied());
        }
    }
    all
}

/// K of G = Z K Zᵀ, \[width, width\]: (S − D)/√r with Z the score vectors of an S-D head, \[\[0, I\], \[0, 0\]\]/√r with
/// Z = \[q k\] of a standard one.
pub fn head_kernel(model: &Model, layer: usize, head: usize) -> Vec<f64> {
    let (r, width) = (model.config.head_dim[layer], model.config.score_width(layer));
    let scale = 1.0 / (r as f64).sqrt();
    match &model.layers[layer].scores {
        Scores::SymmetricDefinite { s, d, .. } => {
            let block = head * r * r..(head + 1) * r * r;
            s[block.clone()].iter().zip(&d[block]).map(|(s, d)| scale * (f64::from(*s) - f64::from(*d))).collect()
        }
        Scores::Standard { .. } => {
            (0..width * width).map(|e| if e % width == e / width + r { scale } else { 0.0 }).collect()
        }
    }
}
