//! The models that ship: the menu, their cards, and the time-lapse of their training.

use cascade_browser_tests::{Site, oracle};
use serde_json::Value;

use crate::Test;

pub const TESTS: &[Test] = &[
    ("menu_lists_every_model_with_its_size", menu),
    ("card_shows_the_held_out_figures_and_the_limits", card),
    ("time_lapse_shows_moments_of_training_and_goes_back_to_live", time_lapse),
    ("no_other_models_cascade_stands_under_a_models_name", switching),
    ("twin_button_keeps_the_switches", twin),
];

fn menu(site: &Site) {
    site.visit("", |page| {
        page.ready();
        assert!(page.count("#model-select option") >= 11);
        let sizes = page
            .eval("[...document.querySelectorAll('#model-select option')].every(o => /\\d MB\\)/.test(o.textContent))");
        assert_eq!(sizes, true, "every option says how much is downloaded");
    });
}

fn card(site: &Site) {
    let expected: Value = oracle::asset("checkpoints/sd-6m/card.json");
    site.visit("", |page| {
        page.ready();
        page.click("#about summary");
        let perplexity = format!("{:.2} on test text", expected["test"]["perplexity"].as_f64().expect("a perplexity"));
        page.wait("the card shows the test perplexity", || {
            page.text("#about dl").is_some_and(|text| text.contains(&perplexity)).then_some(())
        });
        let limits = page.text_of("#about .limits");
        for limit in expected["limits"].as_array().expect("limits") {
            assert!(limits.contains(limit.as_str().expect("a sentence")), "the card leaves out: {limit}");
        }
    });
}

fn time_lapse(site: &Site) {
    let expected: Value = oracle::asset("checkpoints/sd-6m/timelapse.json");
    let records = expected["records"].as_array().expect("records");
    site.visit("", |page| {
        page.ready();
        let live = page.eval("document.querySelector('#cascade svg').outerHTML");
        page.click("#timelapse");
        page.wait("the slider is there", || (page.count("#timelapse-slider") == 1).then_some(()));
        page.eval(
            "{ const s = document.querySelector('#timelapse-slider'); s.value = 0; \
             s.dispatchEvent(new Event('input', { bubbles: true })); }",
        );
        let step = format!("step {} of", records[0]["step"]);
        page.wait("the first moment is named", || {
            page.text(".timelapse output").is_some_and(|text| text.starts_with(&step)).then_some(())
        });
        assert_eq!(page.attribute("#cascade", "data-source"), "training");
        assert_ne!(page.eval("document.querySelector('#cascade svg').outerHTML"), live);
        page.click(".timelapse button");
        page.wait("the live figure is back", || {
            (page.eval("document.querySelector('#cascade svg').outerHTML") == live).then_some(())
        });
    });
}

fn switching(site: &Site) {
    site.visit("", |page| {
        page.ready();
        let sd = page.eval("document.querySelector('#cascade svg').outerHTML");
        page.select("#model-select", "sd-1m");
        page.wait("the old figure is gone", || {
            (page.eval("document.querySelector('#cascade svg').outerHTML") != sd).then_some(())
        });
        let report = page.ready_when("the small model is there", |report| report["model"]["id"] == "sd-1m");
        let layers = report["model"]["layers"].as_u64().expect("a number of layers");
        assert_eq!(page.count("[data-layer]"), layers);
        assert_eq!(page.attribute("#cascade", "data-source"), "gpu");
    });
}

fn twin(site: &Site) {
    site.visit("v=1&m=sd-1m&modes=uniform,softmax*7", |page| {
        let modes = page.ready()["modes"].clone();
        page.click("[data-preset=twin]");
        let report = page.ready_when("the twin is there", |report| report["model"]["id"] == "gpt2-1m");
        assert_eq!(report["modes"], modes);
    });
}
