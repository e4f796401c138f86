//! Weights on their way and on the visitor's device: cut, resumed, kept, damaged, deleted.

use cascade_browser_tests::{Options, Page, Site};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("a_reload_in_the_middle_of_a_download_goes_on_from_there", reload_resumes),
    ("a_server_without_ranges_is_asked_for_the_whole_file", without_ranges),
    ("a_stopped_download_says_how_far_it_came_and_goes_on", cancel_and_go_on),
    ("kept_files_are_not_asked_for_again", kept),
    ("a_damaged_copy_heals_and_the_page_says_so", damaged),
    ("a_damaged_first_part_heals_too", damaged_part),
    ("downloads_can_be_deleted", delete),
    ("a_failing_server_is_named_and_trying_again_works", server_fails),
    ("a_lost_network_is_named_and_its_return_goes_on", network_fails),
    ("a_short_break_of_the_connection_is_bridged", short_break),
    ("without_room_the_page_works_and_says_so", no_room),
    ("without_a_store_the_page_works_and_says_so_where_it_matters", no_store),
];

const WEIGHTS: &str = "checkpoints/sd-6m/model.safetensors";
const PIECE: u64 = 1 << 20;

/// Requests for a file since the last look.
fn requests_for(site: &Site, file: &str) -> Vec<String> {
    site.requests().into_iter().filter(|request| request.starts_with(file)).collect()
}

/// Where the only request for the weights began.
#[track_caller]
fn resumed_at(site: &Site) -> u64 {
    let requests = requests_for(site, WEIGHTS);
    assert_eq!(requests.len(), 1, "{requests:?}");
    let start = requests[0].rsplit_once("bytes=").and_then(|(_, range)| range.strip_suffix('-')?.parse().ok());
    start.unwrap_or_else(|| panic!("no range is asked for: {requests:?}"))
}

/// Bytes of the running download.
fn done(page: &Page) -> f64 {
    page.eval("document.querySelector('#progress progress')?.value ?? 0").as_f64().unwrap_or(0.0)
}

fn half_way(page: &Page) {
    page.wait("half of the weights are there", || (done(page) > 5.5e6).then_some(()));
}

/// Bytes of the files in the store.
fn stored(page: &Page) -> u64 {
    let count = "(async () => {
        let bytes = 0;
        for (const name of (await caches.keys()).filter(name => name.startsWith('cascade-models '))) {
            const cache = await caches.open(name);
            for (const key of await cache.keys()) bytes += (await (await cache.match(key)).arrayBuffer()).byteLength;
        }
        return bytes;
    })()";
    page.eval(count).as_u64().expect("a number of bytes")
}

fn all_stored(page: &Page) {
    page.wait("weights and tokenizer are stored", || (stored(page) == 11_599_592 + 262_869).then_some(()));
}

/// Overwrites a piece of the default model's weights.
fn damage(page: &Page, piece: u32) {
    let done = page.eval(&format!(
        "(async () => {{
            const name = (await caches.keys()).find(name => name.startsWith('cascade-models '));
            const cache = await caches.open(name);
            const key = (await cache.keys()).find(key => /051b61a6.*\\/{piece}$/.test(key.url));
            await cache.put(key, new Response(new Uint8Array({PIECE})));
            return true;
        }})()"
    ));
    assert_eq!(done, true);
}

fn reload_resumes(site: &Site) {
    site.visit_with(&Options::slow(), "", |page| {
        half_way(page);
        assert!(page.text_of("#progress").contains("S-D attention, 6M"));
        site.requests();
        page.reload();
        let words = page.wait("the page says that it goes on", || {
            page.text("#progress").filter(|text| text.contains("resumed at"))
        });
        assert!(words.contains("of 11.6 MB"), "{words}");
        assert_eq!(page.ready()["engine"], "gpu");
        let start = resumed_at(site);
        assert!(start >= 4 * PIECE && start.is_multiple_of(PIECE), "{start}");
        all_stored(page);
    });
}

fn without_ranges(site: &Site) {
    site.visit_with(&Options::without_ranges(), "", |page| {
        half_way(page);
        site.requests();
        page.reload();
        page.ready();
        assert!(resumed_at(site) > 0);
        assert_eq!(page.count("#storage-note"), 0, "nothing was damaged");
        all_stored(page);
    });
}

fn cancel_and_go_on(site: &Site) {
    site.visit_with(&Options::slow(), "", |page| {
        // Early: a machine that is busy opening its GPU may take the click seconds later.
        page.wait("the first piece is there", || (done(page) > 1.1e6).then_some(()));
        page.click("#progress button");
        let error = page.text_of("#error");
        assert!(error.contains("stopped at") && error.contains("of 11.6 MB"), "{error}");
        assert_eq!(page.count("#progress"), 0);
        assert_eq!(page.count("#cascade[data-source=recorded] svg"), 1, "the recorded figure stays");
        site.requests();
        page.click("#error button");
        page.ready();
        assert!(resumed_at(site) > 1_100_000);
        // Another model in the middle of a download ends it.
        page.select("#model-select", "sd-6m-a1");
        page.wait("the next download is under way", || (done(page) > 1e6).then_some(()));
        page.select("#model-select", "sd-1m");
        page.ready_when("the small model is there", |report| report["model"]["id"] == "sd-1m");
    });
}

