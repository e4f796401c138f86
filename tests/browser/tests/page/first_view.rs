//! The first seconds: something real at once, then the model itself.

use cascade_browser_tests::{Options, Site};

use crate::{Test, oracle_text};

pub const TESTS: &[Test] = &[
    ("this_machine_has_a_webgpu_adapter", adapter),
    ("cascade_is_recorded_first_and_then_comes_from_the_gpu", recorded_then_gpu),
    ("report_of_the_oracle_text_agrees_with_the_oracle", golden_report),
];

/// Without an adapter every other test would test the CPU engine: that is a failure, never a skip.
fn adapter(site: &Site) {
    site.visit("", |page| {
        page.text_of("body");
        // As the page does, which asks again where the browser is still starting its GPU process.
        let found = page.eval(
            "(async () => Boolean(await navigator.gpu?.requestAdapter() ?? await navigator.gpu?.requestAdapter()))()",
        );
        assert_eq!(found, true, "WebGPU has no adapter here");
    });
}

fn recorded_then_gpu(site: &Site) {
    site.visit_with(&Options::slow(), "", |page| {
        page.wait("the recorded cascade is shown", || {
            (page.count("#cascade[data-source=recorded] svg") == 1).then_some(())
        });
        let progress = page.text_of("#progress");
        assert!(progress.contains(" of ") && progress.contains("MB"), "progress says `{progress}`");
        let report = page.ready();
        assert_eq!(report["engine"], "gpu");
        assert_eq!(report["version"], 1);
        assert_eq!(report["model"]["id"], "sd-6m");
        assert_ne!(report["adapter"], "");
        page.wait("the cascade comes from the GPU", || {
            (page.count("#cascade[data-source=gpu] svg") == 1).then_some(())
        });
        assert_eq!(page.count("#progress"), 0, "nothing is downloaded any more");
        assert_eq!(page.count("#engine-message"), 0);
        assert_eq!(page.count("#error"), 0);
        assert_eq!(page.count("[data-layer]"), 12);
        assert!(page.text_of("#engine-label").contains("GPU"));
        assert!(page.text_of("#cascade-sentence").len() > 30);
    });
}

fn golden_report(site: &Site) {
    let golden = cascade_browser_tests::oracle::golden("sd-6m");
    site.visit(&oracle_text(), |page| {
        let report = page.ready_when("the spectra are there", |report| report["spectra"].is_array());
        assert_eq!(report["ids"], golden["ids"]);
        let losses = |value: &serde_json::Value| {
            value.as_array().expect("losses").iter().map(|loss| loss.as_f64().expect("a loss")).collect::<Vec<_>>()
        };
        let (found, expected) = (losses(&report["nll"]), losses(&golden["nll"]));
        assert_eq!(found.len(), expected.len());
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            // Two hundredths of a nat: what the project promises of f32 against the float64 oracle.
            assert!((found - expected).abs() <= 2e-2, "loss {index}: {found}, the oracle says {expected}");
        }
        for (layer, expected) in golden["spectra"].as_array().expect("spectra").iter().enumerate() {
            for (head, expected) in expected["heads"].as_array().expect("heads").iter().enumerate() {
                for kind in ["capacity", "operating"] {
                    let rank = |heads: &serde_json::Value| heads[kind]["routing_erank"].as_f64().expect("a rank");
                    let found = rank(&report["spectra"][layer]["heads"][head]);
                    let expected = rank(expected);
                    let near = (found - expected).abs() <= 5e-3 * expected;
                    assert!(near, "{kind} rank of layer {layer}, head {head}: {found}, the oracle says {expected}");
                }
            }
        }
    });
}
