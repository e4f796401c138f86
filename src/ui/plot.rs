//! The figures, drawn through plotters into SVG text.
//!
//! plotters writes colours as hex; ours are markers that become CSS variables, so that a figure follows the
//! page's theme without being drawn again.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::cascade::{Cascade, mean};

const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const ROUTING: RGBColor = RGBColor(3, 3, 3);
const CAPACITY: RGBColor = RGBColor(4, 4, 4);
const ACCENT: RGBColor = RGBColor(5, 5, 5);

/// Marker colour → CSS variable.
const VARIABLES: [(&str, &str); 5] = [
    ("#010101", "var(--ink)"),
    ("#020202", "var(--grid)"),
    ("#030303", "var(--routing)"),
    ("#040404", "var(--capacity)"),
    ("#050505", "var(--accent)"),
];

const FONT: &str = "system-ui, sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// An SVG of that size in user units, drawn by `draw`; empty where plotters refuses.
fn svg(size: (u32, u32), draw: impl FnOnce(&Area) -> Drawn) -> String {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        if draw(&area).and_then(|()| Ok(area.present()?)).is_err() {
            return String::new();
        }
    }
    for (marker, variable) in VARIABLES {
        text = text.replace(marker, variable);
    }
    // The figure fills its box; the view box keeps its proportions.
    text.replacen(&format!("width=\"{}\" height=\"{}\" ", size.0, size.1), "width=\"100%\" ", 1)
}

fn label(size: f64, colour: &'static RGBColor) -> TextStyle<'static> {
    TextStyle::from((FONT, size).into_font()).color(colour)
}

/// Effective rank of routing against layer: a dot a head, lines for the means, simplified layers marked.
/// `narrow` is for phones: fewer units across, so that text stays readable.
pub fn cascade(cascade: &Cascade, marked: &[bool], narrow: bool) -> String {
    svg(if narrow { (420, 330) } else { (640, 350) }, |area| draw_cascade(area, cascade, marked))
}

fn draw_cascade(area: &Area, cascade: &Cascade, marked: &[bool]) -> Drawn {
    // An empty figure keeps its place on the page.
    let layers = cascade.layers.len().max(marked.len());
    let top = cascade.top();
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .margin_right(92)
        .x_label_area_size(44)
        .y_label_area_size(50)
        .build_cartesian_2d(0.5..layers as f64 + 0.5, 0.0..top)?;
    let bands = marked.iter().enumerate().filter(|(_, m)| **m);
    chart.draw_series(
        bands.map(|(l, _)| Rectangle::new([(l as f64 + 0.54, 0.0), (l as f64 + 1.46, top)], ACCENT.mix(0.16).filled())),
    )?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_labels(layers + 1)
        .x_label_formatter(&|x| if (x - x.round()).abs() < 1e-6 { format!("{x:.0}") } else { String::new() })
        .y_label_formatter(&|y| format!("{y:.0}"))
        .y_labels(5)
        .label_style(label(17.0, &INK))
        .axis_desc_style(label(17.0, &INK))
        .x_desc("layer")
        .y_desc("effective rank")
        .draw()?;
    for (filled, colour, of) in [
        (false, &CAPACITY, (|l| &l.capacity) as fn(&super::cascade::CascadeLayer) -> &Vec<f64>),
        (true, &ROUTING, |l| &l.operating),
    ] {
        let dots = cascade
            .layers
            .iter()
            .enumerate()
            .flat_map(|(l, layer)| of(layer).iter().map(move |rank| (l as f64 + 1.0, *rank)));
        let style = if filled { colour.mix(0.4).filled() } else { colour.mix(0.55).stroke_width(1) };
        chart.draw_series(dots.map(|at| Circle::new(at, 3, style)))?;
        let means: Vec<_> =
            cascade.layers.iter().enumerate().map(|(l, layer)| (l as f64 + 1.0, mean(of(layer)))).collect();
        chart.draw_series(LineSeries::new(means.iter().copied(), colour.stroke_width(if filled { 3 } else { 2 })))?;
        if filled {
            chart.draw_series(means.iter().map(|at| Circle::new(*at, 4, colour.filled())))?;
        }
        if let Some(last) = means.last() {
            let (x, y) = chart.backend_coord(last);
            area.draw(&Text::new(
                if filled { "on this text" } else { "capacity" },
                (x + 24, y - 8),
                label(16.0, colour),
            ))?;
        }
    }
    Ok(())
}

/// Perplexity ratios with the first k layers simplified, a curve a mode, on a log axis that ends where a model
/// has collapsed. Marks the paper's claim: less than 5 % at seven layers.
pub fn sweep(curves: &[Vec<Option<f64>>], layers: usize, narrow: bool) -> String {
    svg(if narrow { (420, 320) } else { (640, 340) }, |area| draw_sweep(area, curves, layers))
}

/// Upper end of the ratio axis.
const COLLAPSED: f64 = 100.0;
/// One colour a curve.
const CURVES: [&RGBColor; 4] = [&ACCENT, &ROUTING, &CAPACITY, &INK];

fn draw_sweep(area: &Area, curves: &[Vec<Option<f64>>], layers: usize) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(58)
        .build_cartesian_2d(0.0..layers as f64 + 0.2, (0.9..COLLAPSED).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_labels(layers + 1)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| if *y < 1.0 { String::new() } else { format!("×{y:.0}") })
        .y_labels(4)
        .label_style(label(17.0, &INK))
        .axis_desc_style(label(17.0, &INK))
        .x_desc("first k layers")
        .y_desc("perplexity")
        .draw()?;
    let claim = 7.0f64.min(layers as f64);
    chart.draw_series([PathElement::new([(0.0, 1.05), (claim, 1.05), (claim, 0.9)], GRID.stroke_width(3))])?;
    for (curve, colour) in curves.iter().zip(CURVES) {
        let points: Vec<_> =
            curve.iter().enumerate().map(|(k, r)| (k as f64, r.unwrap_or(COLLAPSED).clamp(0.9, COLLAPSED))).collect();
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|at| Circle::new(*at, 3, colour.filled())))?;
    }
    Ok(())
}

/// Singular values of a routing part as shares of the largest: on the text as bars, capacity as outlines.
pub fn spectrum(operating: &[f64], capacity: &[f64], narrow: bool) -> String {
    svg(if narrow { (420, 260) } else { (640, 270) }, |area| draw_spectrum(area, operating, capacity))
}

fn draw_spectrum(area: &Area, operating: &[f64], capacity: &[f64]) -> Drawn {
    let count = operating.len().max(capacity.len()).max(2);
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .x_label_area_size(44)
        .y_label_area_size(50)
        .build_cartesian_2d(0.5..count as f64 + 0.5, 0.0..1.0)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .x_labels(9)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.1}"))
        .y_labels(5)
        .label_style(label(17.0, &INK))
        .axis_desc_style(label(17.0, &INK))
        .x_desc("singular value")
        .y_desc("σ / σ₁")
        .draw()?;
    let shares = |values: &[f64]| -> Vec<(usize, f64)> {
        let largest = values.first().copied().filter(|v| *v > 0.0).unwrap_or(1.0);
        values.iter().map(|v| v / largest).enumerate().collect()
    };
    let bar = |(i, share): (usize, f64), style| Rectangle::new([(i as f64 + 0.6, 0.0), (i as f64 + 1.4, share)], style);
    chart.draw_series(shares(operating).into_iter().map(|s| bar(s, ROUTING.mix(0.75).filled())))?;
    chart.draw_series(shares(capacity).into_iter().map(|s| bar(s, CAPACITY.stroke_width(1))))?;
    Ok(())
}
