//! Spectra: eigenvalues that are computed beside the first run reach the report, and only the text's part of it
//! changes with the text.

use cascade_browser_tests::{Site, oracle};
use serde_json::Value;

use crate::text::type_text;
use crate::{Test, oracle_text};

pub const TESTS: &[Test] = &[
    ("eigenvalues_of_every_head_are_those_of_the_oracle", eigenvalues),
    ("a_new_text_changes_operating_spectra_and_no_others", new_text),
];

/// A key of a spectrum of every head of every layer.
fn of_all_heads(report: &Value, spectrum: &str, key: &str) -> Vec<f64> {
    let layers = report["spectra"].as_array().expect("spectra").iter();
    let heads = layers.flat_map(|layer| layer["heads"].as_array().expect("heads"));
    heads.map(|head| head[spectrum][key].as_f64().unwrap_or_else(|| panic!("no {spectrum} {key}"))).collect()
}

fn eigenvalues(site: &Site) {
    let golden = oracle::golden("gpt2-6m");
    site.visit(&format!("{}&m=gpt2-6m", oracle_text()), |page| {
        let report = page.ready_when("the spectra are there", |report| report["spectra"].is_array());
        let found = of_all_heads(&report, "capacity", "max_re_eig");
        let expected = of_all_heads(&golden, "capacity", "max_re_eig");
        assert_eq!(found.len(), 72);
        for (head, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert!((found - expected).abs() <= 1e-6, "head {head}: {found}, the oracle says {expected}");
        }
    });
}

fn new_text(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        let before = page.ready_when("the spectra are there", |report| report["spectra"].is_array());
        let after = type_text(page, "Once upon a time there was a miller who had three sons.");
        for key in ["routing_erank", "filtering_erank", "routing_fraction", "max_re_eig"] {
            assert_eq!(of_all_heads(&after, "capacity", key), of_all_heads(&before, "capacity", key), "{key}");
        }
        let ranks = |report| of_all_heads(report, "operating", "routing_erank");
        assert_ne!(ranks(&after), ranks(&before), "the scores are those of the text");
    });
}
