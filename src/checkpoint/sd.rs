//! The `sd` family: one shared projection u a head, S = A − Aᵀ, D positive semidefinite, no norms.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{CheckpointError, MAX_HEAD, MAX_LAYERS, MAX_SIZE, MAX_VALUE, Tensors, size, sizes, typed, value};
use crate::model::{self, Config, Layer, LayerMode, Model, Scores};

#[derive(Deserialize)]
struct SdConfig {
    n_layer: usize,
    d_model: usize,
    n_head: usize,
    head_dim: Vec<usize>,
    value_dim: Vec<usize>,
    d_ff: usize,
    vocab_size: usize,
    n_ctx: usize,
    embed_scale: f32,
    #[serde(default)]
    filter: Filter,
    activation: String,
    attention: Vec<String>,
    #[serde(default = "yes")]
    tie_embeddings: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Filter {
    #[default]
    Diagonal,
    Psd,
}

fn yes() -> bool {
    true
}

pub fn read(config: &Map<String, Value>, tensors: &mut Tensors) -> Result<Model, CheckpointError> {
    let raw: SdConfig = typed(config)?;
    let layers = size("n_layer", raw.n_layer, MAX_LAYERS, 1)?;
    if raw.activation != "gelu_tanh" {
        return Err(value("activation", raw.activation, "gelu_tanh"));
    }
    if !raw.tie_embeddings {
        return Err(value("tie_embeddings", false, true));
    }
    if !raw.embed_scale.is_finite() || raw.embed_scale <= 0.0 {
        return Err(value("embed_scale", raw.embed_scale, "a positive number"));
    }
    if raw.attention.len() != layers {
        let found = format!("a list of {}", raw.attention.len());
        return Err(value("attention", found, format!("one mode for each of {layers} layers")));
    }
    let trained = raw.attention.iter().map(|name| match name.as_str() {
        "softmax" => Ok(LayerMode::Softmax),
        "elu1" => Ok(LayerMode::Elu1),
        other => Err(value("attention", other, "softmax or elu1")),
    });
    let config = Config {
        family: "sd",
        layers,
        d_model: size("d_model", raw.d_model, MAX_SIZE, 4)?,
        heads: size("n_head", raw.n_head, MAX_SIZE, 1)?,
        head_dim: sizes("head_dim", raw.head_dim, layers, MAX_HEAD)?,
        value_dim: sizes("value_dim", raw.value_dim, layers, MAX_VALUE)?,
        d_ff: size("d_ff", raw.d_ff, MAX_SIZE, 4)?,
        vocab_size: size("vocab_size", raw.vocab_size, MAX_SIZE, 1)?,
        context: size("n_ctx", raw.n_ctx, MAX_SIZE, 1)?,
        embed_scale: raw.embed_scale,
        norm_epsilon: 0.0,
        trained: trained.collect::<Result<_, _>>()?,
        filter: match raw.filter {
            Filter::Diagonal => model::Filter::Diagonal,
            Filter::Psd => model::Filter::Full,
        },
    };
    let d = config.d_model;
    let token_embedding = tensors.take("embed.token", &[config.vocab_size, d])?;
    let position_embedding = tensors.take("embed.position", &[config.context, d])?;
    let layers = (0..layers).map(|i| layer(&config, raw.filter, tensors, i)).collect::<Result<_, _>>()?;
    Ok(Model {
        token_embedding,
        position_embedding,
        layers,
        final_norm: None,
        parameters: tensors.parameters,
        attention_parameters: tensors.attention_parameters,
        config,
    })
}

fn layer(config: &Config, filter: Filter, tensors: &mut Tensors, i: usize) -> Result<Layer, CheckpointError> {
    let (h, r, rv, d) = (config.heads, config.head_dim[i], config.value_dim[i], config.d_model);
    let name = |part: &str| format!("layers.{i}.{part}");
    let u = tensors.take(&name("attn.u.weight"), &[h * r, d])?;
    let a = tensors.take(&name("attn.a"), &[h, r, r])?;
    let d_kernel = match filter {
        Filter::Diagonal => diagonal(&tensors.take(&name("attn.delta"), &[h, r])?, r),
        Filter::Psd => gram(&tensors.take(&name("attn.l"), &[h, r, r])?, r),
    };
    Ok(Layer {
        attention_norm: None,
        scores: Scores::SymmetricDefinite { u, s: skew(&a, r), d: d_kernel },
        value: tensors.linear(&name("attn.v"), h * rv, d)?,
        output: tensors.linear(&name("attn.o"), d, h * rv)?,
        mlp_norm: None,
        up: tensors.linear(&name("mlp.up"), config.d_ff, d)?,
        down: tensors.linear(&name("mlp.down"), d, config.d_ff)?,
    })
}

/// S = A − Aᵀ, a head at a time.
pub(crate) fn skew(a: &[f32], r: usize) -> Vec<f32> {
    let heads = a.chunks_exact(r * r);
    heads.flat_map(|a| (0..r * r).map(move |n| a[n] - a[n % r * r + n / r])).collect()
}

/// D = diag(softplus(δ)).
pub(crate) fn diagonal(delta: &[f32], r: usize) -> Vec<f32> {
    let mut d = vec![0.0; delta.len() * r];
    for (n, x) in delta.iter().enumerate() {
        let x = f64::from(*x);
        // ln(1 + eˣ) without overflow.
        d[n * r + n % r] = (x.max(0.0) + (-x.abs()).exp().ln_1p()) as f32;
    }
    d
}

/// D = L Lᵀ.
fn gram(l: &[f32], r: usize) -> Vec<f32> {
    let heads = l.chunks_exact(r * r);
    heads
        .flat_map(|l| (0..r * r).map(move |n| crate::kernels::dot(&l[n / r * r..][..r], &l[n % r * r..][..r]) as f32))
        .collect()
}
