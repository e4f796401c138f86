//! The sweep: its figures against the oracle, its crosshair, its table, and the twin in the same figure.

use cascade_browser_tests::oracle::{assert_three_digits, golden, shown_number};
use cascade_browser_tests::{Page, Site};
use serde_json::{Value, json};

use crate::{Test, oracle_text};

pub const TESTS: &[Test] = &[
    ("sweep_of_both_models_is_the_oracles", both_models),
    ("sweep_crosshair_shows_the_tables_values_and_a_click_sets_the_layers", crosshair),
    ("sweep_goes_on_after_a_toggle", interrupted),
    ("sweep_of_one_layer_alone_agrees_with_the_first_layer", alone),
    ("sweep_waits_to_be_asked_for_on_the_cpu", on_the_cpu),
    ("twins_cascade_lies_under_the_figure", twin_under),
];

const MODES: [&str; 4] = ["linearized", "elu1", "uniform", "off"];
/// Perplexities above this are no measurement: the model has collapsed, and rounding decides.
const MEASURED: f64 = 1e4;

/// Waits as long as points keep coming.
fn finish(page: &Page) {
    let mut last = String::new();
    while last != "done" {
        last = page.wait("the sweep goes on", || page.text("#sweep-status").filter(|now| *now != last));
    }
}

fn press(page: &Page, key: &str) {
    let script = format!(
        "document.querySelector('#sweep-plot').dispatchEvent(new KeyboardEvent('keydown', {{ key: {}, bubbles: true }}))",
        json!(key)
    );
    page.eval(&script);
}

/// The readout's cells, a row a mode.
fn readout(page: &Page) -> Vec<Vec<String>> {
    let read = "[...document.querySelectorAll('#sweep-readout tbody tr')]\
                .map(row => [...row.querySelectorAll('td')].map(cell => cell.textContent))";
    serde_json::from_value(page.eval(read)).expect("rows of text")
}

fn cell(page: &Page, model: &str, mode: &str, k: usize) -> String {
    page.text_of(&format!("#panel button[data-model={model}][data-mode={mode}][data-k='{k}']"))
}

/// The longest run of first layers that the oracle linearises for less than 5 %.
fn linearizable(oracle: &Value) -> usize {
    let sweep = oracle["sweep"]["linearized"].as_array().expect("perplexities");
    let limit = 1.05 * oracle["ppl"].as_f64().expect("a perplexity");
    sweep.iter().rposition(|ppl| ppl.as_f64().is_some_and(|ppl| ppl < limit)).unwrap_or(0)
}

fn both_models(site: &Site) {
    site.visit(&format!("{}&view=sweep", oracle_text()), |page| {
        page.ready();
        finish(page);
        let report = page.ready_when("the report has the sweep", |report| report["sweep"].is_object());
        let oracles = [golden("sd-6m"), golden("gpt2-6m")];
        press(page, "Home");
        for k in 0..=12 {
            let name = if k == 1 { "first layer".into() } else { format!("first {k} layers") };
            page.wait("the crosshair is at k", || page.text("#sweep-readout thead th").filter(|t| *t == name));
            let rows = readout(page);
            for (i, mode) in MODES.iter().enumerate() {
                for (m, oracle) in oracles.iter().enumerate() {
                    let expected = oracle["sweep"][*mode][k].as_f64().expect("a perplexity");
                    if expected > MEASURED {
                        continue;
                    }
                    let what = format!("model {m}, {mode}, k = {k}");
                    assert_three_digits(&what, shown_number(&rows[i][2 * m]), expected);
                    assert_eq!(rows[i][2 * m + 1], cell(page, ["main", "twin"][m], mode, k), "{what}");
                    if m == 0 {
                        let reported = report["sweep"][*mode][k].as_f64().expect("a perplexity");
                        assert!((reported / expected - 1.0).abs() < 1e-3, "{what}: {reported}, not {expected}");
                    }
                }
            }
            press(page, "ArrowRight");
        }
        let sentence = page.text_of("#sweep-sentence");
        for (name, oracle) in ["S-D attention, 6M", "Standard attention, 6M"].iter().zip(&oracles) {
            let said = match linearizable(oracle) {
                0 => format!("{name}: linearising even the first layer costs"),
                1 => format!("{name}: the first layer can be linearised"),
                layers => format!("{name}: the first {layers} layers can be linearised"),
            };
            assert!(sentence.contains(&said), "{said}: {sentence}");
        }
        // What is here for the figure serves as the model on screen.
        page.click("[data-preset=twin]");
        let twin = page.ready_when("the twin is there", |report| report["model"]["id"] == "gpt2-6m");
        let baseline = twin["baseline_perplexity"].as_f64().expect("a perplexity");
        assert_three_digits("the twin's baseline", baseline, oracles[1]["ppl"].as_f64().expect("a perplexity"));
        finish(page);
        assert_eq!(cell(page, "main", "uniform", 1), {
            let sweep = &oracles[1]["sweep"]["uniform"];
            let change = 100.0 * (sweep[1].as_f64().unwrap_or(0.0) / sweep[0].as_f64().unwrap_or(1.0) - 1.0);
            format!("+{change:.1} %")
        });
    });
}

