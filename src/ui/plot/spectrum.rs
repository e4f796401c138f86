//! Singular values of one head's routing part.

use super::{Frame, Ink, Picture};
use crate::figure::{Axis, Table};

fn shares(values: &[f64]) -> Vec<f64> {
    let largest = values.first().copied().filter(|v| *v > 0.0).unwrap_or(1.0);
    values.iter().map(|v| v / largest).collect()
}

/// Singular values as shares of the largest: on the text as bars, capacity as outlines.
pub fn spectrum(operating: &[f64], capacity: &[f64], narrow: bool) -> Picture {
    let count = operating.len().max(capacity.len()).max(2);
    let x = Axis::whole("singular value", 1, count, if narrow { 6 } else { 9 });
    let frame = Frame::new(narrow, 260, x, Axis::linear("σ / σ₁", 0.0, 1.0, 4));
    frame.draw(|chart| {
        for (i, share) in shares(operating).into_iter().enumerate() {
            chart.fill((i as f64 + 0.6, 0.0), (i as f64 + 1.4, share), Ink::ROUTING, 0.75)?;
        }
        for (i, share) in shares(capacity).into_iter().enumerate() {
            chart.outline((i as f64 + 0.6, 0.0), (i as f64 + 1.4, share), Ink::CAPACITY)?;
        }
        Ok(())
    })
}

/// The same figures, a singular value a row.
pub fn spectrum_table(operating: &[f64], capacity: &[f64]) -> Table {
    let head = ["number", "on this text", "capacity"];
    let mut table = Table::new("Singular values of the routing part, as shares of the largest.", &head);
    let (here, could) = (shares(operating), shares(capacity));
    let cell = |values: &[f64], i: usize| values.get(i).map_or(String::new(), |v| format!("{v:.4}"));
    table.rows =
        (0..here.len().max(could.len())).map(|i| vec![(i + 1).to_string(), cell(&here, i), cell(&could, i)]).collect();
    table
}
