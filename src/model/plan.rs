//! The forward pass as data: a list of kernel launches over named buffers. Both engines run the same list.

use super::buffer::{Buffer, LayerPart, Slot, Step};
use super::{Config, LayerMode};
use crate::kernels::chunk_state::{self, CHUNK, ELU1, IDENTITY, state_words};
use crate::kernels::linear_attention::ELU1_EPSILON;
use crate::kernels::matmul::{BIAS, GELU, RESIDUAL};
use crate::kernels::unembed::SLAB;
use crate::kernels::{
    HeadView, Op, attention, chunk_scan, embed, head_product, layer_norm, linear_attention, matmul, token_scores,
    unembed,
};

/// What a plan keeps of the projections on the way, for the spectra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    /// Themselves, in [`Buffer::KeptProjection`].
    Projections,
    /// Their Gram matrices, in [`Buffer::Gram`].
    Gram,
}

/// A list of steps under construction for one model and number of tokens.
pub struct Plan<'a> {
    pub(super) config: &'a Config,
    pub(super) tokens: usize,
    /// How many runs go through the steps side by side, token by token.
    pub(super) lanes: usize,
    keep: Keep,
    /// Whether queries that small matrices make come from a launch of their own, not from attention itself.
    pub queries_apart: bool,
    /// Where the layer under construction has its projections.
    projected: Buffer,
    pub steps: Vec<Step>,
}

/// Where a layer's queries, keys and values lie, and the factor on their scores.
struct Heads {
    /// z where `kernels` says how many matrices, in `matrices`, are yet to make queries of it.
    queries: (Buffer, HeadView),
    kernels: u32,
    matrices: Buffer,
    key: (Buffer, HeadView),
    value: (Buffer, HeadView),
    scale: f32,
}

impl<'a> Plan<'a> {
    pub fn new(config: &'a Config, tokens: usize) -> Self {
        Self::keeping(config, tokens, Keep::Nothing)
    }

    pub fn keeping(config: &'a Config, tokens: usize, keep: Keep) -> Self {
        Plan { config, tokens, lanes: 1, keep, queries_apart: true, projected: Buffer::Projected, steps: Vec::new() }
    }

    pub(super) fn push(&mut self, op: Op, inputs: &[Buffer], output: Buffer) {
        self.steps.push(Step { op, inputs: inputs.to_vec(), output });
    }

    /// Ids → the first layer's input.
    pub fn embed(&mut self, slot: Slot) {
        let params = embed::Params {
            tokens: self.tokens as u32,
            d_model: self.config.d_model as u32,
            scale: self.config.embed_scale,
            vocab: self.config.vocab_size as u32,
            first_id: 0,
            pad: [0; 3],
        };
        let inputs = [Buffer::Ids, Buffer::TokenEmbedding, Buffer::PositionEmbedding];
        self.push(Op::Embed(params), &inputs, Buffer::Residual(slot, 0));
    }

    /// One layer in one mode: `input` → the next layer's input in `slot`.
    pub fn layer(&mut self, layer: usize, mode: LayerMode, input: Buffer, slot: Slot) {
        self.layer_into(layer, mode, input, Buffer::Residual(slot, layer + 1));
    }

    /// The same, into any buffer but the input.
    pub(super) fn layer_into(&mut self, layer: usize, mode: LayerMode, input: Buffer, output: Buffer) {
        let part = |part| Buffer::Layer(layer, part);
        let (d, heads) = (self.config.d_model, self.config.heads);
        let middle = if mode == LayerMode::Off {
            if self.keep != Keep::Nothing {
                self.project(layer, input);
            }
            input
        } else {
            self.project(layer, input);
            self.mix(layer, mode);
            let inputs = [Buffer::Attended, part(LayerPart::OutputWeight), part(LayerPart::OutputBias), input];
            let inner = heads * self.config.value_dim[layer];
            self.matmul(inner, d, BIAS | RESIDUAL, &inputs, Buffer::Middle);
            Buffer::Middle
        };
        let normed = self.norm(middle, part(LayerPart::MlpGain), part(LayerPart::MlpBias));
        let up = [normed, part(LayerPart::UpWeight), part(LayerPart::UpBias), normed];
        self.matmul(d, self.config.d_ff, BIAS | GELU, &up, Buffer::Hidden);
        let down = [Buffer::Hidden, part(LayerPart::DownWeight), part(LayerPart::DownBias), middle];
        self.matmul(self.config.d_ff, d, BIAS | RESIDUAL, &down, output);
    }

