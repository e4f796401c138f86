//! A Python script that computes a report's figures again with the project's training code, in float64.

use serde_json::{Value, json};

use crate::report::{PartReport, Report};

/// The script's text. `link` leads to the state of the page that it is about, where there is one. It needs the
/// repository's `training` package and takes the checkpoint's folder.
pub fn python(report: &Report, link: Option<&str>) -> String {
    let ranks = |part: fn(&crate::report::HeadReport) -> &PartReport| {
        report.spectra.as_ref().map(|layers| {
            let layer = |l: &crate::report::LayerReport| -> Vec<f64> {
                l.heads.iter().map(|h| part(h).routing_erank).collect()
            };
            layers.iter().map(layer).collect::<Vec<_>>()
        })
    };
    let made = match link {
        Some(link) => format!("# {}\n", link.replace(|c: char| c.is_control(), "")),
        None => String::new(),
    };
    let (operating, capacity) = (ranks(|h| &h.operating), ranks(|h| &h.capacity));
    format!(
        "#!/usr/bin/env python3\n\
         # Computes figures of Cascade again, in float64, and compares them with those that were shown.\n\
         {made}# From the top of the project's repository, with what training/requirements.txt names:\n\
         #   PYTHONPATH=. python THIS_FILE assets/checkpoints/{id}\n\
         import sys\n\n\
         from training.reproduce import compare\n\n\
         SHA256 = {sha256}\n\
         MODES = {modes}\n\
         IDS = {ids}\n\
         SHOWN = {{\n    \
         \"perplexity\": {perplexity},\n    \
         \"baseline_perplexity\": {baseline},\n    \
         \"operating\": {operating},\n    \
         \"capacity\": {capacity},\n\
         }}\n\n\
         if __name__ == \"__main__\":\n    \
         if len(sys.argv) != 2:\n        \
         sys.exit(\"usage: THIS_FILE CHECKPOINT_DIR\")\n    \
         sys.exit(compare(sys.argv[1], SHA256, IDS, MODES, SHOWN))\n",
        id = report.model.id.replace(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c), "-"),
        sha256 = literal(&json!(report.model.sha256)),
        modes = literal(&json!(report.modes)),
        ids = literal(&json!(report.ids)),
        perplexity = literal(&json!(report.perplexity)),
        baseline = literal(&json!(report.baseline_perplexity)),
        operating = literal(&json!(operating)),
        capacity = literal(&json!(capacity)),
    )
}

/// A JSON value in Python's notation. JSON's strings, numbers and lists are Python's too.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Array(values) => format!("[{}]", values.iter().map(literal).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{HeadReport, LayerReport, ModelSummary};

    fn report() -> Report {
        let part = PartReport {
            routing_erank: 2.5,
            filtering_erank: 1.0,
            routing_rank90: 2,
            routing_fraction: 0.5,
            max_re_eig: None,
        };
        let model = ModelSummary {
            id: "sd-6m".into(),
            sha256: "ab".repeat(32),
            family: "sd".into(),
            layers: 1,
            parameters: 1,
            attention_parameters: 1,
        };
        let head = HeadReport { capacity: part.clone(), operating: part, kernel_erank: None };
        Report {
            version: 1,
            model,
            engine: "gpu".into(),
            adapter: "\"\"\" import os".into(),
            tokens: 3,
            ids: vec![1, 2, 3],
            modes: vec!["linearized".into()],
            baseline_perplexity: Some(31.5),
            perplexity: None,
            nll: vec![],
            baseline_nll: vec![],
            sweep: None,
            spectra: Some(vec![LayerReport { layer: 0, residual_rms: 1.0, heads: vec![head] }]),
            timings_ms: Default::default(),
        }
    }

    #[test]
    fn holds_what_is_needed_to_compute_again() {
        let script = python(&report(), Some("https://example.org/#v=1&m=sd-6m\nimport os"));
        for line in [
            "# https://example.org/#v=1&m=sd-6mimport os\n",
            "IDS = [1, 2, 3]\n",
            "MODES = [\"linearized\"]\n",
            "\"perplexity\": None,\n",
            "\"baseline_perplexity\": 31.5,\n",
            "\"operating\": [[2.5]],\n",
            "from training.reproduce import compare\n",
        ] {
            assert!(script.contains(line), "{line} is missing in\n{script}");
        }
        assert!(!script.contains("import os\""), "nothing of the adapter's name");
    }

    #[test]
    fn without_spectra_or_link() {
        let script = python(&Report { spectra: None, ..report() }, None);
        assert!(script.contains("\"operating\": None,\n") && !script.contains("https"));
    }
}
