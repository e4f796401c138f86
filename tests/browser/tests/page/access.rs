//! Who uses a keyboard, a screen reader or needs contrast: axe-core finds nothing serious in any view.

use cascade_browser_tests::{Options, Page, Site};
use serde_json::Value;

use crate::Test;

pub const TESTS: &[Test] = &[
    ("axe_finds_nothing_serious_on_a_laptop_in_light", |site| check(site, (1280, 720), false)),
    ("axe_finds_nothing_serious_on_a_phone_in_dark", |site| check(site, (390, 844), true)),
    ("keyboard_reaches_everything_and_focus_shows", keyboard),
];

const RUN: &str = "axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations \
    .filter(v => ['serious', 'critical'].includes(v.impact)) \
    .map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 4).map(n => n.target.join(' ') + ' ' + \
        (n.any[0]?.message ?? '')).join(' | ')}`))";

fn axe(page: &Page, view: &str, found: &mut Vec<String>) {
    let Value::Array(problems) = page.eval(RUN) else { panic!("axe says nothing of {view}") };
    found.extend(problems.iter().map(|problem| format!("{view}: {}", problem.as_str().unwrap_or_default())));
}

fn check(site: &Site, size: (u32, u32), dark: bool) {
    let script = xtask::install::axe().unwrap_or_else(|error| panic!("{error}"));
    let script = std::fs::read_to_string(&script).unwrap_or_else(|error| panic!("{}: {error}", script.display()));
    let options = Options { size, dark, ..Options::default() };
    let mut found = Vec::new();
    site.visit_with(&options, "v=1&modes=linearized*7,softmax*5&view=heads", |page| {
        page.ready();
        page.eval(&format!("{script}; 0"));
        page.wait("the maps are there", || (page.count(".map canvas") > 0).then_some(()));
        axe(page, "heads", &mut found);
        for tab in ["sweep", "cost", "continue", "compare", "numerics"] {
            page.eval(&format!("document.querySelector('#tab-{tab}').click()"));
            page.wait("the tab is open", || {
                (page.attribute(&format!("#tab-{tab}"), "aria-selected") == "true").then_some(())
            });
            page.ready();
            axe(page, tab, &mut found);
        }
        for (button, dialog) in [("#share", "#share-dialog"), ("#help", "#help-dialog")] {
            page.eval(&format!("document.querySelector('{button}').click()"));
            page.wait("the dialog is open", || {
                (page.eval(&format!("document.querySelector('{dialog}').open")) == true).then_some(())
            });
            axe(page, dialog, &mut found);
            page.eval(&format!("document.querySelector('{dialog}').close()"));
        }
        // The test can fail: a picture without a name is found.
        page.eval("document.querySelector('main').append(document.createElement('img')); 0");
        let mut planted = Vec::new();
        axe(page, "planted", &mut planted);
        assert!(planted.iter().any(|problem| problem.contains("image-alt")), "axe is blind: {planted:?}");
    });
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn keyboard(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        let mut seen = Vec::new();
        for _ in 0..60 {
            page.press("Tab");
            let at = page.eval(
                "(() => { const e = document.activeElement; const s = getComputedStyle(e); \
                 return [e.id || e.className || e.tagName, e === document.body || s.outlineStyle != 'none']; })()",
            );
            assert_eq!(at[1], true, "no visible focus on {}", at[0]);
            seen.push(at[0].as_str().unwrap_or_default().to_owned());
        }
        for id in ["model-select", "passage-select", "help", "share", "rank-slider", "tab-heads"] {
            assert!(seen.iter().any(|name| name == id), "Tab does not reach #{id}: {seen:?}");
        }
        page.press("?");
        page.wait("the help is open", || {
            (page.eval("document.querySelector('#help-dialog').open") == true).then_some(())
        });
        // A dialog closes by the key's code, not by its name.
        page.key("keyDown", "Escape", 27);
        page.key("keyUp", "Escape", 27);
        page.wait("it is closed", || (page.eval("document.querySelector('#help-dialog').open") == false).then_some(()));
    });
}
