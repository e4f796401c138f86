//! Tour, glossary, what to notice, and the self-test.

use cascade_browser_tests::Site;

use crate::Test;

pub const TESTS: &[Test] = &[
    ("the_tour_runs_through_and_leaves_the_page_as_it_was", tour),
    ("what_to_notice_follows_the_switches", notice),
    ("the_self_test_passes_on_this_device", self_test),
    ("help_is_offered_once_as_new", help),
];

fn tour(site: &Site) {
    let before = "v=1&m=sd-1m&modes=off,softmax*7&view=cost";
    site.visit(before, |page| {
        page.ready();
        page.click("#help");
        page.click("[data-chapter='1']");
        let steps = cascade::explain::STEPS;
        for (i, step) in steps.iter().enumerate() {
            let title = page.wait("the step is there", || page.text("#tour h2").filter(|title| title == step.title));
            page.wait(&format!("{title} marks its part of the page"), || (page.count(".toured") == 1).then_some(()));
            let first = step.scene.modes.and_then(|modes| modes.split(['*', ',']).next()).unwrap_or("softmax");
            page.ready_when(&format!("the scene of {title} is computed"), |report| {
                report["model"]["id"] == step.scene.model && report["modes"][0] == first
            });
            assert_eq!(page.text_of("#tour-next"), if i + 1 == steps.len() { "Done" } else { "Next" });
            page.click("#tour-next");
        }
        page.wait("the tour is over", || (page.count("#tour") == 0).then_some(()));
        page.ready_when("the page is as it was", |report| report["model"]["id"] == "sd-1m");
        // The page adds the weights' hash to what the visitor typed.
        let hash = &cascade::zoo::find("sd-1m").expect("it ships").sha256[..12];
        assert_eq!(page.fragment().replace(&format!("@{hash}"), ""), before);
        assert_eq!(page.count(".toured"), 0);
        page.click("#help");
        page.click("[data-chapter='2']");
        page.wait("it begins again", || page.text("#tour h2"));
        page.press("Escape");
        page.wait("Escape ends it", || (page.count("#tour") == 0).then_some(()));
    });
}

fn notice(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        page.click(".to-notice summary");
        let trained = page.text_of(".to-notice ul");
        page.click("[data-preset=first7-uniform]");
        page.wait("the list follows", || {
            page.text(".to-notice ul").filter(|list| *list != trained && list.contains("control"))
        });
    });
}

fn self_test(site: &Site) {
    site.visit("v=1&m=sd-1m&view=numerics", |page| {
        page.ready();
        page.click("#self-test");
        let verdict = page.wait("the verdict is there", || {
            page.text("#self-test-verdict").filter(|text| text.starts_with("All within") || text.contains("outside"))
        });
        assert!(verdict.starts_with("All within"), "{verdict}");
        assert_eq!(page.count(".checks tbody tr"), 11);
        assert_eq!(page.count(".checks .failed"), 0);
        assert!(page.count(".kernel-forms tbody tr") > 2, "the chosen kernels are listed");
        assert!(page.text_of(".facts").contains("bytes in one binding"));
    });
}

fn help(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        assert_eq!(page.text_of("#help"), "New here?");
        page.click("#help");
        let terms = cascade::explain::GLOSSARY.len() as u64;
        page.wait("the glossary is there", || (page.count(".glossary dt") == terms).then_some(()));
        page.press("Escape");
        page.reload();
        page.ready();
        assert_eq!(page.text_of("#help"), "Help");
    });
}
