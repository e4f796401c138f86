//! How it looks: every view in light and dark, on a laptop and on a phone, against pictures of before; and nothing
//! wider than the window.
//!
//! After a change that is meant to be seen, `PICTURES=write` writes the pictures anew: look at each of them.

use cascade_browser_tests::{Options, Page, Picture, Site};

use crate::{Test, first_layers};

pub const TESTS: &[Test] = &[
    ("views_look_as_before_on_a_laptop_in_light", |site| views(site, (1280, 720), false)),
    ("views_look_as_before_on_a_laptop_in_dark", |site| views(site, (1280, 720), true)),
    ("views_look_as_before_on_a_phone_in_light", |site| views(site, (390, 844), false)),
    ("views_look_as_before_on_a_phone_in_dark", |site| views(site, (390, 844), true)),
];

/// Share of the pixels that may differ: fonts and their smoothing are not the same everywhere.
const TOLERANCE: f64 = 0.02;

/// What takes its own time is not compared, nor what has this server's address in it.
const STILL: &str = "{ const style = document.createElement('style'); style.textContent = \
    '.time, .times dd, #share-dialog textarea, #share-dialog svg { visibility: hidden } \
     * { transition: none !important; caret-color: transparent }'; \
    document.head.append(style); }";

/// A view: its name, how to come there, and what is true when it is complete.
type View = (&'static str, fn(&Page), &'static str);

const VIEWS: &[View] = &[
    (
        "first",
        |_| {},
        "document.querySelectorAll('.stack .cost').length == 12 && \
        [...document.querySelectorAll('.stack .cost')].every(c => c.textContent != '·')",
    ),
    ("heads", |page| tab(page, "heads"), "document.querySelectorAll('.map canvas').length > 0"),
    (
        "sweep",
        |page| {
            tab(page, "sweep");
            // The twin's curves take a software adapter a minute more.
            page.eval("document.querySelector('#sweep-twin').click()");
        },
        "document.querySelector('#sweep-status')?.textContent == 'done' && \
        [...document.querySelectorAll('.sweep-table td button')].length > 0 && \
        [...document.querySelectorAll('.sweep-table td button')].every(b => b.textContent != '·')",
    ),
    ("cost", |page| tab(page, "cost"), "document.querySelectorAll('#panel svg').length >= 2"),
    (
        "continue",
        |page| {
            tab(page, "continue");
            page.eval("document.querySelector('#continue').click()");
        },
        "[...document.querySelectorAll('.side [role=status]')].length == 2 && \
        [...document.querySelectorAll('.side [role=status]')].every(e => /^\\d+ tokens$/.test(e.textContent))",
    ),
    (
        "compare",
        |page| tab(page, "compare"),
        "document.querySelector('#compare-second figure svg') && \
        document.querySelectorAll('.differing tbody tr').length > 0",
    ),
    (
        "numerics",
        |page| {
            tab(page, "numerics");
            page.eval("document.querySelector('#self-test').click()");
        },
        "document.querySelector('#self-test-verdict.good')",
    ),
    (
        "share",
        |page| {
            page.eval("document.querySelector('#share').click()");
        },
        "document.querySelector('#share-dialog svg')",
    ),
    (
        "help",
        |page| {
            page.eval("document.querySelector('#share-dialog').close()");
            page.eval("document.querySelector('#help').click()");
        },
        "document.querySelector('#help-dialog .glossary')",
    ),
    (
        "tour",
        |page| {
            page.eval("document.querySelector('[data-chapter=\"3\"]').click()");
        },
        "document.querySelector('#tour') && document.querySelector('#report').dataset.state == 'ready' && \
        /Plain averaging/.test(document.querySelector('#cascade-sentence').textContent)",
    ),
];

fn tab(page: &Page, id: &str) {
    page.eval(&format!("document.querySelector('#tab-{id}').click()"));
}

fn views(site: &Site, size: (u32, u32), dark: bool) {
    let options = Options { size, dark, ..Options::default() };
    let scheme = if dark { "dark" } else { "light" };
    let mut different = Vec::new();
    site.visit_with(&options, "v=1&modes=linearized*7,softmax*5", |page| {
        page.ready_with_modes(&first_layers("linearized", 7));
        page.eval(STILL);
        let background = "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)";
        let brightness = page.eval(&format!("{background}.reduce((a, b) => a + b) / 3"));
        assert_eq!(brightness.as_f64().expect("a colour") < 128.0, dark, "the background follows the system's choice");
        for (name, go, complete) in VIEWS {
            go(page);
            page.wait(&format!("{name} is complete"), || (page.eval(&format!("!!({complete})")) == true).then_some(()));
            let top = if *name == "first" {
                "window.scrollTo(0, 0)"
            } else {
                "document.querySelector('.tabs').scrollIntoView()"
            };
            if !["share", "help", "tour"].contains(name) {
                page.eval(top);
            }
            // Two frames, so that what was asked for is drawn.
            page.eval(
                "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 150))))",
            );
            let view = format!("{name}-{}x{}-{scheme}", size.0, size.1);
            assert!(page.overflow() <= 0, "{view}: {} pixels wider than the window", page.overflow());
            different.extend(compare(page, &view));
        }
    });
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// What is in the window against the picture that is kept; a sentence where they differ.
fn compare(page: &Page, view: &str) -> Option<String> {
    let shots = xtask::shell::root().join("target/screenshots");
    page.screenshot(&shots.join(format!("{view}.png")), false);
    let shot = std::fs::read(shots.join(format!("{view}.png"))).expect("the screenshot is there");
    let found = Picture::reduced(&shot).unwrap_or_else(|error| panic!("{view}: {error}"));
    let kept = xtask::shell::root().join(format!("tests/browser/pictures/{view}.png"));
    if std::env::var("PICTURES").is_ok_and(|what| what == "write") {
        found.write(&kept).unwrap_or_else(|error| panic!("{error}"));
        return None;
    }
    let before = std::fs::read(&kept).map_err(|e| e.to_string()).and_then(|png| Picture::read(&png));
    match before {
        Err(error) => Some(format!("{view}: no picture to compare with ({error}); look at it, then PICTURES=write")),
        Ok(before) => {
            let share = found.difference(&before);
            (share > TOLERANCE).then(|| {
                format!("{view}: {:.1} % of the picture differ; see target/screenshots/{view}.png", 100.0 * share)
            })
        }
    }
}
