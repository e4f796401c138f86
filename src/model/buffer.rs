//! The names of the buffers that plans read and write.

use super::LayerMode;
use crate::kernels::Op;

/// A stream of residuals that is kept between runs, so that baseline and modified never overwrite each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Every layer in the mode it was trained with.
    Baseline,
    /// The user's choice of modes.
    Modified,
    /// Runs beside those on screen: controls, sweeps.
    Sweep,
    /// Runs whose streams many others start from, while those are under way.
    Trunk(u8),
    /// One of several runs that go through the same layers together.
    Lane(u8),
}

/// A named buffer of f32 words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Buffer {
    TokenEmbedding,
    PositionEmbedding,
    FinalGain,
    FinalBias,
    Layer(usize, LayerPart),
    /// The matrices \[heads, w, w\] that turn a layer's projection into queries in one mode.
    ScoreKernel(usize, LayerMode),
    /// The matrices between all heads' score vectors, padded to one size, as pairs of f32.
    SpectrumKernels,
    /// \[tokens\], whole numbers.
    Ids,
    /// \[tokens\]: the next token's id; −1 after the last.
    Targets,
    /// \[tokens, lanes\]: the same for each lane.
    LaneTargets,
    /// \[tokens, lanes, d_model\]: residual streams side by side. Two, to go from one to the other.
    Lanes(bool),
    /// \[tokens, lanes, heads·score width\] and \[tokens, lanes, heads·value width\].
    LaneScores,
    LaneValues,
    /// Input of a layer, \[tokens, d_model\]; index `layers` is the output of the last one.
    Residual(Slot, usize),
    Normed,
    /// \[tokens, heads·score width + heads·value width\].
    Projected,
    /// The same of one layer of the baseline, kept for its spectra.
    KeptProjection(usize),
    Queries,
    ChunkStates,
    ChunkPrefixes,
    Attended,
    /// Residual stream between a layer's attention and its MLP.
    Middle,
    Hidden,
    Partials,
    /// \[tokens, 16\]: see `kernels::token_scores`.
    TokenScores,
    /// ZᵀZ of every head's score vectors on this text, then of its weights, as pairs of f32.
    Gram,
    GramFactors,
    Congruent,
    Tridiagonal,
    SingularValues,
    ResidualNorms,
}

/// Weights of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerPart {
    AttentionGain,
    AttentionBias,
    /// Rows that make the scores (u, or q and k in turn, a head at a time), then the value rows.
    ProjectionWeight,
    ProjectionBias,
    /// The same with scores and values apart, for runs in lanes.
    ScoreWeight,
    ScoreBias,
    ValueWeight,
    ValueBias,
    OutputWeight,
    OutputBias,
    MlpGain,
    MlpBias,
    UpWeight,
    UpBias,
    DownWeight,
    DownBias,
}

/// One kernel launch.
#[derive(Clone, Debug)]
pub struct Step {
    pub op: Op,
    pub inputs: Vec<Buffer>,
    pub output: Buffer,
}