    /// Output of the last layer → losses and top five, in [`Buffer::TokenScores`].
    pub fn score(&mut self, slot: Slot) {
        self.score_from(Buffer::Residual(slot, self.config.layers), Buffer::Targets);
    }

    pub(super) fn score_from(&mut self, output: Buffer, targets: Buffer) {
        let x = self.norm(output, Buffer::FinalGain, Buffer::FinalBias);
        let (rows, vocab) = (self.rows(), self.config.vocab_size as u32);
        let params = unembed::Params::whole(rows, self.config.d_model as u32, vocab);
        self.push(Op::Unembed(params), &[x, Buffer::TokenEmbedding, targets], Buffer::Partials);
        let merge = token_scores::Params { rows, slabs: vocab.div_ceil(SLAB), pad: [0; 2] };
        self.push(Op::TokenScores(merge), &[Buffer::Partials], Buffer::TokenScores);
    }

    /// A layer's input → its score vectors and values, in [`Buffer::Projected`] or where they are kept.
    pub(crate) fn project(&mut self, layer: usize, input: Buffer) {
        let part = |part| Buffer::Layer(layer, part);
        let normed = self.norm(input, part(LayerPart::AttentionGain), part(LayerPart::AttentionBias));
        if self.lanes > 1 {
            return self.project_lanes(layer, normed);
        }
        self.projected = if self.keep == Keep::Projections { Buffer::KeptProjection(layer) } else { Buffer::Projected };
        let inputs = [normed, part(LayerPart::ProjectionWeight), part(LayerPart::ProjectionBias), normed];
        self.matmul(self.config.d_model, self.projected_width(layer), BIAS, &inputs, self.projected);
        if self.keep == Keep::Gram {
            self.operating_gram(layer, self.projected);
        }
    }

    pub(crate) fn projected_width(&self, layer: usize) -> usize {
        self.config.heads * (self.config.score_width(layer) + self.config.value_dim[layer])
    }

    /// The input itself in families without norms.
    fn norm(&mut self, input: Buffer, gain: Buffer, bias: Buffer) -> Buffer {
        if !self.config.has_norms() {
            return input;
        }
        let (rows, d_model) = (self.rows(), self.config.d_model as u32);
        let params = layer_norm::Params { rows, d_model, epsilon: self.config.norm_epsilon, pad: 0 };
        self.push(Op::LayerNorm(params), &[input, gain, bias], Buffer::Normed);
        Buffer::Normed
    }

    fn rows(&self) -> u32 {
        (self.tokens * self.lanes) as u32
    }

    pub(super) fn matmul(&mut self, inner: usize, cols: usize, flags: u32, inputs: &[Buffer; 4], output: Buffer) {
        let params = matmul::Params { rows: self.rows(), inner: inner as u32, cols: cols as u32, flags };
        self.push(Op::Matmul(params), inputs, output);
    }

    /// Projected → Attended, by the layer's mode.
    fn mix(&mut self, layer: usize, mode: LayerMode) {
        match mode {
            LayerMode::Linearized => self.mix_linear(layer, mode, IDENTITY),
            LayerMode::Elu1 => self.mix_linear(layer, mode, ELU1),
            LayerMode::Uniform => self.mix_linear(layer, mode, IDENTITY),
            _ => self.mix_softmax(layer, mode),
        }
    }

    fn mix_softmax(&mut self, layer: usize, mode: LayerMode) {
        let Heads { queries, kernels, matrices, key, value, scale } = self.heads(layer, mode);
        let (tokens, heads) = (self.tokens as u32, self.lane_heads());
        let (query, key_view, value_view) = (queries.1, key.1, value.1);
        let params = attention::Params { tokens, heads, scale, kernels, query, key: key_view, value: value_view };
        self.push(Op::Attention(params), &[queries.0, key.0, value.0, matrices], Buffer::Attended);
    }

