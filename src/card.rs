//! What ships beside a model's weights: its card (recipe, held-out figures, limits) and its time-lapse (the
//! spectra of every head at moments of its training). Written by `training/`, read by the page.

use serde::Deserialize;

/// `card.json`. Keys that the page does not show are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct Card {
    pub id: String,
    pub shows: String,
    pub parameters: u64,
    pub attention_parameters: u64,
    pub recipe: Recipe,
    pub tokens_seen: u64,
    pub valid: Split,
    pub test: Split,
    /// The standard model trained with the same data, tokens and budget.
    pub twin: Option<Compared>,
    /// The model that this one is a variation of.
    pub baseline: Option<Compared>,
    #[serde(default)]
    pub seeds: Vec<Seed>,
    #[serde(default)]
    pub rollbacks: Vec<serde_json::Value>,
    #[serde(default)]
    pub limits: Vec<String>,
    /// Of every layer and head, on the first window of the validation text.
    pub spectra: Vec<MomentLayer>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Recipe {
    pub steps: u64,
    pub batch: u64,
    pub n_ctx: u64,
    pub lr: f64,
    pub optimizer: Option<String>,
    /// α of S-D models.
    pub embed_scale: Option<f64>,
    pub filter: Option<String>,
    /// Sequences of every batch that pass the first layers linearised.
    #[serde(default)]
    pub linear_sequences: u64,
}

/// Figures on one split of the held-out text.
#[derive(Clone, Debug, Deserialize)]
pub struct Split {
    pub perplexity: f64,
    pub summary: Option<Summary>,
}

/// Perplexity ratios with the first layers simplified.
#[derive(Clone, Debug, Deserialize)]
pub struct Summary {
    /// How many layers.
    pub first: usize,
    /// None where it overflows.
    pub linearized: Option<f64>,
    pub uniform: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Compared {
    pub id: String,
    /// Perplexity of this model over that of the other.
    pub ratio: Ratio,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Ratio {
    pub valid: f64,
    pub test: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Seed {
    pub seed: u64,
    pub valid: Split,
    pub test: Split,
}

impl Card {
    /// Mean, least and most of the seeds' test perplexities.
    pub fn spread(&self) -> Option<(f64, f64, f64)> {
        let values: Vec<f64> = self.seeds.iter().map(|s| s.test.perplexity).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let least = values.iter().copied().reduce(f64::min)?;
        Some((mean, least, values.iter().copied().fold(least, f64::max)))
    }
}

/// `timelapse.json`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Timelapse {
    pub steps: u64,
    pub records: Vec<Moment>,
}

/// One moment of training.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Moment {
    pub step: u64,
    pub tokens: u64,
    /// Nats a token on validation text.
    pub valid_loss: f64,
    pub layers: Vec<MomentLayer>,
}

/// A layer's heads.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct MomentLayer {
    pub capacity: MomentPart,
    pub operating: MomentPart,
}

/// One value a head.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct MomentPart {
    pub routing_erank: Vec<f64>,
    pub routing_fraction: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_cards_and_time_lapses_are_readable() {
        for model in crate::zoo::MODELS {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/checkpoints").join(model.id);
            let card = std::fs::read(folder.join("card.json")).unwrap_or_else(|e| panic!("{}: {e}", model.id));
            let card: Card = serde_json::from_slice(&card).unwrap_or_else(|e| panic!("{}: {e}", model.id));
            assert_eq!((card.id.as_str(), card.spectra.len()), (model.id, model.layers));
            let lapse = std::fs::read(folder.join("timelapse.json")).unwrap();
            let lapse: Timelapse = serde_json::from_slice(&lapse).unwrap_or_else(|e| panic!("{}: {e}", model.id));
            assert!(lapse.records.len() >= 2);
            assert!(lapse.records.iter().all(|r| r.layers.len() == model.layers), "{}", model.id);
            assert!(lapse.records.is_sorted_by_key(|r| r.step), "{}", model.id);
        }
    }
}
