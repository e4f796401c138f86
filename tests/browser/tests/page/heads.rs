//! Choosing a head, its spectra and its rotation planes.

use cascade_browser_tests::{Page, Site};
use serde_json::{Value, json};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("a_telling_head_is_selected_and_links_keep_their_meaning", first),
    ("heads_are_sorted_by_what_the_report_says", sorted),
    ("arrow_keys_and_enter_choose_a_head", keys),
    ("eigenvalues_agree_with_the_report_for_both_families", eigenvalues),
    ("spectra_mark_what_the_report_says", spectra),
    ("pairs_of_a_rotation_plane_point_at_the_maps", planes),
];

fn selected(page: &Page) -> String {
    page.attribute(".head-cell[aria-selected=true]", "data-head")
}

fn order(page: &Page) -> Value {
    page.eval("[...document.querySelectorAll('.head-cell')].map(cell => cell.dataset.head)")
}

/// Layer, head and a figure of every head of a report.
fn figures(report: &Value, figure: impl Fn(&Value) -> f64) -> Vec<(usize, usize, f64)> {
    let layers = report["spectra"].as_array().expect("spectra").iter().enumerate();
    let of = |(l, layer): (usize, &Value)| {
        let heads = layer["heads"].as_array().expect("heads").iter().enumerate();
        heads.map(|(h, head)| (l + 1, h + 1, figure(head))).collect::<Vec<_>>()
    };
    layers.flat_map(of).collect()
}

fn first(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        assert_eq!(selected(page), "6.1");
        assert_eq!(page.attribute("[data-layer][aria-selected='true']", "data-layer"), "6");
        assert!(!page.fragment().contains("l=") && !page.fragment().contains("h="), "{}", page.fragment());
        for (fragment, head) in [("l=3", "3.1"), ("h=3", "1.3"), ("l=1", "1.1"), ("l=2&h=4", "2.4")] {
            page.go(&format!("v=1&m=sd-1m&{fragment}"));
            page.ready();
            page.wait("the linked head is selected", || (selected(page) == head).then_some(()));
            assert!(page.fragment().ends_with(fragment), "{fragment} stays: {}", page.fragment());
        }
        page.click("[data-layer='1'] .number");
        page.wait("the stack selects as well", || (selected(page) == "1.4").then_some(()));
    });
}

fn sorted(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        let report = page.ready_when("the spectra are there", |report| report["spectra"].is_array());
        page.wait("the live cascade is there", || (page.count("#cascade[data-source=gpu]") == 1).then_some(()));
        let names = |mut figures: Vec<(usize, usize, f64)>| {
            figures.sort_by(|a, b| a.2.total_cmp(&b.2));
            json!(figures.iter().map(|(l, h, _)| format!("{l}.{h}")).collect::<Vec<_>>())
        };
        assert_eq!(order(page)[5], "2.2", "layer by layer, four heads a row");
        let part = |name: &'static str| move |head: &Value| head["operating"][name].as_f64().expect("a figure");
        page.select("#head-order", "rank");
        let ranks = names(figures(&report, part("routing_erank")));
        page.wait("lowest rank first", || (order(page) == ranks).then_some(()));
        page.select("#head-order", "routing");
        let shares = names(figures(&report, |head| -part("routing_fraction")(head)));
        page.wait("most routing first", || (order(page) == shares).then_some(()));
        page.select("#head-order", "layers");
        page.wait("layer by layer again", || (order(page)[5] == "2.2").then_some(()));
    });
}

fn keys(site: &Site) {
    site.visit("v=1&m=sd-1m&l=2&h=2", |page| {
        page.ready();
        page.click(".head-cell[data-head='2.2']");
        page.eval("document.querySelector(\".head-cell[data-head='2.2']\").focus()");
        let focused = |name: &str| {
            page.wait(&format!("{name} has the focus"), || {
                (page.eval("document.activeElement.dataset.head") == name).then_some(())
            });
        };
        for (key, name) in [
            ("ArrowRight", "2.3"),
            ("ArrowDown", "3.3"),
            ("ArrowDown", "4.3"),
            ("ArrowUp", "3.3"),
            ("ArrowLeft", "3.2"),
        ] {
            page.press(key);
            focused(name);
        }
        assert_eq!(selected(page), "2.2", "the arrows only look");
        page.press("Enter");
        page.wait("Enter selects", || (selected(page) == "3.2").then_some(()));
        focused("3.2");
        assert!(page.fragment().ends_with("l=3&h=2"), "{}", page.fragment());
        assert_eq!(page.attribute("[data-layer][aria-selected='true']", "data-layer"), "3");
        page.wait("the matrices follow", || {
            page.text(".maps-head h2").filter(|title| title.starts_with("Layer 3, head 2"))
        });
    });
}

