//! Two models side by side, and the text continued.

use std::time::Duration;

use cascade_browser_tests::{Page, Site, encode, oracle};

use crate::{Test, oracle_text};

pub const TESTS: &[Test] = &[
    ("two_models_stand_side_by_side_under_linked_switches", side_by_side),
    ("a_link_opens_two_models_and_swap_exchanges_them", swap),
    ("a_text_continues_on_both_sides_with_the_same_dice", continues),
    ("a_continuation_stops_when_told", stops),
];

fn second(page: &Page, number: usize) -> Option<String> {
    page.text(&format!("#compare-second .number:nth-child({number}) strong"))
}

fn side_by_side(site: &Site) {
    let golden = oracle::golden("gpt2-6m");
    let expected = format!("{:.2}", golden["ppl"].as_f64().expect("a perplexity"));
    site.visit(&format!("{}&view=compare", oracle_text()), |page| {
        page.ready();
        page.wait("the twin's baseline is the oracle's", || {
            (second(page, 2).as_deref() == Some(expected.as_str())).then_some(())
        });
        assert_eq!(second(page, 3).as_deref(), Some("×1.000"));
        page.click("[data-preset=first7-linearized]");
        let collapsed = golden["sweep"]["linearized"][7].as_f64().expect("a perplexity");
        let ratio = collapsed / golden["ppl"].as_f64().expect("a perplexity");
        page.wait("the twin pays what the oracle says", || {
            let shown: f64 = second(page, 3)?.trim_start_matches('×').parse().ok()?;
            ((shown / ratio - 1.0).abs() < 2e-3).then_some(())
        });
        assert_eq!(page.count("#compare-second figure svg"), 1);
        assert!(page.count(".differing tbody tr") >= 8);
    });
}

fn swap(site: &Site) {
    site.visit("v=1&view=compare&with=sd-6m-a1", |page| {
        page.ready();
        page.wait("the second model is there", || second(page, 2));
        let (first, other) = (page.text_of("#compare-first h3"), page.text_of("#compare-second h3"));
        assert!(other.contains("α = 1"), "{other}");
        page.click("#compare-swap");
        page.ready_when("the models changed places", |report| report["model"]["id"] == "sd-6m-a1");
        page.wait("the first one stands beside", || (page.text("#compare-second h3")? == first).then_some(()));
        assert!(page.eval("location.hash").as_str().is_some_and(|hash| hash.contains("with=sd-6m")));
    });
}

/// Types a number and leaves the field.
fn set(page: &Page, field: &str, value: u32) {
    page.eval(&format!(
        "{{ const f = document.querySelector('{field}'); f.value = '{value}'; \
         f.dispatchEvent(new Event('change', {{ bubbles: true }})); }}"
    ));
}

fn done(page: &Page, side: &str, count: usize) -> Option<()> {
    (page.text(&format!(".side.{side} [role=status]"))? == format!("{count} tokens")).then_some(())
}

fn ids(page: &Page, side: &str) -> String {
    let script = format!("[...document.querySelectorAll('.side.{side} [data-id]')].map(e => e.dataset.id).join(' ')");
    page.eval(&script).as_str().expect("a list of ids").to_owned()
}

fn continues(site: &Site) {
    let text = encode("The old man looked at the sea and said nothing for a long time. Then he");
    site.visit(&format!("v=1&m=sd-1m&view=continue&t={text}"), |page| {
        page.ready();
        page.click("#continue");
        page.wait("the baseline is continued", || done(page, "baseline", 40));
        let once = ids(page, "baseline");
        assert_eq!(once.split(' ').count(), 40);
        page.click("[data-preset=first7-uniform]");
        page.wait("the modified side is there", || done(page, "now", 40));
        assert_eq!(ids(page, "baseline"), once, "a toggle leaves the baseline's side alone");
        assert_ne!(ids(page, "now"), once);
        assert_eq!(page.count(".side.now .first-changed"), 1, "where they part is marked");
        page.click("#reset");
        // While a side is being continued the same button stops it.
        std::thread::sleep(Duration::from_millis(300));
        page.wait("nothing is under way", || (page.text("#continue")? == "Continue").then_some(()));
        page.click("#continue");
        page.wait("the same dice give the same text", || {
            done(page, "baseline", 40)?;
            (ids(page, "baseline") == once).then_some(())
        });
        // Without chance the first token is the likeliest that the report's model names.
        set(page, "#continue-temperature", 0);
        page.wait("no dice, another text", || (ids(page, "baseline") != once).then_some(()));
        page.wait("it is whole", || done(page, "baseline", 40));
        let cold = ids(page, "baseline");
        set(page, "#continue-seed", 7);
        std::thread::sleep(Duration::from_millis(300));
        page.wait("it is whole again", || done(page, "baseline", 40));
        assert_eq!(ids(page, "baseline"), cold, "at temperature 0 the seed does not matter");
        // Links carry the dice, and Back takes all changes of them back at once.
        assert!(page.fragment().contains("dice=48,40,0,40,7"), "{}", page.fragment());
        page.reload();
        page.ready();
        assert_eq!(page.eval("document.querySelector('#continue-seed').value"), "7");
        page.eval("history.back()");
        page.wait("the dice are those of the beginning", || (!page.fragment().contains("dice=")).then_some(()));
        assert_eq!(page.eval("document.querySelector('#continue-seed').value"), "1");
    });
}

fn stops(site: &Site) {
    site.visit("v=1&view=continue", |page| {
        page.ready();
        set(page, "#continue-count", 200);
        page.click("#continue");
        page.wait("it has begun", || page.text(".side.baseline [role=status]").filter(|t| t.starts_with("token ")));
        page.click("#continue");
        let stopped = page.wait("it says so", || {
            page.text(".side.baseline [role=status]").filter(|t| t.starts_with("stopped after"))
        });
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(page.text_of(".side.baseline [role=status]"), stopped);
    });
}
