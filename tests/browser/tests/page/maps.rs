//! The selected head's matrices.

use cascade_browser_tests::Site;

use crate::Test;

pub const TESTS: &[Test] = &[("heat_maps_show_exact_values_and_follow_the_selected_head", maps)];

/// The numbers in what the page says of the pair under the pointer: G, routing, filtering.
fn parts(words: &str) -> [f64; 3] {
    let after = |key: &str| {
        let text = words.split(key).nth(1).unwrap_or_else(|| panic!("`{key}` in `{words}`")).trim_start();
        let number: String = text.chars().take_while(|c| "+−.0123456789".contains(*c)).collect();
        number.replace('−', "-").parse().unwrap_or_else(|_| panic!("a number after `{key}` in `{words}`"))
    };
    [after("G "), after("= routing "), after("and filtering ")]
}

fn maps(site: &Site) {
    site.visit("v=1&m=sd-1m&l=3&h=2", |page| {
        page.ready();
        let drawn = "[...document.querySelectorAll('.map canvas')].map(c => c.width)";
        page.wait("four maps are drawn", || {
            (page.eval(drawn) == serde_json::json!([256, 256, 256, 256])).then_some(())
        });
        page.hover(".map canvas");
        let words =
            page.wait("the pair is named", || page.text("#map-words").filter(|words| words.starts_with("query")));
        assert!(words.starts_with("query 129 ") && words.contains("key 129 "), "the middle is pointed at: {words}");
        let [scores, routing, filtering] = parts(&words);
        assert!((scores - routing - filtering).abs() < 2e-3, "{words}");
        // The diagonal of a skew-symmetric matrix is zero.
        assert!(routing.abs() < 1e-3, "{words}");
        // A click holds the pair while the pointer goes elsewhere.
        page.click(".map canvas");
        page.click(".heads tbody tr:nth-child(1) button");
        page.wait("another head's values are shown", || {
            page.text("#map-words").is_some_and(|now| now.starts_with("query") && now != words).then_some(())
        });
    });
}
