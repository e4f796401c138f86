//! Configuration and weights, the same for every family, the layer modes, and the plan.

mod buffer;
mod constants;
mod lanes;
mod mode;
mod plan;
pub mod random;
mod spectrum;

pub use buffer::{Buffer, LayerPart, Slot, Step};
pub(crate) use constants::projection;
pub use constants::{constants, split_projection};
pub use lanes::{Lane, lane_words};
pub use mode::{LayerMode, ModesError, format_modes, parse_modes, same_switches, solo_variants, sweep_variants};
pub use plan::{Keep, Plan, score_kernel};
pub use spectrum::{SPECTRUM_KINDS, head_kernel, spectrum_kernels, spectrum_side};

/// Shapes and constants of a model, in the terms that every family shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `model_type` of the checkpoint.
    pub family: &'static str,
    pub layers: usize,
    pub d_model: usize,
    pub heads: usize,
    /// r, one a layer.
    pub head_dim: Vec<usize>,
    /// Width of a head's values, one a layer.
    pub value_dim: Vec<usize>,
    pub d_ff: usize,
    pub vocab_size: usize,
    /// Context length in tokens.
    pub context: usize,
    /// α: x₀ = α (E\[token\] + P\[position\]).
    pub embed_scale: f32,
    /// ε of layer normalisation; families without norms never read it.
    pub norm_epsilon: f32,
    /// The mode each layer was trained with.
    pub trained: Vec<LayerMode>,
    pub filter: Filter,
}

/// The form of D, the filtering kernel of an S-D head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Families whose heads have none.
    None,
    /// D = diag(softplus(δ)).
    Diagonal,
    /// D = L Lᵀ.
    Full,
}

/// y = x Wᵀ + b, W \[out, in\].
#[derive(Clone, Debug)]
pub struct Linear {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Layer normalisation's gain and bias, \[d_model\].
#[derive(Clone, Debug)]
pub struct Norm {
    pub gain: Vec<f32>,
    pub bias: Vec<f32>,
}

/// What makes a head's scores G.
#[derive(Clone, Debug)]
pub enum Scores {
    /// G = u (S − D) uᵀ/√r with one shared projection u = x Wᵀ.
    SymmetricDefinite {
        /// W, \[heads·r, d_model\].
        u: Vec<f32>,
        /// S = A − Aᵀ, \[heads, r, r\]: routing.
        s: Vec<f32>,
        /// D, \[heads, r, r\]: filtering.
        d: Vec<f32>,
    },
    /// G = q kᵀ/√r.
    Standard { query: Linear, key: Linear },
}

#[derive(Clone, Debug)]
pub struct Layer {
    pub attention_norm: Option<Norm>,
    pub scores: Scores,
    pub value: Linear,
    pub output: Linear,
    pub mlp_norm: Option<Norm>,
    pub up: Linear,
    pub down: Linear,
}

#[derive(Clone, Debug)]
pub struct Model {
    pub config: Config,
    /// \[vocab_size, d_model\], tied to the output projection.
    pub token_embedding: Vec<f32>,
    /// \[context, d_model\].
    pub position_embedding: Vec<f32>,
    pub layers: Vec<Layer>,
    pub final_norm: Option<Norm>,
    /// Number of stored parameters, and of those in the attention blocks (scores, values, output).
    pub parameters: usize,
    pub attention_parameters: usize,
}

impl Config {
    /// Width of what the scores are made from: r for S-D (u), 2r for a standard head (\[q k\]).
    pub fn score_width(&self, layer: usize) -> usize {
        self.head_dim[layer] * if self.is_sd() { 1 } else { 2 }
    }

    pub fn is_sd(&self) -> bool {
        self.family == "sd"
    }

    /// S-D blocks run on the bare residual stream.
    pub fn has_norms(&self) -> bool {
        !self.is_sd()
    }
}
