//! Figures as files: what is saved can be read, and has the numbers of the report.

use base64::Engine as _;
use cascade_browser_tests::{Options, Page, Site};
use serde_json::{Value, json};

use crate::Test;

pub const TESTS: &[Test] = &[
    ("the_figure_is_saved_as_svg_and_png_with_its_source", drawings),
    ("the_figures_data_is_saved_as_csv_and_json", data),
    ("both_of_two_models_are_saved_each_under_its_name", two_models),
    ("report_and_script_are_saved", report_and_script),
];

/// Keeps what the page would hand to the browser's downloads.
const CATCH: &str = "window.saved = [];
    HTMLAnchorElement.prototype.click = function () {
        const name = this.download;
        fetch(this.href).then(answer => answer.blob()).then(blob => {
            const reader = new FileReader();
            reader.onload = () => window.saved.push({ name, type: blob.type, data: reader.result.split(',')[1] ?? '' });
            reader.readAsDataURL(blob);
        });
    };";

fn options() -> Options {
    // Dark on purpose: files are light whatever the page is.
    Options { before: Some(CATCH), dark: true, ..Options::default() }
}

/// Presses a button and returns the name and the bytes of what it saves.
fn saved(page: &Page, button: &str) -> (String, Vec<u8>) {
    page.eval("window.saved.length = 0");
    page.click(button);
    let file = page.wait(&format!("{button} saves a file"), || {
        let file = page.eval("window.saved[0]");
        file.is_object().then_some(file)
    });
    let data = file["data"].as_str().expect("data");
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
    (file["name"].as_str().expect("a name").to_owned(), bytes)
}

fn figure(page: &Page, figure: &str, kind: &str) -> (String, Vec<u8>) {
    page.click(&format!("{figure} .save summary"));
    saved(page, &format!("{figure} .save button[data-save='{kind}']"))
}

const LINK: &str = "v=1&m=sd-1m&p=ferry&modes=linearized*3,softmax*5";

fn drawings(site: &Site) {
    site.visit_with(&options(), LINK, |page| {
        let report = page.ready();
        let sha256 = report["model"]["sha256"].as_str().expect("a hash");
        let (name, svg) = figure(page, "#cascade", "svg");
        assert_eq!(name, "cascade-sd-1m-linearized3.svg");
        let svg = String::from_utf8(svg).expect("UTF-8");
        for part in [sha256, "Spectral cascade", "sans-serif", "m=sd-1m@", "modes=linearized*3,softmax*5", "&amp;c=1", "#0072b2"] {
            assert!(svg.contains(part), "{part} is missing in {svg}");
        }
        for foreign in ["var(", "class=", "system-ui", "#56b4e9"] {
            assert!(!svg.contains(foreign), "{foreign} is in {svg}");
        }
        let parsed = page.eval(&format!(
            "(d => [d.querySelectorAll('parsererror').length, d.documentElement.localName, d.querySelectorAll('circle').length])
             (new DOMParser().parseFromString({}, 'image/svg+xml'))",
            json!(svg)
        ));
        assert_eq!((&parsed[0], &parsed[1]), (&json!(0), &json!("svg")), "{svg}");
        assert!(parsed[2].as_u64().is_some_and(|dots| dots >= 8 * 2), "a dot a head: {parsed}");

        let (name, png) = figure(page, "#cascade", "png");
        assert_eq!(name, "cascade-sd-1m-linearized3.png");
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG");
        let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
        assert!(size(16) > 1200 && size(20) > 700, "{} x {} pixels", size(16), size(20));
        let text = String::from_utf8_lossy(&png);
        assert!(text.contains("iTXtTitle") && text.contains(sha256) && text.contains("iTXtURL"), "the source is missing");
        // It opens, it is light, and there is something on it.
        let ink = page.eval(&format!(
            "createImageBitmap(new Blob([Uint8Array.from(atob('{}'), c => c.charCodeAt(0))], {{ type: 'image/png' }})).then(image => {{
                const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
                context.drawImage(image, 0, 0);
                const data = context.getImageData(0, 0, image.width, image.height).data;
                let dark = 0;
                for (let i = 0; i < data.length; i += 4) if (data[i] < 128) dark++;
                return [data[0], dark / (data.length / 4)];
            }})",
            base64::engine::general_purpose::STANDARD.encode(&png)
        ));
        assert_eq!(ink[0], 255, "the ground is white");
        let share = ink[1].as_f64().expect("a share");
        assert!(share > 0.005 && share < 0.3, "{share} of the picture is dark");
    });
}

