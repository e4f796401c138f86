//! The spectra of every head as a plan: Gram matrices, then the small matrices B = C⊤ J C, then one-sided
//! Jacobi. Neither a d×d nor a T×T matrix is formed.

use super::plan::{Buffer, LayerPart, Plan};
use super::{Config, Model, Scores};
use crate::kernels::congruence::FLOOR;
use crate::kernels::orthogonalize::{SWEEPS, TOLERANCE};
use crate::kernels::{HeadView, Op, congruence, gram, head_product, orthogonalize, row_norms};

/// Spectra a head, in the order of [`Buffer::SingularValues`]: operating routing, operating filtering,
/// capacity routing, capacity filtering; each for all layers and heads, [`spectrum_side`] values each.
pub const SPECTRUM_KINDS: usize = 4;

/// Side of the padded small matrices: the widest score vector of any layer, in the multiples of 8 that
/// `kernels::orthogonalize` takes.
pub fn spectrum_side(config: &Config) -> usize {
    (0..config.layers).map(|l| config.score_width(l)).max().unwrap_or(0).next_multiple_of(8)
}

impl Plan<'_> {
    /// Singular values of the routing and filtering parts of G (on the baseline's residual streams) and of the
    /// weight kernel M, and the norms of the residual stream's rows at every layer input. `inputs[l]` is the
    /// buffer that holds layer l's input.
    pub fn spectra(&mut self, inputs: &[Buffer]) {
        let (layers, heads) = (self.config.layers, self.config.heads);
        let (n, group) = (spectrum_side(self.config) as u32, (layers * heads) as u32);
        let (tokens, d_model) = (self.tokens as u32, self.config.d_model as u32);
        for (layer, input) in inputs.iter().enumerate().take(layers) {
            let first = (layer * tokens as usize) as u32;
            let norms = row_norms::Params { rows: tokens, width: d_model, first, total: layers as u32 * tokens };
            self.push(Op::RowNorms(norms), &[*input], Buffer::ResidualNorms);
            self.project(layer, *input);
            let width = self.config.score_width(layer) as u32;
            let operating = gram::Params {
                length: tokens,
                width,
                n,
                heads: heads as u32,
                offset: 0,
                row: self.projected_width(layer) as u32,
                head: width,
                column: 1,
                first: (layer * heads) as u32,
                total: 2 * group,
                pad: [0; 2],
            };
            self.push(Op::Gram(operating), &[Buffer::Projected], Buffer::Gram);
            let first = group + operating.first;
            let capacity =
                gram::Params { length: d_model, row: 1, head: width * d_model, column: d_model, first, ..operating };
            self.push(Op::Gram(capacity), &[Buffer::Layer(layer, LayerPart::ProjectionWeight)], Buffer::Gram);
        }
        self.orthogonalize(2 * group, n, Buffer::Gram, Buffer::GramRows, Buffer::GramNorms);

        let batch = SPECTRUM_KINDS as u32 * group;
        let view = HeadView { offset: 0, row: n, head: n * n, width: n };
        let products = head_product::Params { rows: n, heads: batch, kernels: 2 * group, group, z: view, out: view };
        self.push(Op::HeadProduct(products), &[Buffer::GramRows, Buffer::SpectrumKernels], Buffer::Products);
        let congruent = congruence::Params { batch, n, share: 2 * group, group, floor: FLOOR, pad: [0; 3] };
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
