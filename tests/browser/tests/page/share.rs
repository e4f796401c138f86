//! Sharing: links that check themselves, the dialog, embedding, what a link leaves out and pins.

use cascade_browser_tests::{Options, Page, Site, encode};

use crate::{Test, first_layers};

pub const TESTS: &[Test] = &[
    ("a_shared_link_is_reproduced_in_another_profile_until_the_state_is_edited", reproduced),
    ("an_edited_or_damaged_link_is_honest", edited),
    ("the_dialogs_link_code_and_iframe_say_the_same", dialog),
    ("texts_too_long_for_a_link_or_a_code_are_said", too_long),
    ("an_embedded_page_is_compact", embedded),
    ("a_link_leaves_out_and_pins_and_lets_the_visitor_out", pinned),
];

const SEVEN: &str = "button[data-preset='first7-linearized']";

/// Opens the dialog and returns its link.
fn shared_link(page: &Page) -> String {
    page.click("#share");
    page.wait("the dialog shows a link", || {
        let link = page.eval("document.querySelector('#share-link')?.value");
        link.as_str().filter(|link| link.contains('#')).map(str::to_owned)
    })
}

fn fragment_of(link: &str) -> &str {
    link.split_once('#').expect("a link with a fragment").1
}

fn check(page: &Page) -> Option<String> {
    (page.count("#check") > 0).then(|| page.attribute("#check", "data-check"))
}

/// A self-checking link, made on a page of its own.
fn make_link(site: &Site) -> String {
    let mut link = String::new();
    site.visit("v=1&m=sd-1m&p=ferry&modes=linearized*3,softmax*5", |page| {
        page.ready();
        link = shared_link(page);
        assert!(!page.fragment().contains("c="), "the address bar has no figures: {}", page.fragment());
    });
    assert!(link.contains("&c=1") && link.contains("m=sd-1m@"), "{link}");
    link
}

fn reproduced(site: &Site) {
    let link = make_link(site);
    site.visit(fragment_of(&link), |page| {
        page.ready();
        page.wait("the check is done", || check(page).filter(|state| state != "waiting"));
        assert_eq!(check(page).as_deref(), Some("reproduced"), "{:?}", page.text("#check"));
        assert!(page.text_of("#check").contains("Largest difference"), "{:?}", page.text("#check"));
        assert!(!page.fragment().contains("c="), "the address bar has no figures: {}", page.fragment());
        assert_eq!(page.count("#notice"), 0, "{:?}", page.text("#notice"));
        page.click("[data-layer='5'] button[data-set-mode='off']");
        page.ready_when("the layer is off", |report| report["modes"][4] == "off");
        assert_eq!(check(page), None, "an edited state keeps the link's figures");
        let edited = shared_link(page);
        assert_ne!(edited.split("&c=").nth(1), link.split("&c=").nth(1), "the new link has the old figures");
    });
}

fn edited(site: &Site) {
    let link = make_link(site);
    let other = fragment_of(&link).replace("linearized*3,softmax*5", "uniform*3,softmax*5");
    site.visit(&other, |page| {
        page.ready();
        let state = page.wait("the check is done", || check(page).filter(|state| state != "waiting"));
        assert_eq!(state, "differs");
        let told = page.text_of("#check");
        assert!(told.contains("perplexity is") && told.contains("in the link"), "{told}");
        assert!(!told.contains("baseline"), "the baseline is the same: {told}");
        // The same page, the link as it was.
        page.go(fragment_of(&link));
        let state = page.wait("the check is done", || check(page).filter(|state| state != "waiting"));
        assert_eq!(state, "reproduced");
        page.go(&fragment_of(&link)[..fragment_of(&link).len() - 4]);
        page.ready();
        assert_eq!(check(page), None);
        assert!(page.text_of("#notice").contains("damaged"), "{:?}", page.text("#notice"));
    });
}

/// What an independent decoder reads from the code on the page.
fn read_code(page: &Page) -> String {
    let side =
        page.eval("document.querySelector('#share-qr').viewBox.baseVal.width").as_f64().expect("a size") as usize;
    let path = page.attribute("#share-qr path", "d");
    let mut dark = vec![false; side * side];
    for run in path.split('M').skip(1) {
        let numbers: Vec<usize> =
            run.split([' ', 'h', 'v']).take(3).map(|number| number.parse().expect("a number")).collect();
        dark[numbers[1] * side + numbers[0]..][..numbers[2]].fill(true);
    }
    let shade = |x: usize, y: usize| if dark[y / 4 * side + x / 4] { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * 4, side * 4, shade);
    image.detect_grids().first().expect("a code is found").decode().expect("it is readable").1
}

