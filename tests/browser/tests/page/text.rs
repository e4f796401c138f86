//! The text: typed, cut, and looked at token by token.

use cascade_browser_tests::{Page, Site, oracle};
use serde_json::Value;

use crate::{Test, oracle_text};

pub const TESTS: &[Test] = &[
    ("a_typed_text_is_run", typed),
    ("a_long_text_is_cut_and_the_person_is_told", long),
    ("an_empty_text_leaves_a_working_page", empty),
    ("a_passage_can_be_chosen", passage),
    ("hovering_a_token_shows_its_exact_loss_and_five_predictions", hover),
];

/// Types a text and waits for its run.
pub fn type_text(page: &Page, text: &str) -> Value {
    let ids = "JSON.parse(document.querySelector('#report')?.textContent ?? '{}').ids ?? null";
    let before = page.wait("something has run", || Some(page.eval(ids)).filter(Value::is_array));
    open_field(page);
    page.type_into("#text-input", text);
    page.ready_when("the typed text has run", |report| report["ids"] != before)
}

/// The field is folded away until it is asked for.
fn open_field(page: &Page) {
    if page.eval("document.querySelector('details:has(#text-input)')?.open") == false {
        page.click("details:has(#text-input) summary");
    }
}

fn typed(site: &Site) {
    site.visit("", |page| {
        let report = type_text(page, "Once upon a time there was a miller who had three sons.");
        let tokens = report["tokens"].as_u64().expect("a count");
        assert!((8..40).contains(&tokens), "{tokens} tokens");
        assert_eq!(page.count(".token"), tokens);
        assert_eq!(page.eval("document.querySelector('#passage-select').value"), "own");
        assert!(page.fragment().contains("t=Once"), "the text is in the link: {}", page.fragment());
        assert_eq!(page.count("#notice"), 0, "nothing was cut");
    });
}

fn long(site: &Site) {
    site.visit("", |page| {
        let report = type_text(page, &format!("Now {}", oracle::text().repeat(3)));
        assert_eq!(report["tokens"], 256);
        assert_eq!(page.count(".token"), 256);
        let notice = page.text_of("#notice");
        assert!(notice.contains("256"), "the notice says where the text was cut: {notice}");
    });
}

/// Too little to predict anything is a state that says so, and ends with the next text.
fn empty(site: &Site) {
    site.visit("", |page| {
        page.ready();
        open_field(page);
        page.type_into("#text-input", "");
        page.wait("the page asks for more text", || {
            ["#error", "#notice"].iter().find(|place| page.text(place).is_some_and(|text| text.contains("two")))
        });
        let report = type_text(page, "A light and a rope. A light and a rope.");
        assert_eq!(page.count(".token"), report["tokens"].as_u64().expect("a count"));
        assert_eq!(page.count("#error"), 0);
    });
}

fn passage(site: &Site) {
    site.visit("", |page| {
        let before = page.ready();
        let passages = page.eval("[...document.querySelector('#passage-select').options].map(o => o.value)");
        let passages: Vec<&str> = passages.as_array().expect("options").iter().filter_map(Value::as_str).collect();
        assert!(passages.iter().filter(|id| **id != "own").count() >= 4, "at least four passages: {passages:?}");
        let current = page.eval("document.querySelector('#passage-select').value");
        let other = passages.iter().find(|id| **id != "own" && current != **id).expect("another passage");
        page.select("#passage-select", other);
        let after = page.ready_when("the other passage has run", |report| report["ids"] != before["ids"]);
        assert_eq!(after["tokens"], 256, "a passage fills the context");
        assert!(page.fragment().contains(&format!("p={other}")), "{}", page.fragment());
    });
}

fn hover(site: &Site) {
    site.visit(&format!("{}&modes=linearized*7,softmax*5", oracle_text()), |page| {
        let report = page.ready();
        for token in [1, 5, 100] {
            page.hover(&format!(".token[data-index='{token}']"));
            let loss = report["nll"][token - 1].as_f64().expect("a loss");
            let baseline = report["baseline_nll"][token - 1].as_f64().expect("a loss");
            page.wait(&format!("the tooltip shows {loss:.2} beside {baseline:.2} for token {token}"), || {
                let numbers = numbers(&page.text("#token-tooltip")?);
                let shown = |value: f64| numbers.iter().any(|number| (number - value).abs() <= 0.0051);
                (shown(loss) && shown(baseline)).then_some(())
            });
            let predictions = page.count("#token-tooltip li, #token-tooltip tr");
            assert!(predictions >= 5, "{predictions} predictions are listed");
        }
    });
}

/// Every number in a text.
fn numbers(text: &str) -> Vec<f64> {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .filter_map(|word| word.trim_end_matches('.').parse().ok())
        .collect()
}
