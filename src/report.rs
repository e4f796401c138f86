//! The report: what the page shows and the command prints, one JSON schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{LayerSpectra, Run, Session};
use crate::model::Model;
use crate::spectra::{PartSpectra, effective_rank, rank90};

/// Layers and heads are numbered from 0 here. A number that is not finite is `null`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub version: u32,
    pub model: ModelSummary,
    /// `gpu` or `cpu`.
    pub engine: String,
    pub adapter: String,
    pub tokens: usize,
    pub ids: Vec<u32>,
    /// One a layer.
    pub modes: Vec<String>,
    pub baseline_perplexity: Option<f64>,
    /// `null` where it overflows.
    pub perplexity: Option<f64>,
    /// Nats, one a predicted token (tokens − 1), of the modified run.
    pub nll: Vec<Option<f64>>,
    pub baseline_nll: Vec<Option<f64>>,
    /// A mode's perplexities with the first k layers switched to it, k = 0…layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<BTreeMap<String, Vec<Option<f64>>>>,
    /// Of the baseline run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectra: Option<Vec<LayerReport>>,
    pub timings_ms: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelSummary {
    pub id: String,
    /// Of the weights file, lower-case hex.
    pub sha256: String,
    pub family: String,
    pub layers: usize,
    pub parameters: usize,
    pub attention_parameters: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayerReport {
    pub layer: usize,
    pub residual_rms: f64,
    pub heads: Vec<HeadReport>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HeadReport {
    pub capacity: PartReport,
    pub operating: PartReport,
    /// Effective rank of S; S-D heads only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_erank: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartReport {
    pub routing_erank: f64,
    pub filtering_erank: f64,
    pub routing_rank90: usize,
    pub routing_fraction: f64,
    /// Of the weight kernel: capacity only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_re_eig: Option<f64>,
}

impl Report {
    pub const VERSION: u32 = 1;

    /// Everything but sweep and spectra, which are added where they are asked for.
    pub fn new(model: ModelSummary, session: &Session, baseline: &Run, modified: &Run) -> Self {
        Report {
            version: Self::VERSION,
            model,
            engine: session.engine().name().into(),
            adapter: session.engine().adapter(),
            tokens: session.ids().len(),
            ids: session.ids().to_vec(),
            modes: modified.modes.iter().map(ToString::to_string).collect(),
            baseline_perplexity: baseline.perplexity(),
            perplexity: modified.perplexity(),
            nll: losses(modified),
            baseline_nll: losses(baseline),
            sweep: None,
            spectra: None,
            timings_ms: BTreeMap::new(),
        }
    }
}

fn losses(run: &Run) -> Vec<Option<f64>> {
    run.scores.iter().filter_map(|s| s.nll).map(|x| x.is_finite().then_some(x)).collect()
}

impl ModelSummary {
    pub fn new(id: &str, sha256: &str, model: &Model) -> Self {
        ModelSummary {
            id: id.into(),
            sha256: sha256.into(),
            family: model.config.family.into(),
            layers: model.config.layers,
            parameters: model.parameters,
            attention_parameters: model.attention_parameters,
        }
    }
}

/// The spectra as the report shows them.
pub fn layer_reports(spectra: &[LayerSpectra]) -> Vec<LayerReport> {
    let head = |head: &crate::spectra::HeadSpectra| HeadReport {
        capacity: PartReport { max_re_eig: Some(head.weights().max_re_eig), ..part_report(head.capacity()) },
        operating: part_report(&head.operating),
        kernel_erank: head.weights().kernel_erank,
    };
    let layers = spectra.iter().enumerate();
    layers
        .map(|(layer, l)| LayerReport {
            layer,
            residual_rms: l.residual_rms,
            heads: l.heads.iter().map(head).collect(),
        })
        .collect()
}

fn part_report(part: &PartSpectra) -> PartReport {
    PartReport {
        routing_erank: effective_rank(&part.routing),
        filtering_erank: effective_rank(&part.filtering),
        routing_rank90: rank90(&part.routing),
        routing_fraction: part.routing_fraction(),
        max_re_eig: None,
    }
}