fn dialog(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        let link = shared_link(page);
        assert_eq!(read_code(page), link);
        page.click("#share-lock input[value=model]");
        page.click("#share-hide input[value=tabs]");
        let restricted = page.eval("document.querySelector('#share-link').value");
        let restricted = restricted.as_str().expect("a link");
        assert!(restricted.contains("&hide=tabs&lock=model"), "{restricted}");
        assert_eq!(read_code(page), restricted);
        let frame = page.eval("document.querySelector('#share-frame').value");
        let frame = frame.as_str().expect("a code");
        let source = page.eval(&format!(
            "new DOMParser().parseFromString({}, 'text/html').querySelector('iframe').src",
            serde_json::json!(frame)
        ));
        assert_eq!(source.as_str().expect("an address"), restricted.replacen("&hide=", "&embed=1&hide=", 1));
        assert!(!page.fragment().contains("lock"), "the page itself is not pinned: {}", page.fragment());
        // The code fills the window; Escape leaves it, and the dialog only then.
        page.click(".qr");
        let width = page.eval("document.querySelector('.qr').getBoundingClientRect().width - innerWidth");
        assert!(width.as_f64().is_some_and(|over| over.abs() < 20.0), "the code is small: {width}");
        for open in [1, 0] {
            for kind in ["keyDown", "keyUp"] {
                page.key(kind, "Escape", 27);
            }
            page.wait("the code is small again, then the dialog closed", || {
                (page.count(".qr.large") == 0 && page.count("dialog[open]") == open).then_some(())
            });
        }
    });
}

fn too_long(site: &Site) {
    let text = "A light and a rope. ".repeat(200);
    site.visit(&format!("v=1&m=sd-1m&t={}", encode(&text)), |page| {
        page.ready();
        shared_link(page);
        assert!(page.text_of("#share-qr-long").contains("2953"), "{:?}", page.text("#share-qr-long"));
        assert_eq!(page.count("#share-qr"), 0);
        assert!(page.text_of("#share-long").contains("characters"), "{:?}", page.text("#share-long"));
    });
}

fn embedded(site: &Site) {
    let options = Options { size: (480, 640), ..Options::default() };
    site.visit_with(&options, "v=1&m=sd-1m&modes=linearized*2,softmax*6&embed=1", |page| {
        page.ready();
        for absent in ["header", ".text-panel", ".presets", "[role=tablist]", "#about"] {
            assert_eq!(page.count(absent), 0, "{absent} is on an embedded page");
        }
        for present in [".stack", "#perplexity-now", "#cascade .plot svg"] {
            assert_eq!(page.count(present), 1, "{present} is missing on an embedded page");
        }
        assert!(page.overflow() <= 0, "{} pixels too wide", page.overflow());
        assert_eq!(page.attribute("#open-whole", "target"), "_blank");
        page.click("[data-layer='1'] button[data-set-mode='off']");
        page.ready_when("the layer is off", |report| report["modes"][0] == "off");
        assert!(page.fragment().contains("embed=1"), "{}", page.fragment());
        let whole = page.attribute("#open-whole", "href");
        assert!(whole.contains("modes=off,linearized,softmax*6") && !whole.contains("embed"), "{whole}");
    });
}

fn pinned(site: &Site) {
    site.visit("v=1&p=ferry&modes=linearized*7,softmax*5&hide=text,tabs,nonsense&lock=model,text,modes,visitor", |page| {
        page.ready();
        let notice = page.text_of("#notice");
        assert!(notice.contains("nonsense") && notice.contains("visitor"), "{notice}");
        assert_eq!((page.count(".text-panel"), page.count("[role=tablist]")), (0, 0));
        for control in ["#model-select", "#passage-select", "#rank-slider", "[data-layer='1'] button[data-set-mode='off']"] {
            assert_eq!(page.count(&format!("{control}:disabled")), 1, "{control} is not disabled");
        }
        assert_eq!(page.count(&format!("{SEVEN}:disabled, fieldset:disabled {SEVEN}")), 1);
        // The keyboard is no way around it; the selection is free.
        page.eval("document.querySelector('[data-layer=\"3\"]').click()");
        page.eval(
            "document.querySelector('[data-layer=\"3\"]').dispatchEvent(new KeyboardEvent('keydown', { key: 'o', bubbles: true }))",
        );
        page.wait("the selection is in the address", || page.fragment().contains("l=3").then_some(()));
        for kept in ["hide=text,tabs", "lock=model,text,modes", "modes=linearized*7,softmax*5"] {
            assert!(page.fragment().contains(kept), "{kept}: {}", page.fragment());
        }
        let told = page.text_of("#restrictions");
        assert!(told.contains("the model, the text and the layer modes"), "{told}");
        page.click("#unlock");
        page.wait("the page is whole", || (page.count(".text-panel") == 1 && page.count("#restrictions") == 0).then_some(()));
        assert_eq!(page.count("select:disabled, .stack button:disabled"), 0);
        assert!(page.fragment().contains("modes=linearized*7,softmax*5"), "{}", page.fragment());
        page.click("[data-layer='1'] button[data-set-mode='softmax']");
        let mut modes = first_layers("linearized", 7);
        modes[0] = "softmax";
        page.ready_with_modes(&modes);
    });
}
