//! The page without a network, and after an update of the site.

use cascade_browser_tests::{Options, Page, Site};

use crate::{Test, first_layers};

pub const TESTS: &[Test] = &[
    ("after_one_visit_the_page_works_without_a_network", offline),
    ("other_models_are_offered_as_what_they_are_without_a_network", other_models),
    ("the_worker_waits_for_the_model_and_asks_for_nothing_twice", worker_waits),
    ("an_update_of_the_site_is_there_at_the_next_load", update),
    ("caches_of_older_versions_are_deleted", old_caches),
    ("the_page_can_be_installed", installable),
];

fn page_is_kept(page: &Page) {
    page.wait("the page is kept", || page.text("#storage").filter(|text| text.contains("works without a network")));
}

fn offline(site: &Site) {
    site.visit_with(&Options { requests_fail: true, ..Options::default() }, "", |page| {
        let before = page.ready();
        page_is_kept(page);
        site.requests();
        page.offline(true);
        page.reload();
        let report = page.ready();
        assert_eq!(report["engine"], "gpu");
        assert_eq!(report["perplexity"], before["perplexity"]);
        page.click("button[data-preset='first7-linearized']");
        page.ready_with_modes(&first_layers("linearized", 7));
        page.click("#about summary");
        page.wait("the card is there", || page.text("#about dl").filter(|text| text.contains("perplexity")));
        // What would run if the GPU were lost is there as well.
        let engine = page.eval(
            "Promise.all(['worker.js', 'simd.wasm', 'scalar.wasm'].map(async (file) => {
                const worker = document.querySelector('meta[name=cpu-engine]').content;
                return (await fetch(worker.replace('worker.js', file))).ok;
            }))",
        );
        assert_eq!(engine, serde_json::json!([true, true, true]));
        // The browser itself looks for a newer worker, by ways that the tests cannot cut.
        let reached: Vec<String> = site.requests().into_iter().filter(|request| request != "sw.js").collect();
        assert_eq!(reached, [""; 0], "the page asked the server");
    });
}

fn other_models(site: &Site) {
    site.visit_with(&Options { requests_fail: true, ..Options::default() }, "v=1&m=sd-1m", |page| {
        page.ready();
        page_is_kept(page);
        page.offline(true);
        let label = |id: &str| page.text_of(&format!("#model-select option[value='{id}']"));
        page.wait("the menu says what is not there", || {
            label("gpt2-1m").contains("not downloaded; you are offline").then_some(())
        });
        assert!(!label("sd-1m").contains("offline"));
        page.select("#model-select", "gpt2-1m");
        assert!(page.text_of("#error").contains("gpt2-1m"));
        page.select("#model-select", "sd-1m");
        page.ready_when("the first model is back", |report| report["model"]["id"] == "sd-1m");
        page.select("#model-select", "gpt2-1m");
        page.text_of("#error");
        page.offline(false);
        page.ready_when("the network brings the other model", |report| report["model"]["id"] == "gpt2-1m");
    });
}

fn worker_waits(site: &Site) {
    site.requests();
    site.visit_with(&Options::slow(), "", |page| {
        page.wait("the download is under way", || page.text("#progress"));
        page.ready();
        page_is_kept(page);
        let requests = site.requests();
        let first = |part: &str| {
            let found = requests.iter().position(|request| request.contains(part));
            found.unwrap_or_else(|| panic!("no request for {part}: {requests:?}"))
        };
        assert!(first("sw.js") > first("model.safetensors"), "{requests:?}");
        let sw = first("sw.js");
        let again: Vec<&String> = requests[sw + 1..].iter().filter(|r| requests[..sw].contains(r)).collect();
        // Only the start page is asked for anew: the rest is in the browser's cache, if that takes files of such a size.
        let expected = |request: &str| request.is_empty() || request.ends_with(".wasm");
        assert!(again.iter().all(|request| expected(request)), "{again:?} were asked for twice: {requests:?}");
    });
}

fn update(site: &Site) {
    site.visit("", |page| {
        page.ready();
        page_is_kept(page);
        site.update_page(true);
        page.reload();
        page.ready();
        assert_eq!(page.attribute("meta[name=build]", "content"), "2", "the next load is of the new build");
        // Without a network the newer page is the one that opens, once it is kept.
        page.wait("the newer page is kept", || {
            let kept = page.eval(
                "(async () => (await (await caches.match('./'))?.text())?.includes('name=\"build\"') ?? false)()",
            );
            (kept == true).then_some(())
        });
    });
}

fn old_caches(site: &Site) {
    let before = "if (globalThis.caches && !sessionStorage.begun) {
        sessionStorage.begun = 1;
        const scope = new URL('./', location).href;
        caches.open(`cascade-page-0 ${scope}`).then(cache => cache.put('x', new Response('old')));
        caches.open('of another page').then(cache => cache.put('x', new Response('other')));
        caches.open(`cascade-page-1 ${scope}`).then(cache => cache.put('old-0123456789abcdef.js', new Response('old')));
        caches.open(`cascade-models ${new URL('./', location).pathname}`)
            .then(cache => cache.put('kept/0123/0', new Response('old')));
    }";
    site.visit_with(&Options { before: Some(before), ..Options::default() }, "", |page| {
        page.ready();
        page_is_kept(page);
        let names = page.eval("caches.keys()");
        let names: Vec<&str> = names.as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
        assert!(names.contains(&"of another page"), "{names:?}");
        assert!(!names.iter().any(|name| name.starts_with("cascade-page-0")), "{names:?}");
        for old in ["old-0123456789abcdef.js", "kept/0123/0"] {
            let there = page.eval(&format!("caches.match('{old}').then(found => found !== undefined)"));
            assert_eq!(there, false, "{old} is still there");
        }
    });
}

fn installable(site: &Site) {
    site.visit("", |page| {
        page.ready();
        let found = page.eval(
            "(async () => {
                const link = document.querySelector('link[rel=manifest]').href;
                const manifest = await (await fetch(link)).json();
                const sizes = [];
                for (const icon of manifest.icons) {
                    const image = new Image();
                    image.src = new URL(icon.src, link);
                    await image.decode();
                    if (icon.type === 'image/png') sizes.push(`${image.naturalWidth}x${image.naturalHeight}` === icon.sizes);
                }
                return {
                    start: new URL(manifest.start_url, link).href === new URL('./', location).href,
                    icons: sizes.length >= 2 && sizes.every(Boolean), display: manifest.display,
                };
            })()",
        );
        assert_eq!(found, serde_json::json!({ "start": true, "icons": true, "display": "standalone" }));
    });
}
