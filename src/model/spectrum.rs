//! The spectra of every head as a plan: Gram matrices, then the small matrices B = C⊤ J C, then one-sided
//! Jacobi. Neither a d×d nor a T×T matrix is formed. This is for GPUs, which run thousands of rotations at once;
//! where a GPU is imitated by the processor, `spectra::operating` takes a hundredth of the work.

use super::buffer::{Buffer, LayerPart, Slot};
use super::plan::Plan;
use super::{Config, Model, Scores};
use crate::kernels::congruence::FLOOR;
use crate::kernels::orthogonalize::{SWEEPS, TOLERANCE};
use crate::kernels::{HeadView, Op, congruence, gram, head_product, orthogonalize, row_norms};

/// Spectra a head, in the order of [`Buffer::SingularValues`]: routing, filtering; each for all layers and heads,
/// [`spectrum_side`] values each.
pub const SPECTRUM_KINDS: usize = 2;

/// Side of the padded small matrices: the widest score vector of any layer, in the multiples of 8 that
/// `kernels::orthogonalize` takes.
pub fn spectrum_side(config: &Config) -> usize {
    (0..config.layers).map(|l| config.score_width(l)).max().unwrap_or(0).next_multiple_of(8)
}

impl Plan<'_> {
    /// Norms of the rows of a slot's residual streams, at every layer's input: \[layers, tokens\].
    pub fn residual_norms(&mut self, slot: Slot) {
        let (layers, tokens) = (self.config.layers as u32, self.tokens as u32);
        for layer in 0..layers {
            let width = self.config.d_model as u32;
            let norms = row_norms::Params { rows: tokens, width, first: layer * tokens, total: layers * tokens };
            self.push(Op::RowNorms(norms), &[Buffer::Residual(slot, layer as usize)], Buffer::ResidualNorms);
        }
    }

    /// A layer's projections → its Gram matrices, in [`Buffer::Gram`].
    pub(super) fn operating_gram(&mut self, layer: usize, projected: Buffer) {
        let width = self.config.score_width(layer) as u32;
        let strides = (self.projected_width(layer) as u32, width, 1);
        self.gram(layer, self.tokens, strides, projected, Buffer::Gram);
    }

    /// All layers' weights → their Gram matrices, in [`Buffer::CapacityGram`].
    pub fn capacity_grams(&mut self) {
        let d = self.config.d_model as u32;
        for layer in 0..self.config.layers {
            let strides = (1, self.config.score_width(layer) as u32 * d, d);
            let weight = Buffer::Layer(layer, LayerPart::ProjectionWeight);
            self.gram(layer, d as usize, strides, weight, Buffer::CapacityGram);
        }
    }

    fn gram(&mut self, layer: usize, length: usize, strides: (u32, u32, u32), z: Buffer, output: Buffer) {
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
            first: layer as u32 * heads,
            total: self.config.layers as u32 * heads,
            pad: [0; 2],
        };
        self.push(Op::Gram(params), &[z], output);
    }

    /// Gram matrices of all heads → singular values of their routing and filtering parts, in
    /// [`Buffer::SingularValues`].
    pub fn singular_values(&mut self, gram: Buffer) {
        let (n, group) = (spectrum_side(self.config) as u32, (self.config.layers * self.config.heads) as u32);
        self.orthogonalize(group, n, gram, Buffer::GramRows, Buffer::GramNorms);
        let batch = SPECTRUM_KINDS as u32 * group;
        let view = HeadView { offset: 0, row: n, head: n * n, width: n };
        let products = head_product::Params { rows: n, heads: batch, kernels: batch, group, z: view, out: view };
        self.push(Op::HeadProduct(products), &[Buffer::GramRows, Buffer::SpectrumKernels], Buffer::Products);
        let congruent = congruence::Params { batch, n, share: batch, group, floor: FLOOR, pad: [0; 3] };
        let inputs = [Buffer::Products, Buffer::GramRows, Buffer::GramNorms];
        self.push(Op::Congruence(congruent), &inputs, Buffer::Congruent);
        self.orthogonalize(batch, n, Buffer::Congruent, Buffer::CongruentRows, Buffer::SingularValues);
    }

    fn orthogonalize(&mut self, batch: u32, n: u32, input: Buffer, rows: Buffer, norms: Buffer) {
        let params = orthogonalize::Params { batch, n, sweeps: SWEEPS, tolerance: TOLERANCE };
        self.push(Op::Orthogonalize(params), &[input], rows);
        let params = row_norms::Params { rows: batch * n, width: n, first: 0, total: batch * n };
        self.push(Op::RowNorms(params), &[rows], norms);
    }
}

/// Contents of [`Buffer::SpectrumKernels`]: with Z the score vectors, the routing part of G (or M) is
/// Z J Zᵀ and the filtering part Z F Zᵀ; J of all heads comes first, then F, each padded to n×n.
/// S-D: J = S/√r, F = −D/√r. Standard, Z = \[q k\]: J = ½\[\[0, I\], \[−I, 0\]\]/√r, F = ½\[\[0, I\], \[I, 0\]\]/√r.
pub fn spectrum_kernels(model: &Model) -> Vec<f32> {
    let (heads, n) = (model.config.heads, spectrum_side(&model.config));
    let group = model.config.layers * heads;
    let mut all = vec![0.0; 2 * group * n * n];
    for (l, layer) in model.layers.iter().enumerate() {
        let r = model.config.head_dim[l];
        let scale = 1.0 / (r as f32).sqrt();
        for h in 0..heads {
            let (routing, filtering) = all.split_at_mut(group * n * n);
            let start = (l * heads + h) * n * n;
            let (routing, filtering) = (&mut routing[start..][..n * n], &mut filtering[start..][..n * n]);
            match &layer.scores {
                Scores::SymmetricDefinite { s, d, .. } => {
                    for (i, j) in (0..r).flat_map(|i| (0..r).map(move |j| (i, j))) {
                        let source = (h * r + i) * r + j;
                        routing[i * n + j] = scale * s[source];
                        filtering[i * n + j] = -scale * d[source];
                    }
                }
                Scores::Standard { .. } => {
                    for i in 0..r {
                        (routing[i * n + r + i], routing[(r + i) * n + i]) = (0.5 * scale, -0.5 * scale);
                        (filtering[i * n + r + i], filtering[(r + i) * n + i]) = (0.5 * scale, 0.5 * scale);
                    }
                }
            }
        }
    }
    all
}