/// The largest real part in a figure's table, and whether its sentence speaks of eigenvalues right of the line.
fn largest(page: &Page, model: &str) -> (f64, bool) {
    let figure = format!(".eigenvalue-figure[data-model='{model}']");
    if page.count(&format!("{figure} details[open]")) == 0 {
        page.click(&format!("{figure} .figure-data summary"));
    }
    let cell = page.text_of(&format!("{figure} .figure-data tbody tr:first-child td"));
    let sentence = page.text_of(&format!("{figure} figcaption"));
    (cell.replace('−', "-").parse().expect("a number"), !sentence.starts_with("None"))
}

fn eigenvalues(site: &Site) {
    site.visit("v=1&m=sd-1m&l=2&h=3", |page| {
        let of =
            |report: &Value| report["spectra"][1]["heads"][2]["capacity"]["max_re_eig"].as_f64().expect("a figure");
        let sd = page.ready_when("the spectra are there", |report| report["spectra"].is_array());
        let (found, right) = largest(page, "sd-1m");
        assert!((found - of(&sd)).abs() < 1e-6 && !right, "{found}, the report says {}", of(&sd));
        page.click(".load-twin");
        page.wait("the twin's eigenvalues are there", || {
            (page.count(".eigenvalue-figure[data-model='gpt2-1m'] svg") == 1).then_some(())
        });
        let (twin, right) = largest(page, "gpt2-1m");
        page.select("#model-select", "gpt2-1m");
        let standard = page.ready_when("the twin has run", |report| {
            report["model"]["id"] == "gpt2-1m" && report["spectra"].is_array()
        });
        assert!((twin - of(&standard)).abs() < 1e-6 * (1.0 + twin), "{twin}, the report says {}", of(&standard));
        assert!(right && twin > 0.0, "a standard head has eigenvalues on the right: {twin}");
        assert_eq!(page.count(".eigenvalue-figure svg"), 2, "both are there now");
    });
}

fn spectra(site: &Site) {
    site.visit("v=1&m=sd-1m&l=4&h=2", |page| {
        let report = page.ready_when("the spectra are there", |report| report["spectra"].is_array());
        let head = &report["spectra"][3]["heads"][1];
        for (id, kind) in [("spectrum-here", "operating"), ("spectrum-capacity", "capacity")] {
            let rank = head[kind]["routing_erank"].as_f64().expect("a rank");
            let sentence = page.text_of(&format!("#{id} figcaption"));
            assert!(sentence.ends_with(&format!("Effective rank {rank:.1}.")), "{rank}: {sentence}");
            let svg = page.text_of(&format!("#{id} svg"));
            let energy = format!("90 % of the energy: {}", head[kind]["routing_rank90"]);
            assert!(svg.contains(&format!("effective rank {rank:.1}")) && svg.contains(&energy), "{svg}");
        }
    });
}

fn planes(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        page.wait("three planes are drawn", || (page.count(".plane svg") == 3).then_some(()));
        assert_eq!(page.count(".pairs button"), 15);
        let shares = page.eval(
            "[...document.querySelectorAll('.plane .figure-title')].map(t => +t.textContent.match(/([0-9.]+) %/)[1])",
        );
        let shares: Vec<f64> = serde_json::from_value(shares).expect("shares");
        // Each is rounded by itself.
        assert!(shares.is_sorted_by(|a, b| a >= b) && shares.iter().sum::<f64>() <= 101.5, "{shares:?}");
        let pair = ".plane:nth-child(2) .pairs li:nth-child(3) button";
        let text = page.text_of(pair);
        let tokens = page.eval(&format!(
            "document.querySelector('{pair}').textContent.match(/\\((\\d+)\\)/g).map(t => +t.slice(1, -1))"
        ));
        let mut tokens: Vec<u64> = serde_json::from_value(tokens).expect("two tokens");
        tokens.sort_unstable();
        let [key, query] = tokens[..] else { panic!("two tokens in `{text}`") };
        page.hover(pair);
        page.wait("the maps show the pair", || {
            page.text("#map-words")
                .filter(|w| w.starts_with(&format!("query {query} ")) && w.contains(&format!(", key {key} ")))
        });
        let marked = format!(
            "getComputedStyle(document.querySelector(\".token[data-index='{}']\")).boxShadow !== 'none'",
            query - 1
        );
        assert_eq!(page.eval(&marked), true, "the text marks it");
        page.click(pair);
        page.wait("a click holds it", || (page.count(".held") == 4).then_some(()));
    });
}
