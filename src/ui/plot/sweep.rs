//! What simplifying costs, a curve a mode; another model's curves dashed in the same figure.

use plotters::style::text_anchor::HPos;

use super::frame::TEXT;
use super::{Chart, Frame, Ink, Mark, Picture};
use crate::figure::{Axis, Scale, Spot, free_spot, text_width};
use crate::model::LayerMode;
use crate::sweep::{Curves, Kind, SWEPT};

/// Linear below this change of perplexity, logarithmic above: what is cheap and what collapses fit one axis.
const BEND: f64 = 0.01;
/// Ends of the axis: a little better than the baseline, and a hundredfold perplexity.
const BEST: f64 = -0.01;
const COLLAPSED: f64 = 99.0;

const TICKS: [(f64, &str); 7] =
    [(0.0, "0"), (0.01, "+1 %"), (0.05, "+5 %"), (0.2, "+20 %"), (1.0, "×2"), (9.0, "×10"), (COLLAPSED, "≥ ×100")];

/// Colour and mark of each of [`SWEPT`].
const LOOKS: [(Ink, Mark); 4] = [
    (Ink::ACCENT, Mark::Circle),
    (Ink::ORANGE, Mark::Square),
    (Ink::MUTED, Mark::Triangle),
    (Ink::TEXT, Mark::Diamond),
];

/// What the paper states: up to k layers in a mode for less than this change.
const CLAIMS: [(usize, f64, LayerMode, &str); 2] = [
    (7, 0.05, LayerMode::Linearized, "paper: < 5 % at 7"),
    (4, 0.014, LayerMode::Elu1, "paper: 1.4 % at 4, trained so"),
];

/// A figure's models; the first is the one on screen.
pub struct Sweep<'a> {
    pub kind: Kind,
    pub layers: usize,
    pub main: Option<&'a Curves>,
    pub twin: Option<&'a Curves>,
}

/// Where a ratio lies on the axis: its change, and a collapse at the top.
pub fn height(ratio: Option<f64>) -> f64 {
    ratio.map_or(COLLAPSED, |r| (r - 1.0).min(COLLAPSED))
}

fn curve(curves: &Curves, index: usize) -> Vec<Option<(f64, f64)>> {
    let points = curves.kind.points(curves.layers);
    points.map(|k| Some((k as f64, height(curves.ratio(index, k)?)))).collect()
}

pub fn sweep(figure: &Sweep, narrow: bool) -> Picture {
    let title = match figure.kind {
        Kind::First => "the first k layers",
        Kind::Alone => "layer k alone",
    };
    let first = *figure.kind.points(figure.layers).start();
    let x = Axis::whole(title, first, figure.layers, if narrow { 9 } else { 17 });
    let ticks = TICKS.iter().map(|(at, text)| (*at, text.to_string())).collect();
    let y = Axis { title: "change of perplexity".into(), scale: Scale::Symlog(BEND), from: BEST, to: COLLAPSED, ticks };
    let names = SWEPT.map(|mode| mode.to_string());
    let frame = Frame::new(narrow, if narrow { 360 } else { 400 }, x, y);
    frame.labelled(names.iter().map(String::as_str)).draw(|chart| {
        let mut taken = Vec::new();
        for (curves, twin) in [(figure.twin, true), (figure.main, false)] {
            let Some(curves) = curves else { continue };
            for (index, (ink, mark)) in LOOKS.into_iter().enumerate() {
                let values = curve(curves, index);
                // Curves may have gaps while they are being measured.
                for pair in values.windows(2) {
                    if let [Some(a), Some(b)] = pair {
                        chart.line(&[*a, *b], if twin { ink.dashed() } else { ink }, if twin { 1 } else { 2 })?;
                        taken.extend(Spot::along(chart.place(a.0, a.1), chart.place(b.0, b.1)));
                    }
                }
                for at in values.into_iter().flatten() {
                    chart.mark(at, mark, ink, twin)?;
                }
            }
        }
        if figure.kind == Kind::First {
            claims(chart, figure.layers, taken)?;
        }
        let ends = LOOKS.iter().zip(&names).enumerate();
        let labels: Vec<_> = ends
            .filter_map(|(index, ((ink, _), name))| {
                let (_, value) = curve(figure.main?, index).into_iter().flatten().last()?;
                Some((value, name.as_str(), *ink))
            })
            .collect();
        chart.end_labels(&labels)
    })
}

/// The paper's figures as dotted marks from 0 to their k, each with its words where they cover no curve.
fn claims(chart: &Chart, layers: usize, mut taken: Vec<Spot>) -> Result<(), Box<dyn std::error::Error>> {
    for (k, cost, ..) in CLAIMS.into_iter().filter(|(k, ..)| *k <= layers) {
        taken.extend(Spot::along(chart.place(0.0, cost), chart.place(k as f64, cost)));
    }
    for (k, cost, mode, words) in CLAIMS.into_iter().filter(|(k, ..)| *k <= layers) {
        let ink = SWEPT.iter().position(|m| *m == mode).map_or(Ink::MUTED, |curve| LOOKS[curve].0);
        let ((x, y), (start, _)) = (chart.place(k as f64, cost), chart.place(0.0, cost));
        chart.stroke(&[(start, y), (x, y)], ink.dotted(), 2)?;
        chart.stroke(&[(x, y - 5.0), (x, y + 5.0)], ink, 2)?;
        let width = text_width(words, TEXT);
        let (above, beside, below) = (y - TEXT - 6.0, y - TEXT / 2.0, y + 6.0);
        let places = [(x + 8.0, beside), (x - width, above), (x - width, below), (x + 8.0, below), (x + 8.0, above)];
        let left = [(start + 4.0, above), (start + 4.0, below)];
        let candidates: Vec<Spot> = places
            .into_iter()
            .chain(left)
            .map(|(left, top)| Spot { left, top, width, height: TEXT })
            .filter(|spot| spot.left >= chart.area.left && spot.left + width <= chart.area.right)
            .collect();
        if let Some(spot) = free_spot(&candidates, &taken) {
            chart.text(words, (spot.left, spot.top + TEXT / 2.0), ink, HPos::Left)?;
            taken.push(spot);
        }
    }
    Ok(())
}
