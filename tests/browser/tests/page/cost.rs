//! What the current switches cost: figures by hand.

use cascade_browser_tests::oracle::{assert_three_digits, shown_number};
use cascade_browser_tests::{Page, Site};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("cost_of_a_switched_layer_is_what_the_formulas_say", switched),
    ("cost_follows_the_model_on_screen", other_model),
];

/// A figure of the panel in plain units.
fn figure(page: &Page, selector: &str) -> f64 {
    let text = page.text_of(selector);
    let unit = text.split(' ').nth(1).unwrap_or_default();
    let factor = match unit.chars().next() {
        Some('k') => 1e3,
        Some('M') => 1e6,
        Some('G') => 1e9,
        Some('T') => 1e12,
        _ => 1.0,
    };
    shown_number(&text) * factor
}

fn part(page: &Page, name: &str, column: usize) -> f64 {
    figure(page, &format!("#cost-parts [data-part={name}] td:nth-of-type({column})"))
}

fn switched(site: &Site) {
    // 8 layers, d 80, 4 heads, r = d_v = 20.
    site.visit("v=1&m=sd-1m&view=cost", |page| {
        let report = page.ready();
        let t = report["tokens"].as_f64().expect("a number of tokens");
        let softmax = 4.0 * (2.0 * t * 400.0 + t * (t + 1.0) * 40.0);
        assert_three_digits("mixing", part(page, "scores-and-mixing", 1), 8.0 * softmax);
        assert_three_digits("projections", part(page, "projections", 1), 8.0 * 2.0 * t * 80.0 * 4.0 * 40.0);
        assert_three_digits("cache", part(page, "memory-for-the-text", 1), 8.0 * 4.0 * 40.0 * t * 4.0);
        let parameters = report["model"]["attention_parameters"].as_f64().expect("a count");
        assert_three_digits("parameters", part(page, "attention-parameters-in-use", 1), parameters);
        page.click("[data-layer='1'] button[data-set-mode='linearized']");
        page.click("[data-layer='2'] button[data-set-mode='uniform']");
        let mut modes = ["softmax"; 8];
        modes[..2].copy_from_slice(&["linearized", "uniform"]);
        page.ready_with_modes(&modes);
        let linear = 4.0 * (2.0 * t * 400.0 + t * (4.0 * 400.0 + 2.0 * 20.0));
        let uniform = 4.0 * 2.0 * t * 20.0;
        assert_three_digits("mixing", part(page, "scores-and-mixing", 1), 6.0 * softmax + linear + uniform);
        assert_three_digits("mixing, softmax", part(page, "scores-and-mixing", 2), 8.0 * softmax);
        let kept = 4.0 * (6.0 * 4.0 * 40.0 * t + 4.0 * 440.0 + 4.0 * 20.0);
        assert_three_digits("memory", part(page, "memory-for-the-text", 1), kept);
        let idle = 4.0 * (20.0 * 80.0 + 400.0 + 20.0);
        assert_three_digits("parameters", part(page, "attention-parameters-in-use", 1), parameters - idle);
        let million = f64::from(1 << 20);
        let kept = 4.0 * (6.0 * 4.0 * 40.0 * million + 4.0 * 440.0 + 4.0 * 20.0);
        assert_three_digits("at 1M", figure(page, "#cost-lengths [data-tokens='1048576'] td:nth-of-type(1)"), kept);
        let lines = page.text_of("#cost-memory tbody");
        assert!(lines.contains("Layer 1, linearized") && lines.contains("the sums of u ⊗ v (20 × 20)"), "{lines}");
        assert!(page.text_of("#cost-sentence").contains("at 64k tokens"));
        assert!(page.text_of("#cost-toggle").ends_with("computing from layer 2 on"), "the second click came last");
        assert!(shown_number(&page.text_of("#cost-forward")) > 0.0);
        assert_eq!(page.count("#panel .plot svg"), 2);
    });
}

fn other_model(site: &Site) {
    site.visit("v=1&m=sd-1m&view=cost", |page| {
        page.ready();
        let sd = page.text_of("#cost-parts tbody");
        page.click("[data-preset=twin]");
        page.ready_when("the twin is there", |report| report["model"]["id"] == "gpt2-1m");
        page.wait("its figures are there", || {
            page.text("#cost-parts tbody").filter(|now| !now.is_empty() && *now != sd)
        });
        assert!(page.text_of("#cost-memory tbody").contains("k (20) and v (20) of every token"));
    });
}
