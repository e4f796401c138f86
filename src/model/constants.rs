//! What a model's fixed buffers hold, laid out as the kernels read them.

use std::borrow::Cow;

use super::buffer::{Buffer, LayerPart};
use super::{Config, Layer, Linear, Model, Norm, Scores};

/// Every fixed buffer of a model with its contents. Rank cuts, which depend on K, are made on demand: see
/// [`crate::spectra::RankCuts`].
pub fn constants(model: &Model) -> Vec<(Buffer, Cow<'_, [f32]>)> {
    let mut all = vec![
        (Buffer::TokenEmbedding, Cow::Borrowed(model.token_embedding.as_slice())),
        (Buffer::PositionEmbedding, Cow::Borrowed(model.position_embedding.as_slice())),
    ];
    let norm = |norm: &'_ Option<Norm>, gain: Buffer, bias: Buffer| {
        norm.clone().map(|n| [(gain, Cow::Owned(n.gain)), (bias, Cow::Owned(n.bias))])
    };
    all.extend(norm(&model.final_norm, Buffer::FinalGain, Buffer::FinalBias).into_iter().flatten());
    for (l, layer) in model.layers.iter().enumerate() {
        let part = |part| Buffer::Layer(l, part);
        let norms = [
            norm(&layer.attention_norm, part(LayerPart::AttentionGain), part(LayerPart::AttentionBias)),
            norm(&layer.mlp_norm, part(LayerPart::MlpGain), part(LayerPart::MlpBias)),
        ];
        all.extend(norms.into_iter().flatten().flatten());
        let projection = projection(&model.config, layer, l);
        all.push((part(LayerPart::ProjectionWeight), Cow::Owned(projection.weight)));
        all.push((part(LayerPart::ProjectionBias), Cow::Owned(projection.bias)));
        for (linear, weight, bias) in [
            (&layer.output, LayerPart::OutputWeight, LayerPart::OutputBias),
            (&layer.up, LayerPart::UpWeight, LayerPart::UpBias),
            (&layer.down, LayerPart::DownWeight, LayerPart::DownBias),
        ] {
            all.push((part(weight), Cow::Borrowed(linear.weight.as_slice())));
            all.push((part(bias), Cow::Borrowed(linear.bias.as_slice())));
        }
    }
    all
}

/// Scores and values as one matrix: u, or q and k in turn a head at a time, then v.
pub(crate) fn projection(config: &Config, layer: &Layer, l: usize) -> Linear {
    let (r, d) = (config.head_dim[l], config.d_model);
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    match &layer.scores {
        Scores::SymmetricDefinite { u, .. } => {
            weight.extend_from_slice(u);
            bias.resize(config.heads * r, 0.0);
        }
        Scores::Standard { query, key } => {
            for h in 0..config.heads {
                for source in [query, key] {
                    weight.extend_from_slice(&source.weight[h * r * d..][..r * d]);
                    bias.extend_from_slice(&source.bias[h * r..][..r]);
                }
            }
        }
    }
    weight.extend_from_slice(&layer.value.weight);
    bias.extend_from_slice(&layer.value.bias);
    Linear { weight, bias }
}

/// What makes a layer's scores and values apart, for runs in lanes.
pub fn split_projection(model: &Model, layer: usize) -> [(Buffer, Vec<f32>); 4] {
    let mut scores = projection(&model.config, &model.layers[layer], layer);
    let outputs = model.config.heads * model.config.score_width(layer);
    let values = scores.weight.split_off(outputs * model.config.d_model);
    let value_bias = scores.bias.split_off(outputs);
    [
        (LayerPart::ScoreWeight, scores.weight),
        (LayerPart::ScoreBias, scores.bias),
        (LayerPart::ValueWeight, values),
        (LayerPart::ValueBias, value_bias),
    ]
    .map(|(part, data)| (Buffer::Layer(layer, part), data))
}
