//! Several runs side by side. They share every layer from some depth on, so their token rows are stacked, token by
//! token and lane by lane, and each product with weights is one launch for all of them; to attention, lanes are
//! more heads. On a GPU that a single short text leaves mostly idle, lanes cost next to nothing.

use super::buffer::{Buffer, LayerPart, Slot};
use super::plan::Plan;
use super::{Config, LayerMode};
use crate::kernels::matmul::BIAS;
use crate::kernels::{Op, interleave};

/// One of the runs.
#[derive(Clone, Debug)]
pub struct Lane {
    /// A stream that is there, and the first layer whose input to take from it.
    pub source: Slot,
    pub from: usize,
    /// One a layer.
    pub modes: Vec<LayerMode>,
}

impl Lane {
    /// The first layer from which on the lane runs as trained, and so together with others.
    fn joins(&self, trained: &[LayerMode]) -> usize {
        let last = self.modes.iter().zip(trained).rposition(|(a, b)| a != b);
        last.map_or(self.from, |layer| (layer + 1).max(self.from))
    }
}

/// Words of the largest buffer that a lane needs.
pub fn lane_words(config: &Config, tokens: usize) -> usize {
    let slabs = config.vocab_size.div_ceil(crate::kernels::unembed::SLAB as usize);
    let widths = (0..config.layers).map(|l| config.score_width(l).max(config.value_dim[l]) * config.heads);
    tokens * widths.max().unwrap_or(0).max(config.d_ff).max(slabs * crate::kernels::unembed::RECORD)
}

impl Plan<'_> {
    /// All lanes to their token scores, \[tokens, lanes, 16\]. Returns the order in which the lanes stand there.
    pub fn run_lanes(&mut self, lanes: &[Lane]) -> Vec<usize> {
        let trained = self.config.trained.clone();
        let mut order: Vec<usize> = Vec::with_capacity(lanes.len());
        let mut current = Buffer::Lanes(false);
        for layer in 0..=self.config.layers {
            let joining: Vec<usize> = (0..lanes.len()).filter(|i| lanes[*i].joins(&trained) == layer).collect();
            if !joining.is_empty() {
                let total = order.len() + joining.len();
                let next = other(current);
                if !order.is_empty() {
                    self.interleave(current, (order.len(), 0), next, (total, 0), order.len());
                }
                for i in joining {
                    self.lanes = 1;
                    let single = self.alone(&lanes[i], layer, Slot::Lane(i as u8));
                    self.interleave(single, (1, 0), next, (total, order.len()), 1);
                    order.push(i);
                }
                current = next;
            }
            if layer < self.config.layers && !order.is_empty() {
                self.lanes = order.len();
                self.layer_into(layer, trained[layer], current, other(current));
                current = other(current);
            }
        }
        self.lanes = order.len();
        self.score_from(current, Buffer::LaneTargets);
        order
    }

    /// The layers that a lane has to itself: where its input to layer `to` is then.
    fn alone(&mut self, lane: &Lane, to: usize, slot: Slot) -> Buffer {
        let mut input = Buffer::Residual(lane.source, lane.from);
        for layer in lane.from..to {
            // Streams of lanes are not kept: two buffers each are enough.
            let output = Buffer::Residual(slot, layer % 2);
            self.layer_into(layer, lane.modes[layer], input, output);
            input = output;
        }
        input
    }

    /// Copies `count` lanes; (lanes in the buffer, first of them to read or write).
    fn interleave(&mut self, from: Buffer, source: (usize, usize), to: Buffer, target: (usize, usize), count: usize) {
        let params = interleave::Params {
            rows: self.tokens as u32,
            width: self.config.d_model as u32,
            count: count as u32,
            source_lanes: source.0 as u32,
            source_first: source.1 as u32,
            target_lanes: target.0 as u32,
            target_first: target.1 as u32,
            pad: 0,
        };
        self.push(Op::Interleave(params), &[from], to);
    }

    /// Scores and values of all lanes, each in a buffer of their own: so a head's stride serves lanes as well.
    pub(super) fn project_lanes(&mut self, layer: usize, normed: Buffer) {
        let part = |part| Buffer::Layer(layer, part);
        let (d, heads) = (self.config.d_model, self.config.heads);
        let scores = [normed, part(LayerPart::ScoreWeight), part(LayerPart::ScoreBias), normed];
        self.matmul(d, heads * self.config.score_width(layer), BIAS, &scores, Buffer::LaneScores);
        let values = [normed, part(LayerPart::ValueWeight), part(LayerPart::ValueBias), normed];
        self.matmul(d, heads * self.config.value_dim[layer], BIAS, &values, Buffer::LaneValues);
    }
}

fn other(lanes: Buffer) -> Buffer {
    Buffer::Lanes(lanes == Buffer::Lanes(false))
}
