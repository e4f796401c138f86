//! What a configuration costs as the text grows, beside softmax in every layer: both axes logarithmic.

use plotters::style::text_anchor::HPos;

use super::frame::TEXT;
use super::{Frame, Ink, Mark, Picture};
use crate::cost::tokens;
use crate::figure::{Axis, Scale, Spot, free_spot, text_width};

/// One quantity at several lengths of text.
pub struct Growth<'a> {
    /// Of the axis, with its unit.
    pub title: &'a str,
    pub lengths: &'a [u64],
    pub now: &'a [f64],
    pub softmax: &'a [f64],
    /// From this length on `now` is the smaller.
    pub crossover: Option<u64>,
    /// The model's positions end here: beyond it is arithmetic alone.
    pub context: u64,
    pub name: fn(f64) -> String,
}

/// "10.0 MB" as "10 MB": ticks are powers of ten.
fn whole(text: String) -> String {
    let (number, unit) = text.split_once(' ').unwrap_or((&text, ""));
    format!("{} {unit}", number.split('.').next().unwrap_or(number))
}

pub fn growth(figure: &Growth, narrow: bool) -> Picture {
    let (first, last) = (figure.lengths.first().copied().unwrap_or(1), figure.lengths.last().copied().unwrap_or(2));
    // Every second power of four where there is little room.
    let named = |n: u64| n.is_power_of_two() && n.ilog2().is_multiple_of(if narrow { 4 } else { 2 });
    let ticks = figure.lengths.iter().filter(|n| named(**n)).map(|n| (*n as f64, tokens(*n)));
    let x = Axis {
        title: "tokens".into(),
        scale: Scale::Log,
        from: first as f64 / 1.3,
        to: last as f64 * 1.2,
        ticks: ticks.collect(),
    };
    let positive = figure.now.iter().chain(figure.softmax).copied().filter(|v| *v > 0.0);
    let (low, high) = positive.fold((f64::MAX, 1.0f64), |(a, b), v| (a.min(v), b.max(v)));
    let y = Axis::log(figure.title, low.min(high), high, |v| whole((figure.name)(v)));
    let names = ["softmax", "now"];
    let frame = Frame { upright: true, ..Frame::new(narrow, 300, x, y).labelled(names) };
    frame.draw(|chart| {
        let points = |values: &[f64]| -> Vec<(f64, f64)> {
            figure.lengths.iter().zip(values).map(|(n, v)| (*n as f64, *v)).collect()
        };
        let (now, softmax) = (points(figure.now), points(figure.softmax));
        // Marks of our own, so that their words keep clear of the curves.
        let mut taken: Vec<Spot> = Vec::new();
        for pair in now.windows(2).chain(softmax.windows(2)) {
            taken.extend(Spot::along(chart.place(pair[0].0, pair[0].1), chart.place(pair[1].0, pair[1].1)));
        }
        let area = chart.area;
        let marks = [
            (Some(figure.context).filter(|c| *c >= first && *c < last), Ink::MUTED, "positions end".to_string()),
            (
                figure.crossover.filter(|c| *c > first && *c < last),
                Ink::ACCENT,
                format!("less from {}", tokens(figure.crossover.unwrap_or(0))),
            ),
        ];
        for (at, ink, words) in marks {
            let Some(at) = at else { continue };
            let (x, _) = chart.place(at as f64, high);
            chart.stroke(&[(x, area.top), (x, area.bottom)], ink.dotted(), 1)?;
            let width = text_width(&words, TEXT);
            let tops = (0..8).map(|i| area.top + 4.0 + f64::from(i) * 20.0);
            let candidates: Vec<Spot> = tops
                .flat_map(|top| [x + 5.0, x - width - 5.0].map(|left| Spot { left, top, width, height: TEXT }))
                .filter(|s| s.left >= area.left && s.left + width <= area.right)
                .collect();
            if let Some(spot) = free_spot(&candidates, &taken) {
                chart.text(&words, (spot.left, spot.top + TEXT / 2.0), ink, HPos::Left)?;
                taken.push(spot);
            }
        }
        chart.line(&softmax, Ink::CAPACITY.dashed(), 2)?;
        softmax.iter().try_for_each(|at| chart.mark(*at, Mark::Square, Ink::CAPACITY, true))?;
        chart.line(&now, Ink::ACCENT, 2)?;
        now.iter().try_for_each(|at| chart.mark(*at, Mark::Circle, Ink::ACCENT, false))?;
        let end = |points: &[(f64, f64)]| points.last().map_or(f64::NAN, |p| p.1);
        chart.end_labels(&[(end(&softmax), names[0], Ink::MUTED), (end(&now), names[1], Ink::ACCENT)])
    })
}