fn kept(site: &Site) {
    site.visit("", |page| {
        page.ready();
        all_stored(page);
        page.wait("the page says what is kept", || {
            page.text("#storage").filter(|text| text.contains("1 model, 11.9 MB"))
        });
        site.requests();
        page.reload();
        page.ready();
        let asked = site.requests();
        let again = asked.iter().any(|request| request.starts_with(WEIGHTS) || request.contains("tokenizer"));
        assert!(!again, "{asked:?}");
        assert_eq!(page.count("#progress"), 0);
    });
}

fn damaged(site: &Site) {
    site.visit("", |page| {
        page.ready();
        all_stored(page);
        damage(page, 3);
        site.requests();
        page.reload();
        page.ready();
        let note = page.text_of("#storage-note");
        assert!(note.contains(WEIGHTS) && note.contains("damaged"), "{note}");
        assert_eq!(requests_for(site, WEIGHTS), [WEIGHTS]);
        all_stored(page);
        page.click("#storage-note button");
        page.reload();
        page.ready();
        assert_eq!(requests_for(site, WEIGHTS), [""; 0]);
        assert_eq!(page.count("#storage-note"), 0);
    });
}

fn damaged_part(site: &Site) {
    site.visit_with(&Options::slow(), "", |page| {
        half_way(page);
        page.click("#progress button");
        page.text_of("#error");
        damage(page, 1);
        site.requests();
        page.reload();
        page.ready();
        assert!(page.text_of("#storage-note").contains("damaged"));
        let requests = requests_for(site, WEIGHTS);
        assert_eq!(requests.len(), 2, "{requests:?}");
        assert_eq!(requests[1], WEIGHTS, "the second time the whole file is asked for");
        all_stored(page);
    });
}

fn delete(site: &Site) {
    site.visit("", |page| {
        page.ready();
        all_stored(page);
        page.click("#delete-downloads");
        page.wait("the page says that nothing is kept", || {
            page.text("#storage").filter(|text| text.contains("Nothing is kept"))
        });
        assert_eq!(stored(page), 0);
        assert_eq!(page.count("#delete-downloads"), 0);
        // The model in memory goes on.
        page.click("button[data-preset='first7-linearized']");
        page.ready_with_modes(&crate::first_layers("linearized", 7));
        site.requests();
        page.reload();
        page.ready();
        assert_eq!(requests_for(site, WEIGHTS), [WEIGHTS]);
    });
}

fn server_fails(site: &Site) {
    site.break_weights(true);
    site.visit_with(&Options { requests_fail: true, ..Options::default() }, "", |page| {
        let error = page.text_of("#error");
        assert!(error.contains(WEIGHTS) && error.contains("503"), "{error}");
        site.break_weights(false);
        page.click("#error button");
        assert_eq!(page.ready()["model"]["id"], "sd-6m");
        assert_eq!(page.count("#error"), 0);
    });
}

/// Cuts the connection that brings weights, and refuses new ones, while `cut` is set.
const CUT: &str = "{
    const real = globalThis.fetch;
    globalThis.fetch = async (...request) => {
        if (!String(request[0]).endsWith('.safetensors')) return real(...request);
        if (globalThis.cut) throw new TypeError('Failed to fetch');
        const response = await real(...request), reader = response.body.getReader();
        return new Response(new ReadableStream({ async pull(stream) {
            if (globalThis.cut) { reader.cancel(); return stream.error(new TypeError('network error')); }
            const { done, value } = await reader.read();
            if (done) stream.close(); else stream.enqueue(value);
        } }), response);
    };
}";

fn network_fails(site: &Site) {
    site.visit_with(&Options { before: Some(CUT), ..Options::slow() }, "", |page| {
        half_way(page);
        page.eval("globalThis.cut = true");
        let error = page.text_of("#error");
        assert!(error.contains(WEIGHTS) && error.contains("connection"), "{error}");
        site.requests();
        page.eval("globalThis.cut = false; dispatchEvent(new Event('online'))");
        page.ready();
        assert!(resumed_at(site) > 5_500_000);
    });
}

fn short_break(site: &Site) {
    site.visit_with(&Options { before: Some(CUT), ..Options::slow() }, "", |page| {
        half_way(page);
        site.requests();
        page.eval("globalThis.cut = true; setTimeout(() => globalThis.cut = false, 300)");
        page.ready();
        assert!(resumed_at(site) > 5_500_000);
        assert_eq!(page.count("#error"), 0);
        all_stored(page);
    });
}

fn no_room(site: &Site) {
    let before = "if (globalThis.Cache) Cache.prototype.put = () => \
        Promise.reject(new DOMException('Quota exceeded.', 'QuotaExceededError'))";
    site.visit_with(&Options { before: Some(before), ..Options::default() }, "", |page| {
        page.ready();
        let note = page.text_of("#storage-note");
        assert!(note.contains("no room") && note.contains("Quota exceeded"), "{note}");
        assert_eq!(page.count("#error"), 0);
    });
}

fn no_store(site: &Site) {
    let before = "Object.defineProperty(globalThis, 'caches', { value: undefined })";
    site.visit_with(&Options { before: Some(before), ..Options::slow() }, "", |page| {
        half_way(page);
        page.click("#progress button");
        page.text_of("#error");
        site.requests();
        page.click("#error button");
        page.ready();
        assert!(resumed_at(site) > 5_500_000, "what came is in memory");
        assert!(page.text_of("#storage").contains("keeps no downloads"));
        assert_eq!(page.count("#storage-note") + page.count("#notice"), 0);
    });
}
