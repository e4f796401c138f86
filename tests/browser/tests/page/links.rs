//! The state lives in the address: pasted links, reload, Back.

use cascade_browser_tests::oracle::{assert_three_digits, golden_mixed, shown_number};
use cascade_browser_tests::{Page, Site, encode};

use crate::{Test, first_layers, oracle_text};

pub const TESTS: &[Test] = &[
    ("a_pasted_link_restores_model_text_modes_and_selection", pasted),
    ("a_pasted_mixture_shows_the_oracles_perplexity", mixture),
    ("a_link_pasted_into_an_open_page_is_followed", pasted_into_open_page),
    ("reload_keeps_the_state", reload),
    ("back_is_undo", back),
    ("back_undoes_a_typed_text_as_one_act", back_from_text),
    ("a_default_view_writes_no_keys", only_what_differs),
];

const SEVEN: &str = "button[data-preset='first7-linearized']";

fn selected_row(page: &Page) -> String {
    page.attribute("[data-layer][aria-selected='true']", "data-layer")
}

fn pasted(site: &Site) {
    let text = "She said: “one rope — and a 100% dry coat & hat?” That was all.";
    let link = format!("v=1&m=gpt2-6m&t={}&modes=linearized*3,rank4*2,softmax*7&l=5&h=3", encode(text));
    site.visit(&link, |page| {
        let report = page.ready();
        assert_eq!(report["model"]["id"], "gpt2-6m");
        let mut modes = first_layers("linearized", 3);
        modes[3..5].fill("rank4");
        assert_eq!(report["modes"], serde_json::json!(modes));
        assert_eq!(page.eval("document.querySelector('#model-select').value"), "gpt2-6m");
        assert_eq!(page.eval("document.querySelector('#text-input').value"), text);
        assert_eq!(page.eval("document.querySelector('#passage-select').value"), "own");
        assert_eq!(selected_row(page), "5");
        for key in ["m=gpt2-6m", "t=She", "modes=linearized*3,rank4*2,softmax*7", "l=5", "h=3"] {
            assert!(page.fragment().contains(key), "{key} is kept: {}", page.fragment());
        }
        assert_eq!(page.count("#notice"), 0, "nothing was ignored: {:?}", page.text("#notice"));
    });
}

fn mixture(site: &Site) {
    let golden = golden_mixed("sd-6m");
    let modes: Vec<&str> = golden["modes"].as_array().expect("modes").iter().filter_map(|mode| mode.as_str()).collect();
    site.visit(&format!("{}&modes={}", oracle_text(), modes.join(",")), |page| {
        let report = page.ready();
        assert_eq!(report["modes"], golden["modes"]);
        let oracle = golden["ppl"].as_f64().expect("a perplexity");
        assert_three_digits("perplexity now", shown_number(&page.text_of("#perplexity-now")), oracle);
    });
}

fn pasted_into_open_page(site: &Site) {
    site.visit("", |page| {
        page.ready();
        page.eval("location.hash = 'v=1&modes=uniform*2,softmax*10&l=2'");
        page.ready_with_modes(&first_layers("uniform", 2));
        assert_eq!(selected_row(page), "2");
    });
}

fn reload(site: &Site) {
    site.visit(&oracle_text(), |page| {
        page.ready();
        page.click(SEVEN);
        let before = page.ready_with_modes(&first_layers("linearized", 7));
        page.reload();
        let after = page.ready();
        for key in ["model", "ids", "modes"] {
            assert_eq!(after[key], before[key], "{key}");
        }
        assert_eq!(page.attribute("[data-layer='7']", "data-mode"), "linearized");
    });
}

fn back(site: &Site) {
    site.visit(&oracle_text(), |page| {
        page.ready();
        page.click(SEVEN);
        page.ready_with_modes(&first_layers("linearized", 7));
        page.click("[data-layer='1'] button[data-set-mode='off']");
        let mut modes = first_layers("linearized", 7);
        modes[0] = "off";
        page.ready_with_modes(&modes);
        page.eval("history.back()");
        page.ready_with_modes(&first_layers("linearized", 7));
        page.eval("history.back()");
        page.ready_with_modes(&first_layers("softmax", 12));
        page.eval("history.forward()");
        page.ready_with_modes(&first_layers("linearized", 7));
    });
}

fn back_from_text(site: &Site) {
    site.visit("v=1&p=ferry", |page| {
        let before = page.ready();
        crate::text::type_text(page, "A light and a rope, and nothing");
        crate::text::type_text(page, "A light and a rope, and nothing else at all.");
        page.eval("history.back()");
        page.ready_when("the passage is back", |report| report["ids"] == before["ids"]);
        assert_eq!(page.eval("document.querySelector('#passage-select').value"), "ferry");
    });
}

fn only_what_differs(site: &Site) {
    site.visit("", |page| {
        page.ready();
        for key in ["m=", "t=", "p=", "modes=", "engine="] {
            assert!(!page.fragment().contains(key), "a default is not written: {}", page.fragment());
        }
    });
}