fn crosshair(site: &Site) {
    site.visit("v=1&m=sd-1m&view=sweep", |page| {
        page.ready();
        finish(page);
        page.hover("#sweep-plot");
        let name = page.wait("the crosshair shows its k", || page.text("#sweep-readout thead th"));
        let k = shown_number(&name) as usize;
        let rows = readout(page);
        for (i, mode) in MODES.iter().enumerate() {
            assert_eq!(rows[i][1], cell(page, "main", mode, k), "{mode} at {k}");
            assert_eq!(rows[i][3], cell(page, "twin", mode, k), "{mode} at {k}, the twin");
        }
        let mode = page.text_of("#sweep-readout tr[aria-current=true] th");
        let expected: Vec<&str> = (0..8).map(|l| if l < k { mode.as_str() } else { "softmax" }).collect();
        page.click("#sweep-plot");
        let report = page.ready_with_modes(&expected);
        let shown = shown_number(&rows[MODES.iter().position(|m| *m == mode).expect("a mode")][0]);
        assert_three_digits("the run of the point", shown, report["perplexity"].as_f64().expect("a perplexity"));
        // By keyboard: the second layer in the next mode.
        for key in ["Home", "ArrowRight", "ArrowRight", "ArrowDown", "Enter"] {
            press(page, key);
        }
        let next = page.text_of("#sweep-readout tr[aria-current=true] th");
        assert_ne!(next, mode);
        let mut expected = ["softmax"; 8];
        expected[..2].fill(&next);
        page.ready_with_modes(&expected);
        // And from the table.
        page.click("#panel button[data-model=main][data-mode=uniform][data-k='5']");
        let mut expected = ["softmax"; 8];
        expected[..5].fill("uniform");
        let report = page.ready_with_modes(&expected);
        let number = |key: &str| report[key].as_f64().expect("a perplexity");
        let change = 100.0 * (number("perplexity") / number("baseline_perplexity") - 1.0);
        assert_eq!(cell(page, "main", "uniform", 5), format!("+{change:.1} %"));
        // Without the twin its half of everything goes.
        page.click("#sweep-twin");
        page.wait("the twin's cells are gone", || (page.count("button[data-model=twin]") == 0).then_some(()));
    });
}

fn interrupted(site: &Site) {
    site.visit("v=1&m=sd-1m&view=sweep", |page| {
        page.ready();
        for _ in 0..3 {
            page.click("[data-layer='3'] button[data-set-mode='uniform']");
            page.ready_with_modes(&[
                "softmax", "softmax", "uniform", "softmax", "softmax", "softmax", "softmax", "softmax",
            ]);
            page.click("#reset");
            page.ready_with_modes(&["softmax"; 8]);
        }
        finish(page);
        assert_eq!(page.count("#sweep-plot svg"), 1);
    });
}

fn alone(site: &Site) {
    site.visit("v=1&m=sd-1m&view=sweep", |page| {
        page.ready();
        finish(page);
        let first: Vec<String> = MODES.iter().map(|mode| cell(page, "main", mode, 1)).collect();
        page.click("[data-kind=alone]");
        page.wait("there is no k = 0", || (page.count("#panel button[data-k='0']") == 0).then_some(()));
        finish(page);
        let alone: Vec<String> = MODES.iter().map(|mode| cell(page, "main", mode, 1)).collect();
        assert_eq!(alone, first, "the first layer is the first layer alone");
        assert!(page.text_of("#sweep-sentence").contains("one at a time"));
        page.click("#panel button[data-model=main][data-mode=off][data-k='4']");
        page.ready_with_modes(&["softmax", "softmax", "softmax", "off", "softmax", "softmax", "softmax", "softmax"]);
        // Links say which it is.
        assert!(page.fragment().contains("sweep=alone"), "{}", page.fragment());
        page.reload();
        page.ready();
        assert_eq!(page.attribute("[data-kind=alone]", "aria-pressed"), "true");
        page.click("[data-kind=first]");
        page.wait("the first layers are nothing to write", || (!page.fragment().contains("sweep=")).then_some(()));
    });
}

fn on_the_cpu(site: &Site) {
    let text = cascade_browser_tests::encode("The lamp was lit at dusk, and the boats came in one by one.");
    site.visit(&format!("v=1&m=sd-1m&engine=cpu&view=sweep&t={text}"), |page| {
        page.ready();
        let offer = page.text_of("#sweep");
        assert!(offer.contains("Run the sweep ("), "it says how long it may take: {offer}");
        assert_eq!(page.text("#sweep-status").unwrap_or_default(), "");
        page.click("#sweep");
        finish(page);
        assert_eq!(page.count("#sweep"), 0);
        let report: Value = page.ready_when("the report has the sweep", |report| report["sweep"].is_object());
        assert_eq!(report["sweep"]["uniform"].as_array().map(Vec::len), Some(9));
    });
}

fn twin_under(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        let svg = "document.querySelector('#cascade .plot svg').outerHTML";
        let alone = page.eval(svg);
        page.click("#twin-under");
        page.wait("the twin's recorded cascade is named", || {
            page.text("#twin-under-words").filter(|t| t.contains("Standard attention, 1M") && t.contains("recorded"))
        });
        assert_ne!(page.eval(svg), alone);
        page.click("#tab-sweep");
        page.wait("the twin's cascade is live", || page.text("#twin-under-words").filter(|t| t.contains("live")));
        page.click("#twin-under");
        page.wait("it is gone", || (page.eval(svg) == alone).then_some(()));
    });
}
