//! Links that are wrong, by accident or on purpose: the page works and says what it ignored.

use cascade_browser_tests::{Site, encode};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("links_with_bad_values_leave_a_working_page_that_says_so", bad_values),
    ("links_with_hostile_text_leave_a_working_page", hostile_text),
];

/// A fragment, and what the notice must speak of.
const BAD: &[(&str, &str)] = &[
    ("v=99", "99"),
    ("v=one", "one"),
    ("m=llama-900b", "llama-900b"),
    ("m=sd-6m@000000000000", "sd-6m"),
    ("m=sd-6m@nothex", "nothex"),
    ("modes=linearized*5", "5"),
    ("modes=linearized*99", "99"),
    ("modes=sideways*12", "sideways"),
    ("modes=rank3*12", "rank3"),
    ("modes=rank4294967296*12", "rank"),
    ("modes=softmax*4294967297,off*11", "modes"),
    ("modes=softmax*99999999999999999999999999", "modes"),
    ("modes=,,,*", "modes"),
    ("l=99", "99"),
    ("l=-1", "l"),
    ("h=0", "h"),
    ("h=three", "three"),
    ("p=no-such-passage", "no-such-passage"),
    ("p=own", "p"),
    ("t=%E0%A4%A", "t"),
    ("t=%ff%fe", "t"),
    ("t=A%20light%20and%20a%20rope&p=ferry", "passage"),
    ("modes=off*12&modes=uniform*12", "modes"),
    ("engine=quantum", "quantum"),
    ("zzz=1", "zzz"),
    ("&&&===&%%%", ""),
];

fn bad_values(site: &Site) {
    site.visit("", |page| {
        let mut wrong = Vec::new();
        for (fragment, told) in BAD {
            // A short text beside it, where the link is not about texts: many loads, little to compute.
            let about_text = ["t=", "p=", "%%%"].iter().any(|part| fragment.contains(part));
            page.go(&if about_text {
                (*fragment).to_owned()
            } else {
                format!("{fragment}&t=A%20light%20and%20a%20rope")
            });
            let report = page.ready_when(&format!("the page is ready after #{fragment}"), |_| true);
            if report["perplexity"].is_null() && report["modes"].is_null() {
                wrong.push(format!("#{fragment}: the report is empty"));
            }
            match page.text("#notice") {
                Some(notice) if notice.contains(told) && !notice.is_empty() => {}
                notice => wrong.push(format!("#{fragment}: the notice should speak of `{told}`: {notice:?}")),
            }
            if page.count("#error") > 0 {
                wrong.push(format!("#{fragment}: an error is shown: {:?}", page.text("#error")));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        // After all that the switches still work.
        page.click("button[data-preset='first7-linearized']");
        page.ready_with_modes(&crate::first_layers("linearized", 7));
    });
}

/// A text for the link, and what the page must say of it, if anything.
fn hostile_texts() -> Vec<(String, Option<&'static str>)> {
    let cut = Some("cut");
    let too_short = Some("two");
    vec![
        ("<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>".to_owned(), None),
        ("\"><svg onload=window.broken=1> {{constructor.constructor('window.broken=1')()}}".to_owned(), None),
        ("\0\0 nothing \0".to_owned(), None),
        ("\u{202e}right to left\u{202c} \u{feff}\u{200b}z\u{0301}\u{0301} 👩‍👩‍👧‍👦 \u{10ffff}".to_owned(), None),
        ("\r\n\t \u{b}\u{c}\u{85}\u{2028}\u{2029}".to_owned(), None),
        ("<|endoftext|> <|endoftext|>".to_owned(), None),
        ("a".to_owned(), too_short),
        (String::new(), too_short),
        ("word ".repeat(50_000), cut),
        ("a".repeat(1_000_000), cut),
    ]
}

fn hostile_text(site: &Site) {
    site.visit("", |page| {
        for (text, told) in hostile_texts() {
            let label: String = text.chars().take(30).collect();
            page.go(&format!("v=1&t={}", encode(&text)));
            if told == Some("two") {
                page.wait(&format!("the page asks for more text than {label:?}"), || {
                    ["#error", "#notice"].iter().find(|place| page.text(place).is_some_and(|text| text.contains("two")))
                });
                // The page works all the same: a passage runs.
                page.select("#passage-select", "ferry");
            }
            let report = page.ready_when(&format!("the page is ready after the text {label:?}"), |_| true);
            let tokens = report["tokens"].as_u64().unwrap_or(0);
            assert!((2..=256).contains(&tokens), "{label:?}: {tokens} tokens");
            assert!(page.eval("window.broken").is_null(), "{label:?} was executed");
            assert_eq!(page.count("#error"), 0, "{label:?}: {:?}", page.text("#error"));
            if told == Some("cut") {
                assert!(page.text_of("#notice").contains("cut"), "{label:?}: {:?}", page.text("#notice"));
            }
        }
    });
}