fn data(site: &Site) {
    site.visit_with(&options(), LINK, |page| {
        let report = page.ready();
        let rank = |layer: usize, head: usize, part: &str| {
            report["spectra"][layer]["heads"][head][part]["routing_erank"].as_f64().expect("a rank")
        };
        let (name, csv) = figure(page, "#cascade", "csv");
        assert_eq!(name, "cascade-sd-1m-linearized3.csv");
        let csv = String::from_utf8(csv).expect("UTF-8");
        let (about, rows): (Vec<&str>, Vec<&str>) = csv.lines().partition(|line| line.starts_with('#'));
        assert!(about.iter().any(|line| line.contains(report["model"]["sha256"].as_str().expect("a hash"))), "{csv}");
        assert!(about.iter().any(|line| line.contains("m=sd-1m@")), "{csv}");
        let names: Vec<&str> = rows[0].split(',').collect();
        assert_eq!(rows.len(), 1 + 8, "a row a layer");
        let (name, json) = figure(page, "#cascade", "json");
        assert_eq!(name, "cascade-sd-1m-linearized3.json");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        for (column, part, head) in [("operating_erank_head1", "operating", 0), ("capacity_erank_head2", "capacity", 1)]
        {
            let at = names.iter().position(|name| *name == column).unwrap_or_else(|| panic!("no {column}: {names:?}"));
            let values =
                json["columns"].as_array().expect("columns").iter().find(|c| c["name"] == column).expect("the column");
            for (layer, row) in rows[1..].iter().enumerate() {
                let cells: Vec<f64> = row.split(',').map(|cell| cell.parse().expect("a number")).collect();
                assert_eq!(cells[0], (layer + 1) as f64);
                for value in [cells[at], values["values"][layer].as_f64().expect("a number")] {
                    let expected = rank(layer, head, part);
                    assert!((value - expected).abs() < 1e-9 * expected, "{column}, layer {layer}: {value}, {expected}");
                }
            }
        }
    });
}

fn two_models(site: &Site) {
    site.visit_with(&options(), &format!("{LINK}&view=compare"), |page| {
        page.ready();
        page.wait("the twin is drawn", || (page.count("#compare-second figure svg") == 1).then_some(()));
        let mut ranks = Vec::new();
        for (section, id) in [("#compare-first", "sd-1m"), ("#compare-second", "gpt2-1m")] {
            let model = cascade::zoo::find(id).expect("a shipped model");
            let (name, csv) = figure(page, section, "csv");
            assert_eq!(name, format!("cascade-{id}-linearized3.csv"));
            let csv = String::from_utf8(csv).expect("UTF-8");
            assert!(csv.contains(model.sha256), "{csv}");
            ranks.push(csv.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>());
            let (_, svg) = figure(page, section, "svg");
            let svg = String::from_utf8(svg).expect("UTF-8");
            assert!(svg.contains(model.sha256) && svg.contains("Under these switches"), "{svg}");
        }
        assert_eq!([ranks[0].len(), ranks[1].len()], [1 + 8; 2], "a row a layer");
        assert_eq!(ranks[0][0], ranks[1][0]);
        assert_ne!(ranks[0][1], ranks[1][1]);
    });
}

fn report_and_script(site: &Site) {
    site.visit_with(&options(), LINK, |page| {
        let report = page.ready();
        page.click("#share");
        let (name, file) = saved(page, "#save-report");
        assert_eq!(name, "report-sd-1m-linearized3.json");
        let file: Value = serde_json::from_slice(&file).expect("JSON");
        for key in ["model", "modes", "ids", "perplexity", "baseline_perplexity"] {
            assert_eq!(file[key], report[key], "{key}");
        }
        let operating = |report: &Value| report["spectra"][7]["heads"][0]["operating"].clone();
        assert!(operating(&file).is_object() && operating(&file) == operating(&report), "the spectra differ");
        let (name, script) = saved(page, "#save-script");
        assert_eq!(name, "reproduce-sd-1m-linearized3.py");
        let script = String::from_utf8(script).expect("UTF-8");
        for part in ["from training.reproduce import compare", "m=sd-1m@", &report["perplexity"].to_string()] {
            assert!(script.contains(part), "{part} is missing in {script}");
        }
    });
}
