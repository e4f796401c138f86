//! What the cascade figure and the stack draw, wherever it comes from.

use serde::Deserialize;

use crate::card::{Card, Moment, MomentLayer};
use crate::engine::LayerSpectra;
use crate::export::Column;
use crate::heads::HeadFigures;
use crate::spectra::effective_rank;

/// Title of the figure in files.
pub const TITLE: &str = "Spectral cascade: effective rank of routing, layer by layer";

/// Effective ranks and routing fractions of every head, a layer at a time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Cascade {
    pub layers: Vec<CascadeLayer>,
    /// `recorded`, `gpu` or `cpu`.
    #[serde(skip, default = "recorded")]
    pub source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CascadeLayer {
    pub operating: Vec<f64>,
    pub capacity: Vec<f64>,
    pub fraction: Vec<f64>,
}

fn recorded() -> &'static str {
    "recorded"
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

impl Cascade {
    /// The default model's, made by `cargo xtask report`: on screen before any weights arrive.
    pub fn recorded() -> Self {
        serde_json::from_str(include_str!("../../assets/recorded.json")).unwrap_or_else(|_| Self::unknown())
    }

    /// What is known of a model before its spectra are there.
    pub fn unknown() -> Self {
        Cascade { layers: Vec::new(), source: "none" }
    }

    pub fn live(spectra: &[LayerSpectra], source: &'static str) -> Self {
        let layer = |l: &LayerSpectra| CascadeLayer {
            operating: l.heads.iter().map(|h| effective_rank(&h.operating.routing)).collect(),
            capacity: l.heads.iter().map(|h| effective_rank(&h.capacity().routing)).collect(),
            fraction: l.heads.iter().map(|h| h.operating.routing_fraction()).collect(),
        };
        Cascade { layers: spectra.iter().map(layer).collect(), source }
    }

    /// What a model's card recorded.
    pub fn recorded_on(card: &Card) -> Self {
        Self::of(&card.spectra, "recorded")
    }

    /// The cascade at one moment of training.
    pub fn at(moment: &Moment) -> Self {
        Self::of(&moment.layers, "training")
    }

    fn of(layers: &[MomentLayer], source: &'static str) -> Self {
        let layers = layers.iter().map(|l| CascadeLayer {
            operating: l.operating.routing_erank.clone(),
            capacity: l.capacity.routing_erank.clone(),
            fraction: l.operating.routing_fraction.clone(),
        });
        Cascade { layers: layers.collect(), source }
    }

    /// The figure's data: a row a layer, means and then every head.
    pub fn columns(&self) -> Vec<Column> {
        let layers = &self.layers;
        let means =
            |name: &str, of: fn(&CascadeLayer) -> &Vec<f64>| Column::new(name, layers.iter().map(|l| mean(of(l))));
        let mut columns = vec![
            Column::new("layer", 1..=layers.len()),
            means("operating_erank_mean", |l| &l.operating),
            means("capacity_erank_mean", |l| &l.capacity),
            means("routing_fraction_mean", |l| &l.fraction),
        ];
        let heads = layers.iter().map(|l| l.operating.len()).max().unwrap_or(0);
        for (name, of) in [
            ("operating_erank_head", (|l| &l.operating) as fn(&CascadeLayer) -> &Vec<f64>),
            ("capacity_erank_head", |l| &l.capacity),
            ("routing_fraction_head", |l| &l.fraction),
        ] {
            columns.extend(
                (0..heads)
                    .map(|h| Column::new(format!("{name}{}", h + 1), layers.iter().map(|l| of(l).get(h).copied()))),
            );
        }
        columns
    }

    /// Every head in reading order. `cost` is the perplexity ratio with a layer linearised alone.
    pub fn heads(&self, cost: impl Fn(usize) -> Option<f64>) -> Vec<HeadFigures> {
        let of_layer = |(layer, l): (usize, &CascadeLayer)| {
            let ranks = l.operating.iter().zip(&l.capacity).zip(&l.fraction).enumerate();
            let head = |(head, ((operating, capacity), fraction)): (usize, ((&f64, &f64), &f64))| HeadFigures {
                layer,
                head,
                operating: *operating,
                capacity: *capacity,
                fraction: *fraction,
                layer_cost: cost(layer),
            };
            ranks.map(head).collect::<Vec<_>>()
        };
        self.layers.iter().enumerate().flat_map(of_layer).collect()
    }

    /// Upper end of the rank axis.
    pub fn top(&self) -> f64 {
        let ranks = self.layers.iter().flat_map(|l| l.operating.iter().chain(&l.capacity));
        let largest = ranks.copied().fold(2.0, f64::max);
        (largest / 8.0).ceil() * 8.0
    }
}
