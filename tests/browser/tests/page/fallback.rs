//! What goes wrong outside of the page: no WebGPU, broken downloads.

use cascade_browser_tests::oracle::{assert_three_digits, golden, shown_number};
use cascade_browser_tests::{Options, Site};

use crate::{Test, first_layers, oracle_text};

pub const TESTS: &[Test] = &[
    ("without_webgpu_the_page_says_why_and_the_cpu_gives_the_oracles_perplexity", no_api),
    ("without_an_adapter_the_page_says_why_and_goes_on", no_adapter),
    ("an_adapter_that_is_there_when_asked_again_is_used", late_adapter),
    ("outside_of_a_secure_context_the_page_says_so", insecure),
    ("a_gpu_that_is_too_small_is_told_from_none", too_small),
    ("a_lost_gpu_hands_over_to_the_cpu_and_can_be_asked_for_again", lost),
    ("a_link_can_ask_for_the_cpu", asked_for_cpu),
    ("the_cpu_engine_runs_without_simd", scalar_cpu),
    ("a_cpu_engine_that_does_not_start_is_told_of", no_cpu),
    ("truncated_weights_are_named_and_the_page_lives", truncated),
    ("garbage_weights_are_named_and_the_page_lives", garbage),
];

/// The CPU engine runs, is labelled, and agrees with the oracle. Returns what the page says about the GPU.
fn cpu_reason(site: &Site, options: &Options, before: &'static str) -> String {
    let mut reason = String::new();
    site.visit_with(&Options { before: Some(before), ..options.clone() }, &oracle_text(), |page| {
        let report = page.ready();
        assert_eq!(report["engine"], "cpu");
        reason = page.text_of("#engine-message");
        assert!(page.text_of("#engine-label").contains("CPU"));
        page.wait("the cascade comes from the CPU", || {
            (page.count("#cascade[data-source=cpu] svg") == 1).then_some(())
        });
        let oracle = golden("sd-6m")["ppl"].as_f64().expect("a perplexity");
        assert_three_digits("perplexity now", shown_number(&page.text_of("#perplexity-now")), oracle);
    });
    reason
}

fn no_api(site: &Site) {
    let reason = cpu_reason(site, &Options::default(), "delete Navigator.prototype.gpu");
    assert!(reason.contains("offers no WebGPU"), "{reason}");
    // What to do is said for the browser at hand: here Chromium on Linux.
    assert!(reason.contains("chrome://flags/#enable-unsafe-webgpu"), "{reason}");
}

/// What the page says where this script has run before its own.
fn said(site: &Site, before: &'static str) -> String {
    let mut said = String::new();
    site.visit_with(&Options { before: Some(before), ..Options::default() }, "v=1&m=sd-1m", |page| {
        assert_eq!(page.ready()["engine"], "cpu");
        said = page.text_of("#engine-message");
        assert_eq!(page.count("#engine-message a"), 0, "nothing leads to another site");
    });
    said
}

fn insecure(site: &Site) {
    let reason = said(
        site,
        "delete Navigator.prototype.gpu; Object.defineProperty(globalThis, 'isSecureContext', { value: false })",
    );
    assert!(reason.contains("secure context") && reason.contains("https"), "{reason}");
    assert!(!reason.contains("flags"), "{reason}");
}

fn too_small(site: &Site) {
    let reason = said(
        site,
        "if (globalThis.GPUSupportedLimits) Object.defineProperty(
            GPUSupportedLimits.prototype, 'maxComputeInvocationsPerWorkgroup', { get: () => 32 })",
    );
    assert!(reason.contains("32 threads a workgroup"), "{reason}");
}

fn lost(site: &Site) {
    let before = "if (globalThis.GPUAdapter) {
        const request = GPUAdapter.prototype.requestDevice;
        GPUAdapter.prototype.requestDevice = async function (...options) {
            const device = await request.apply(this, options);
            const lost = new Promise(resolve => { globalThis.lose = () => resolve({ reason: 'unknown', message: 'pulled out' }); });
            Object.defineProperty(device, 'lost', { value: lost });
            return device;
        };
    }";
    site.visit_with(&Options { before: Some(before), ..Options::default() }, "v=1&m=sd-1m", |page| {
        assert_eq!(page.ready()["engine"], "gpu");
        page.eval("lose()");
        page.click("button[data-preset='twin']");
        let report = page.ready_when("the CPU goes on", |report| report["engine"] == "cpu");
        assert_eq!(report["model"]["id"], "gpt2-1m", "with the same wish");
        assert!(page.text_of("#engine-message").contains("pulled out"));
        page.click("#gpu-again");
        let report = page.ready_when("the GPU is back", |report| report["engine"] == "gpu");
        assert_eq!(report["model"]["id"], "gpt2-1m");
        assert_eq!(page.count("#engine-message"), 0);
    });
}

fn no_adapter(site: &Site) {
    // The blank page before this one is not a secure context and has no such class.
    let no_adapter = "if (globalThis.GPU) GPU.prototype.requestAdapter = () => Promise.resolve(null)";
    let reason = cpu_reason(site, &Options::default(), no_adapter);
    assert!(reason.contains("adapter"), "{reason}");
}

fn late_adapter(site: &Site) {
    let before = "if (globalThis.GPU) {
        const request = GPU.prototype.requestAdapter;
        globalThis.asked = 0;
        GPU.prototype.requestAdapter = function (...options) {
            globalThis.asked += 1;
            return globalThis.asked === 1 ? Promise.resolve(null) : request.apply(this, options);
        };
    }";
    site.visit_with(&Options { before: Some(before), ..Options::default() }, "v=1&m=sd-1m", |page| {
        assert_eq!(page.ready()["engine"], "gpu");
        assert_eq!(page.eval("asked"), 2);
    });
}

fn asked_for_cpu(site: &Site) {
    site.visit("v=1&engine=cpu&t=A%20light%20and%20a%20rope.", |page| {
        assert_eq!(page.ready()["engine"], "cpu");
        page.click("button[data-preset='first7-linearized']");
        page.ready_with_modes(&first_layers("linearized", 7));
        assert!(page.fragment().contains("engine=cpu"), "{}", page.fragment());
    });
}

fn scalar_cpu(site: &Site) {
    cpu_reason(site, &Options::scalar(), "delete Navigator.prototype.gpu");
}

fn no_cpu(site: &Site) {
    site.visit_with(&Options::no_engine(), "v=1&engine=cpu", |page| {
        let error = page.text_of("#error");
        assert!(error.contains("CPU engine"), "{error}");
        assert_eq!(page.attribute("#report", "data-state"), "error");
    });
}

fn truncated(site: &Site) {
    bad_weights(site, &Options::truncated());
}

fn garbage(site: &Site) {
    bad_weights(site, &Options::garbage());
}

fn bad_weights(site: &Site, options: &Options) {
    site.visit_with(options, "", |page| {
        let error = page.text_of("#error");
        assert!(error.contains("sd-6m") && error.len() > 30, "the error names the file and what is wrong: {error}");
        assert_eq!(page.attribute("#report", "data-state"), "error");
        assert_ne!(page.attribute("#report", "data-error"), "");
        page.select("#model-select", "gpt2-6m");
        page.ready_when("the other model runs", |report| report["model"]["id"] == "gpt2-6m");
        assert_eq!(page.count("#error"), 0, "the error is over");
    });
}