    fn mix_linear(&mut self, layer: usize, mode: LayerMode, feature: u32) {
        let Heads { queries, kernels, matrices, key, value, scale } = self.heads(layer, mode);
        let (tokens, heads) = (self.tokens as u32, self.lane_heads());
        let state = chunk_state::Params { tokens, heads, feature, pad: 0, key: key.1, value: value.1 };
        self.push(Op::ChunkState(state), &[key.0, value.0], Buffer::ChunkStates);
        let words = heads * state_words(key.1.width, value.1.width);
        let scan = chunk_scan::Params { chunks: tokens.div_ceil(CHUNK), words, pad: [0; 2] };
        self.push(Op::ChunkScan(scan), &[Buffer::ChunkStates], Buffer::ChunkPrefixes);
        let epsilon = ELU1_EPSILON;
        let (query, key_view, value_view) = (queries.1, key.1, value.1);
        let params = linear_attention::Params {
            tokens,
            heads,
            feature,
            scale,
            epsilon,
            kernels,
            pad: [0; 2],
            query,
            key: key_view,
            value: value_view,
        };
        let inputs = [queries.0, key.0, value.0, Buffer::ChunkPrefixes, matrices];
        self.push(Op::LinearAttention(params), &inputs, Buffer::Attended);
    }

    /// Lanes lie side by side at every token, so to the mixing they are more heads.
    fn lane_heads(&self) -> u32 {
        (self.lanes * self.config.heads) as u32
    }

    /// Says where everything lies. Makes the queries where a small matrix a head is needed and attention won't.
    fn heads(&mut self, layer: usize, mode: LayerMode) -> Heads {
        let (heads, r) = (self.config.heads as u32, self.config.head_dim[layer] as u32);
        let (width, value_width) = (self.config.score_width(layer) as u32, self.config.value_dim[layer] as u32);
        let all = self.lane_heads();
        let (scores, values, row, value_row, offset) = if self.lanes > 1 {
            (Buffer::LaneScores, Buffer::LaneValues, all * width, all * value_width, 0)
        } else {
            let row = self.projected_width(layer) as u32;
            (self.projected, self.projected, row, row, heads * width)
        };
        let value = (values, HeadView { offset, row: value_row, head: value_width, width: value_width });
        let view = |offset, used| (scores, HeadView { offset, row, head: width, width: used });
        let root = (r as f32).sqrt();
        // An input that is not used may be bound to anything.
        let as_they_are = |queries, key, scale| Heads { queries, kernels: 0, matrices: scores, key, value, scale };
        if mode == LayerMode::Uniform {
            return as_they_are(view(0, 0), view(0, 0), 0.0);
        }
        match score_kernel(self.config, mode) {
            // A standard head whole: q and k lie side by side.
            None => as_they_are(view(0, r), view(r, r), 1.0 / root),
            // q = z K, k = z, with z = u for S-D and z = [q k] for a standard head.
            Some(kernel) => {
                let (z, matrices) = (view(0, width), Buffer::ScoreKernel(layer, kernel));
                let scale = if self.config.is_sd() { 1.0 / root } else { 0.5 / root };
                if !self.queries_apart {
                    return Heads { queries: z, kernels: heads, matrices, key: z, value, scale };
                }
                let out = HeadView { offset: 0, row: all * width, head: width, width };
                let rows = self.tokens as u32;
                let params = head_product::Params { rows, heads: all, kernels: heads, pad: [0; 1], z: z.1, out };
                self.push(Op::HeadProduct(params), &[z.0, matrices], Buffer::Queries);
                as_they_are((Buffer::Queries, out), z, scale)
            }
        }
    }
}

/// Which mode's small matrices make the queries: None where q and k serve as they are. Modes that use the
/// whole of G share those of softmax.
pub fn score_kernel(config: &Config, mode: LayerMode) -> Option<LayerMode> {
    match mode {
        LayerMode::Routing | LayerMode::Filtering | LayerMode::Rank(_) => Some(mode),
        LayerMode::Softmax | LayerMode::Linearized | LayerMode::Elu1 => config.is_sd().then_some(LayerMode::Softmax),
        LayerMode::Uniform | LayerMode::Off => None,
    }
}
