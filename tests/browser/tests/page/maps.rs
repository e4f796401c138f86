//! The selected head's matrices: values, colours, zoom and keys.

use std::sync::Arc;

use cascade::engine::{Engine, Session};
use cascade::model::LayerMode;
use cascade::spectra::HeadMaps;
use cascade_browser_tests::{Options, Page, Site};
use serde_json::{Value, json};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("heat_maps_show_the_references_values", values),
    ("the_wheel_zooms_about_the_pointer_and_a_drag_moves_all_maps", zoom),
    ("fingers_pinch_a_map_and_leave_the_page_as_it_is", pinch),
    ("keys_move_and_zoom_the_held_cell", keys),
    ("maps_and_text_point_at_each_other", linked),
];

const ROUTING: &str = "[data-map=routing] .canvas";
const TOKENS: f64 = 256.0;

/// Middle of a cell of the whole matrix, in shares of the map.
fn at(query: usize, key: usize) -> (f64, f64) {
    ((key as f64 + 0.5) / TOKENS, (query as f64 + 0.5) / TOKENS)
}

/// What the page says of the pair under the pointer.
fn words(page: &Page, accept: impl Fn(&str) -> bool) -> String {
    page.wait("the pair is named", || page.text("#map-words").filter(|words| accept(words)))
}

/// The words on exactly this pair.
fn named(page: &Page, query: usize, key: usize) -> String {
    words(page, |words| pair(words) == Some((query, key)))
}

/// The words on the pair that a pixel of the whole map means, and the pair: pixels are about as large as cells.
fn near(page: &Page, query: usize, key: usize) -> ((usize, usize), String) {
    let close = |words: &str| pair(words).is_some_and(|(i, j)| i.abs_diff(query) <= 2 && j.abs_diff(key) <= 2);
    let words = words(page, |words| words.starts_with("query") && close(words));
    (pair(&words).expect("a pair"), words)
}

/// Query and key from 0.
fn pair(words: &str) -> Option<(usize, usize)> {
    let number = |after: &str| words.split(after).nth(1)?.split(' ').next()?.parse::<usize>().ok();
    Some((number("query ")? - 1, number(", key ")? - 1))
}

/// The number after a word.
fn after(words: &str, key: &str) -> f64 {
    let text = words.split(key).nth(1).unwrap_or_else(|| panic!("`{key}` in `{words}`")).trim_start();
    let number: String = text.chars().take_while(|c| "+−.0123456789".contains(*c)).collect();
    number.replace('−', "-").parse().unwrap_or_else(|_| panic!("a number after `{key}` in `{words}`"))
}

fn drawn(page: &Page) {
    page.wait("four maps are drawn", || {
        let sides = page.eval("[...document.querySelectorAll('.map canvas')].map(c => c.width)");
        let large = |side: &Value| side.as_u64().is_some_and(|side| side > 150);
        (sides.as_array()?.len() == 4 && sides.as_array()?.iter().all(large)).then_some(())
    });
    words(page, |words| words.contains("Strongest routing"));
}

/// The same matrices from the core's CPU references.
fn reference(model: &str, ids: &Value, layer: usize, head: usize) -> HeadMaps {
    let folder = xtask::shell::root().join("assets/checkpoints").join(model);
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a shipped file");
    let model = cascade::checkpoint::read(&read("config.json"), &read("model.safetensors")).expect("a model");
    let mut session = Session::new(Engine::cpu(), Arc::new(model)).expect("a session");
    let ids: Vec<u32> = serde_json::from_value(ids.clone()).expect("ids");
    session.set_tokens(&ids).expect("tokens");
    pollster::block_on(session.head_maps(layer, head, LayerMode::Softmax)).expect("matrices")
}

fn values(site: &Site) {
    site.visit("v=1&m=sd-1m&l=3&h=2", |page| {
        let report = page.ready();
        drawn(page);
        let maps = reference("sd-1m", &report["ids"], 2, 1);
        let top = maps.routing.iter().fold(0.0f32, |top, x| top.max(x.abs()));
        for (query, key) in [(200, 100), (100, 200), (255, 0), (31, 31), (140, 139)] {
            page.hover_at(ROUTING, at(query, key));
            let ((query, key), words) = near(page, query, key);
            let cell = query * 256 + key;
            for (name, values) in
                [("G ", &maps.scores), ("= routing ", &maps.routing), ("and filtering ", &maps.filtering)]
            {
                let (found, expected) = (after(&words, name), f64::from(values[cell]));
                // Three digits are shown; the f32 sums of the GPU are in another order.
                let most = 6e-4 + 1e-4 * f64::from(top);
                assert!((found - expected).abs() <= most, "{words}: the reference says {name}{expected}");
            }
            match key <= query {
                true => {
                    let (found, expected) = (after(&words, "(softmax) "), f64::from(maps.weights[cell]));
                    assert!((found - expected).abs() <= 1.5e-4, "{words}: the reference says {expected}");
                }
                false => assert!(words.contains("not visible"), "{words}"),
            }
        }
        // The strongest pair has the full colour of its sign, on the pixel that is there or one beside.
        let (query, key) = maps.strongest_routing();
        let (x, y) = at(query, key);
        let pixels = page.eval(&format!(
            "(c => [...c.getContext('2d').getImageData({x} * c.width - 1, {y} * c.height - 1, 3, 3).data].join())\
             (document.querySelector('{ROUTING} canvas'))"
        ));
        let full = if maps.routing[query * 256 + key] > 0.0 { "213,94,0,255" } else { "0,114,178,255" };
        assert!(pixels.as_str().is_some_and(|p| p.contains(full)), "{full} at {query}, {key}: {pixels}");
        assert_eq!(page.count(".map-key"), 4);
        // A click holds the pair while the pointer goes elsewhere, and for other heads.
        page.click_at(ROUTING, at(140, 139));
        let ((query, _), held) = near(page, 140, 139);
        page.hover_at("[data-map=weights] .canvas", at(200, 20));
        page.click(".layer-heads tbody tr:nth-child(1) button");
        words(page, |now| now.starts_with(&format!("query {} ", query + 1)) && now != held);
        assert_eq!(page.count(".held"), 4, "the held cell is marked on every map");
    });
}

