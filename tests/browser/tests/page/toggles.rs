//! Switching layers: what changes, what must not, and whether the numbers are the oracle's.

use cascade_browser_tests::oracle::{assert_three_digits, golden, shown_number};
use cascade_browser_tests::{Page, Site};
use serde_json::Value;

use crate::{Test, first_layers, oracle_text};

pub const TESTS: &[Test] = &[
    ("preset_linearises_seven_rows_and_shows_the_oracles_perplexity", preset),
    ("preset_uniform_shows_the_oracles_perplexity", preset_uniform),
    ("baseline_is_never_overwritten", baseline_stays),
    ("reset_restores_every_layer", reset),
    ("a_rows_button_changes_that_row_only", single_row),
    ("quick_clicks_end_in_the_last_state", quick_clicks),
    ("standard_attention_collapses_under_the_same_switches", other_model),
];

const SEVEN: &str = "button[data-preset='first7-linearized']";

fn shown(page: &Page, selector: &str) -> f64 {
    shown_number(&page.text_of(selector))
}

fn row_modes(page: &Page) -> Vec<String> {
    (1..=12).map(|layer| page.attribute(&format!("[data-layer='{layer}']"), "data-mode")).collect()
}

/// What is on the screen is what the oracle says of the sweep at seven layers.
fn assert_shows_seven(page: &Page, model: &str, mode: &str) {
    let golden = golden(model);
    let oracle = |value: &Value| value.as_f64().expect("a perplexity");
    let (now, baseline) = (oracle(&golden["sweep"][mode][7]), oracle(&golden["ppl"]));
    assert_three_digits("perplexity now", shown(page, "#perplexity-now"), now);
    assert_three_digits("baseline perplexity", shown(page, "#perplexity-baseline"), baseline);
    assert_three_digits("ratio", shown(page, "#perplexity-ratio"), now / baseline);
}

fn preset(site: &Site) {
    site.visit(&oracle_text(), |page| {
        page.ready();
        page.click(SEVEN);
        page.ready_with_modes(&first_layers("linearized", 7));
        assert_eq!(row_modes(page), first_layers("linearized", 7));
        assert_shows_seven(page, "sd-6m", "linearized");
    });
}

fn preset_uniform(site: &Site) {
    site.visit(&oracle_text(), |page| {
        page.ready();
        page.click("button[data-preset='first7-uniform']");
        page.ready_with_modes(&first_layers("uniform", 7));
        assert_shows_seven(page, "sd-6m", "uniform");
        page.click("button[data-preset='all-softmax']");
        page.ready_with_modes(&first_layers("softmax", 12));
    });
}

fn baseline_stays(site: &Site) {
    site.visit(&oracle_text(), |page| {
        let before = page.ready();
        let baseline = page.text_of("#perplexity-baseline");
        for (button, mode) in [(SEVEN, "linearized"), ("button[data-preset='first7-uniform']", "uniform")] {
            page.click(button);
            let after = page.ready_with_modes(&first_layers(mode, 7));
            assert_eq!(page.text_of("#perplexity-baseline"), baseline);
            assert_eq!(after["baseline_perplexity"], before["baseline_perplexity"]);
            assert_eq!(after["baseline_nll"], before["nll"]);
            assert_ne!(after["nll"], before["nll"], "{mode} changes the losses");
            assert_eq!(after["spectra"], before["spectra"], "the spectra are those of the baseline");
        }
    });
}

fn reset(site: &Site) {
    site.visit(&oracle_text(), |page| {
        let before = page.ready();
        page.click(SEVEN);
        page.ready_with_modes(&first_layers("linearized", 7));
        page.click("#reset");
        let after = page.ready_with_modes(&first_layers("softmax", 12));
        assert_eq!(after["perplexity"], before["perplexity"]);
        assert_eq!(row_modes(page), first_layers("softmax", 12));
        assert_three_digits("ratio", shown(page, "#perplexity-ratio"), 1.0);
        assert!(!page.fragment().contains("modes="), "a default is not written: {}", page.fragment());
    });
}

fn single_row(site: &Site) {
    site.visit(&oracle_text(), |page| {
        page.ready();
        page.click("[data-layer='1'] button[data-set-mode='uniform']");
        page.ready_with_modes(&first_layers("uniform", 1));
        let oracle = golden("sd-6m")["sweep"]["uniform"][1].as_f64().expect("a perplexity");
        assert_three_digits("perplexity now", shown(page, "#perplexity-now"), oracle);
        let mut expected = first_layers("uniform", 1);
        for (index, mode) in ["elu1", "routing", "filtering", "rank8", "off", "linearized"].into_iter().enumerate() {
            let layer = 2 * index + 2;
            page.click(&format!("[data-layer='{layer}'] button[data-set-mode='{mode}']"));
            expected[layer - 1] = mode;
            page.ready_with_modes(&expected);
            assert_eq!(row_modes(page), expected);
        }
    });
}

/// Runs that are overtaken must not write over later ones.
fn quick_clicks(site: &Site) {
    site.visit(&oracle_text(), |page| {
        page.ready();
        for selector in ["button[data-preset='first7-uniform']", "#reset", SEVEN, "#reset", SEVEN] {
            page.click(selector);
        }
        page.ready_with_modes(&first_layers("linearized", 7));
        assert_shows_seven(page, "sd-6m", "linearized");
    });
}

fn other_model(site: &Site) {
    site.visit(&oracle_text(), |page| {
        page.ready();
        page.click(SEVEN);
        let before = page.ready_with_modes(&first_layers("linearized", 7));
        page.select("#model-select", "gpt2-6m");
        let after = page.ready_when("the other model has run", |report| report["model"]["id"] == "gpt2-6m");
        assert_eq!(after["ids"], before["ids"], "the text stays");
        assert_eq!(after["modes"], before["modes"], "the modes stay");
        assert_shows_seven(page, "gpt2-6m", "linearized");
        assert!(shown(page, "#perplexity-ratio") > 10.0, "standard attention collapses");
        page.select("#model-select", "sd-6m");
        let back = page.ready_when("the first model is back", |report| report["model"]["id"] == "sd-6m");
        assert_eq!(back["perplexity"], before["perplexity"]);
    });
}
