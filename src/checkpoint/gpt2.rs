//! The `gpt2` family in the Hugging Face layout: pre-norm, standard heads, weights stored \[in, out\].

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{CheckpointError, MAX_HEAD, MAX_LAYERS, MAX_SIZE, Tensors, size, typed, value};
use crate::model::{Config, Filter, Layer, LayerMode, Linear, Model, Scores};

#[derive(Deserialize)]
struct Gpt2Config {
    n_layer: usize,
    n_embd: usize,
    n_head: usize,
    n_ctx: Option<usize>,
    n_positions: Option<usize>,
    vocab_size: usize,
    n_inner: Option<usize>,
    #[serde(default = "gelu_new")]
    activation_function: String,
    #[serde(default = "epsilon")]
    layer_norm_epsilon: f32,
    #[serde(default = "yes")]
    tie_word_embeddings: bool,
}

// What the Hugging Face configuration means where a key is absent.
fn gelu_new() -> String {
    "gelu_new".into()
}
fn epsilon() -> f32 {
    1e-5
}
fn yes() -> bool {
    true
}

pub fn read(config: &Map<String, Value>, tensors: &mut Tensors) -> Result<Model, CheckpointError> {
    let raw: Gpt2Config = typed(config)?;
    let layers = size("n_layer", raw.n_layer, MAX_LAYERS, 1)?;
    let d = size("n_embd", raw.n_embd, MAX_SIZE, 4)?;
    let heads = size("n_head", raw.n_head, MAX_SIZE, 1)?;
    if d % heads != 0 {
        return Err(value("n_head", heads, format!("a divisor of n_embd, {d}")));
    }
    let r = size("n_embd / n_head", d / heads, MAX_HEAD, 4)?;
    if raw.activation_function != "gelu_new" {
        return Err(value("activation_function", raw.activation_function, "gelu_new"));
    }
    if !raw.tie_word_embeddings {
        return Err(value("tie_word_embeddings", false, true));
    }
    if !raw.layer_norm_epsilon.is_finite() || raw.layer_norm_epsilon <= 0.0 {
        return Err(value("layer_norm_epsilon", raw.layer_norm_epsilon, "a positive number"));
    }
    let context = raw.n_positions.or(raw.n_ctx).ok_or_else(|| value("n_positions", "absent", "the context length"))?;
    let config = Config {
        family: "gpt2",
        layers,
        d_model: d,
        heads,
        head_dim: vec![r; layers],
        value_dim: vec![r; layers],
        d_ff: size("n_inner", raw.n_inner.unwrap_or(4 * d), MAX_SIZE, 4)?,
        vocab_size: size("vocab_size", raw.vocab_size, MAX_SIZE, 1)?,
        context: size("n_positions", context, MAX_SIZE, 1)?,
        embed_scale: 1.0,
        norm_epsilon: raw.layer_norm_epsilon,
        trained: vec![LayerMode::Softmax; layers],
        filter: Filter::None,
    };
    // Files saved from the language-model class carry this prefix, files saved from the bare model do not.
    tensors.set_prefix_if_needed("transformer.", "wte.weight");
    let token_embedding = tensors.take("wte.weight", &[config.vocab_size, d])?;
    let position_embedding = tensors.take("wpe.weight", &[config.context, d])?;
    let layers = (0..layers).map(|i| layer(&config, tensors, i)).collect::<Result<_, _>>()?;
    let final_norm = Some(tensors.norm("ln_f", d)?);
    Ok(Model {
        token_embedding,
        position_embedding,
        layers,
        final_norm,
        parameters: tensors.parameters,
        attention_parameters: tensors.attention_parameters,
        config,
    })
}

fn layer(config: &Config, tensors: &mut Tensors, i: usize) -> Result<Layer, CheckpointError> {
    let d = config.d_model;
    let name = |part: &str| format!("h.{i}.{part}");
    let qkv = tensors.linear_transposed(&name("attn.c_attn"), 3 * d, d)?;
    let third = |n: usize| Linear {
        weight: qkv.weight[n * d * d..(n + 1) * d * d].to_vec(),
        bias: qkv.bias[n * d..(n + 1) * d].to_vec(),
    };
    Ok(Layer {
        attention_norm: Some(tensors.norm(&name("ln_1"), d)?),
        scores: Scores::Standard { query: third(0), key: third(1) },
        value: third(2),
        output: tensors.linear_transposed(&name("attn.c_proj"), d, d)?,
        mlp_norm: Some(tensors.norm(&name("ln_2"), d)?),
        up: tensors.linear_transposed(&name("mlp.c_fc"), config.d_ff, d)?,
        down: tensors.linear_transposed(&name("mlp.c_proj"), d, config.d_ff)?,
    })
}