fn zoom(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        drawn(page);
        assert_eq!(page.text_of("#map-range"), "tokens 1–256");
        let place = at(180, 60);
        page.hover_at(ROUTING, place);
        near(page, 180, 60);
        for _ in 0..5 {
            page.wheel_at(ROUTING, place, -200.0);
        }
        page.wait("the maps are closer", || page.text("#map-range").filter(|range| range != "tokens 1–256"));
        page.hover_at(ROUTING, place);
        let ((query, key), _) = near(page, 180, 60);
        // The same place on another map is the same cell, and it follows a drag.
        page.hover_at("[data-map=weights] .canvas", place);
        named(page, query, key);
        page.drag("[data-map=filtering] .canvas", place, (0.4, 0.6));
        page.hover_at("[data-map=scores] .canvas", (0.4, 0.6));
        named(page, query, key);
        assert_eq!(page.count(".held"), 0, "a drag is no click");
        for _ in 0..12 {
            page.wheel_at(ROUTING, (0.5, 0.5), 200.0);
        }
        page.wait("everything is in view", || (page.text("#map-range")? == "tokens 1–256").then_some(()));
        // At the whole the wheel scrolls the page, and the browser takes its time for that.
        std::thread::sleep(std::time::Duration::from_millis(600));
        page.click("#map-closer");
        page.wait("the button zooms", || (page.text("#map-range")? != "tokens 1–256").then_some(()));
        page.click("#map-whole");
        page.wait("everything is in view", || (page.text("#map-range")? == "tokens 1–256").then_some(()));
    });
}

fn pinch(site: &Site) {
    let options = Options { size: (390, 844), ..Options::default() };
    site.visit_with(&options, "v=1&m=sd-1m", |page| {
        page.ready();
        drawn(page);
        page.pinch(ROUTING, 0.3, 0.75);
        let range = page.wait("the pinch zooms", || page.text("#map-range").filter(|range| range != "tokens 1–256"));
        let size =
            "(r => r[1] - r[0] + 1)(document.querySelector('#map-range').textContent.match(/\\d+/g).map(Number))";
        let size = page.eval(size).as_f64().expect("a range");
        assert!((90.0..125.0).contains(&size), "0.3 to 0.75 shows two fifths: {range}");
        assert_eq!(page.eval("visualViewport.scale"), 1, "the page itself is not zoomed");
        assert!(page.overflow() <= 0);
    });
}

fn keys(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        drawn(page);
        page.click_at(ROUTING, at(100, 50));
        let ((query, key), _) = near(page, 100, 50);
        let steps = [("ArrowRight", 0, key + 1), ("ArrowDown", 1, key + 1), ("End", 1, 255), ("Home", 1, 0)];
        for (name, down, key) in steps {
            page.press(name);
            named(page, query + down, key);
        }
        for _ in 0..6 {
            page.press("+");
        }
        page.wait("plus zooms", || (page.text("#map-range")? != "tokens 1–256").then_some(()));
        // A cell that leaves the view takes it along.
        page.press("End");
        named(page, query + 1, 255);
        page.wait("the view follows", || page.text("#map-range").filter(|range| range.ends_with("–256")));
        page.press("0");
        page.wait("0 shows everything", || (page.text("#map-range")? == "tokens 1–256").then_some(()));
        page.click(".neighbourhood summary");
        assert_eq!(page.text_of(".neighbourhood tr[aria-current=true] th"), "256", "the table has the held cell");
        page.eval(&format!("document.querySelector('{ROUTING}').focus()"));
        page.press("Escape");
        page.wait("Escape lets go", || (page.count(".held") == 0).then_some(()));
    });
}

fn linked(site: &Site) {
    site.visit("v=1&m=sd-1m", |page| {
        page.ready();
        drawn(page);
        page.hover(".token[data-index='7']");
        page.wait("the token's row and column are marked", || (page.count(".token-mark") == 8).then_some(()));
        page.click_at(ROUTING, at(30, 12));
        let ((query, key), _) = near(page, 30, 12);
        let marked = format!(
            "[{query}, {key}, {query} + 1].map(i => \
             getComputedStyle(document.querySelector(`.token[data-index='${{i}}']`)).boxShadow !== 'none')"
        );
        assert_eq!(page.eval(&marked), json!([true, true, false]), "query and key are marked in the text");
    });
}
