//! How it looks: pictures for a person, and nothing wider than the window.

use cascade_browser_tests::{Options, Site};

use crate::{Test, first_layers};

pub const TESTS: &[Test] = &[
    ("nothing_overflows_on_a_laptop_in_light", |site| picture(site, (1280, 720), false)),
    ("nothing_overflows_on_a_laptop_in_dark", |site| picture(site, (1280, 720), true)),
    ("nothing_overflows_on_a_phone_in_light", |site| picture(site, (390, 844), false)),
    ("nothing_overflows_on_a_phone_in_dark", |site| picture(site, (390, 844), true)),
];

fn picture(site: &Site, size: (u32, u32), dark: bool) {
    let options = Options { size, dark, ..Options::default() };
    let scheme = if dark { "dark" } else { "light" };
    let name = format!("{}x{}-{scheme}", size.0, size.1);
    let folder = xtask::shell::root().join("target/screenshots");
    site.visit_with(&options, "v=1&modes=linearized*7,softmax*5&l=3", |page| {
        page.ready_with_modes(&first_layers("linearized", 7));
        page.screenshot(&folder.join(format!("{name}.png")), false);
        page.screenshot(&folder.join(format!("{name}-whole.png")), true);
        assert!(page.overflow() <= 0, "{name}: {} pixels wider than the window", page.overflow());
        let background = "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)";
        let brightness = page.eval(&format!("{background}.reduce((a, b) => a + b) / 3"));
        assert_eq!(brightness.as_f64().expect("a colour") < 128.0, dark, "the background follows the system's choice");
    });
}
