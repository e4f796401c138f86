//! The spectral cascade: effective rank of routing against layer.

use super::super::cascade::{Cascade, CascadeLayer, mean};
use super::{Frame, Ink, Picture};
use crate::figure::{Axis, Table};

type Ranks = fn(&CascadeLayer) -> &Vec<f64>;

const CAPACITY: Ranks = |layer| &layer.capacity;
const OPERATING: Ranks = |layer| &layer.operating;

fn means(cascade: &Cascade, of: Ranks) -> Vec<(f64, f64)> {
    cascade.layers.iter().enumerate().map(|(l, layer)| (l as f64 + 1.0, mean(of(layer)))).collect()
}

/// A dot a head, lines for the means, simplified layers marked; under it, dashed, the means of another model.
/// The axis reaches at least `least_top`, so that two figures can share it.
pub fn cascade(
    cascade: &Cascade,
    marked: &[bool],
    under: Option<(&Cascade, &str)>,
    least_top: f64,
    narrow: bool,
) -> Picture {
    // An empty figure keeps its place on the page.
    let layers = cascade.layers.len().max(marked.len()).max(1);
    let top = least_top.max(cascade.top()).max(under.map_or(0.0, |(other, _)| other.top()));
    let x = Axis::whole("layer", 1, layers, if narrow { 9 } else { 16 });
    let y = Axis::linear("effective rank", 0.0, top, 4);
    let mut labels = Vec::new();
    let last = |points: &[(f64, f64)]| points.last().map_or(f64::NAN, |(_, rank)| *rank);
    let (operating, capacity) = (means(cascade, OPERATING), means(cascade, CAPACITY));
    let below = under.map(|(other, name)| (means(other, OPERATING), means(other, CAPACITY), name));
    if !cascade.layers.is_empty() {
        labels.extend([(last(&operating), "on this text", Ink::ROUTING), (last(&capacity), "capacity", Ink::CAPACITY)]);
    }
    let frame = Frame::new(narrow, if narrow { 310 } else { 340 }, x, y).labelled(["on this text"]);
    frame.draw(|chart| {
        for (l, _) in marked.iter().enumerate().filter(|(_, marked)| **marked) {
            chart.fill((l as f64 + 0.54, 0.0), (l as f64 + 1.46, top), Ink::ACCENT, 0.16)?;
        }
        if let Some((operating, capacity, name)) = &below {
            chart.line(capacity, Ink::CAPACITY.dashed(), 2)?;
            chart.line(operating, Ink::ROUTING.dashed(), 2)?;
            labels.push((last(operating), name, Ink::ROUTING));
        }
        for (ranks, means, ink, filled) in
            [(CAPACITY, &capacity, Ink::CAPACITY, false), (OPERATING, &operating, Ink::ROUTING, true)]
        {
            for (l, layer) in cascade.layers.iter().enumerate() {
                for rank in ranks(layer) {
                    chart.dot((l as f64 + 1.0, *rank), 3, ink, if filled { 0.4 } else { 0.55 }, filled)?;
                }
            }
            chart.line(means, ink, if filled { 3 } else { 2 })?;
            if filled {
                means.iter().try_for_each(|at| chart.dot(*at, 4, ink, 1.0, true))?;
            }
        }
        chart.end_labels(&labels)
    })
}

/// The same figures: mean and range over the heads, a layer a row.
pub fn cascade_table(cascade: &Cascade) -> Table {
    let head = ["layer", "on this text, mean", "least", "most", "capacity, mean", "least", "most", "routing share"];
    let mut table = Table::new("Effective rank of routing over the heads of each layer.", &head);
    for (l, layer) in cascade.layers.iter().enumerate() {
        let mut row = vec![(l + 1).to_string()];
        for ranks in [&layer.operating, &layer.capacity] {
            let (least, most) = ranks.iter().fold((f64::MAX, 0.0f64), |(a, b), r| (a.min(*r), b.max(*r)));
            row.extend([mean(ranks), least, most].map(|rank| format!("{rank:.2}")));
        }
        row.push(format!("{:.0} %", 100.0 * mean(&layer.fraction)));
        table.rows.push(row);
    }
    table
}
