//! Rotation planes of one head's routing part, by strength.

use plotters::style::text_anchor::HPos;

use super::frame::TEXT;
use super::{Frame, Ink, Picture};
use crate::figure::{Axis, Table, text_width};
use crate::spectra::{effective_rank, rank90};

/// One plane a row: the position of its pair of singular values, their mean over the largest, and the share of the
/// energy that it and the stronger ones hold.
fn planes(values: &[f64]) -> Vec<(f64, f64)> {
    let largest = values.first().copied().filter(|v| *v > 0.0).unwrap_or(1.0);
    let energy: f64 = values.iter().map(|v| v * v).sum::<f64>().max(f64::MIN_POSITIVE);
    let mut held = 0.0;
    let pairs = values.chunks(2).map(|pair| {
        held += pair.iter().map(|v| v * v).sum::<f64>();
        (pair.iter().sum::<f64>() / (pair.len() as f64 * largest), held / energy)
    });
    pairs.collect()
}

/// A bar a plane, two singular values wide; the line is the energy of all planes up to there. Effective rank and
/// the rank that holds 90 % are marked. `values` descend. As in the stack, what a text uses is filled and what the
/// weights allow is outlined.
pub fn spectrum(values: &[f64], ink: Ink) -> Picture {
    let count = values.len().max(2).next_multiple_of(2);
    let x = Axis::whole("singular value, in pairs", 1, count, 8);
    let frame = Frame { size: (420, 180), ..Frame::new(true, 180, x, Axis::linear("share", 0.0, 1.0, 2)) };
    let planes = planes(values);
    frame.draw(|chart| {
        for (p, (share, _)) in planes.iter().enumerate() {
            let first = 2.0 * p as f64 + 1.0;
            let (from, to) = ((first - 0.36, 0.0), (first + 1.36, *share));
            if ink == Ink::CAPACITY { chart.outline(from, to, ink)? } else { chart.fill(from, to, ink, 0.75)? }
        }
        let energy: Vec<_> = planes.iter().enumerate().map(|(p, (_, held))| (2.0 * p as f64 + 1.5, *held)).collect();
        chart.line(&energy, Ink::TEXT, 1)?;
        energy.iter().try_for_each(|at| chart.dot(*at, 2, Ink::TEXT, 1.0, true))?;
        if planes.is_empty() {
            return Ok(());
        }
        // Both marks are named in one line above the data, each beside a piece of its line.
        let rank = effective_rank(values);
        let marks = [
            (rank90(values) as f64, format!("90 % of the energy: {}", rank90(values)), Ink::MUTED.dotted()),
            (rank, format!("effective rank {rank:.1}"), Ink::TEXT.dashed()),
        ];
        let mut right = chart.area.right;
        for (at, text, ink) in marks {
            let (x, _) = chart.place(at, 0.0);
            chart.stroke(&[(x, chart.area.top - 10.0), (x, chart.area.bottom)], ink, 2)?;
            chart.text(&text, (right, 10.0), Ink::TEXT, HPos::Right)?;
            right -= text_width(&text, TEXT) + 12.0;
            chart.stroke(&[(right - 16.0, 10.0), (right, 10.0)], ink, 2)?;
            right -= 26.0;
        }
        Ok(())
    })
}

/// The same figures, a plane a row.
pub fn spectrum_table(values: &[f64]) -> Table {
    let head = ["plane", "σ", "σ / σ₁", "energy up to here"];
    let mut table = Table::new("Rotation planes of the routing part; each is a pair of equal singular values.", &head);
    let rows = planes(values).into_iter().zip(values.chunks(2)).enumerate();
    table.rows = rows
        .map(|(p, ((share, held), pair))| {
            vec![
                (p + 1).to_string(),
                format!("{:.5}", pair[0]),
                format!("{share:.4}"),
                format!("{:.2} %", 100.0 * held),
            ]
        })
        .collect();
    table
}
