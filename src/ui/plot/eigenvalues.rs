//! Eigenvalues of a weight kernel in the complex plane.

use plotters::style::text_anchor::HPos;

use super::{Frame, Ink, Mark, Picture};
use crate::figure::{Axis, Table};

/// A point an eigenvalue, (Re, Im); the half-plane Re > 0 is shaded, and what lies in it has its colour. With
/// `zeros` there is a ring at 0 for the eigenvalues that are exactly that.
pub fn eigenvalues(values: &[(f64, f64)], zeros: usize) -> Picture {
    let (size, room) = ((250, 225), (195.0, 153.0));
    let ((left, right), half) = ranges(values, room);
    let (x, y) = (Axis::linear("Re λ", left, right, 3), Axis::linear("Im λ", -half, half, 3));
    let frame = Frame { size, upright: true, ..Frame::new(true, size.1, x, y) };
    let edge = 1e-6 * half;
    frame.draw(|chart| {
        chart.fill((0.0, -half), (right, half), Ink::VERMILION, 0.12)?;
        chart.line(&[(0.0, -half), (0.0, half)], Ink::TEXT, 1)?;
        let (line, _) = chart.place(0.0, half);
        chart.text("Re > 0", (line + 5.0, chart.area.top + 9.0), Ink::VERMILION, HPos::Left)?;
        if zeros > 0 {
            chart.mark((0.0, 0.0), Mark::Circle, Ink::TEXT, true)?;
        }
        for at in values {
            let ink = if at.0 > edge { Ink::VERMILION } else { Ink::ROUTING };
            chart.dot(*at, 3, ink, 0.8, true)?;
        }
        Ok(())
    })
}

/// From where to where Re goes, and how far Im goes up and down: one length means the same on both axes, the line
/// Re = 0 is in view with some room on its right.
fn ranges(values: &[(f64, f64)], (width, height): (f64, f64)) -> ((f64, f64), f64) {
    let reach = |of: fn(&(f64, f64)) -> f64| values.iter().map(of).fold(0.0, f64::max);
    let (left, right, up) = (1.08 * reach(|v| -v.0), 1.08 * reach(|v| v.0), 1.08 * reach(|v| v.1.abs()));
    let right = right.max(0.22 * (left + right)).max(1e-9);
    let unit = ((left + right) / width).max(2.0 * up / height);
    let spare = (unit * width - left - right) / 2.0;
    ((-left - spare, right + spare), unit * height / 2.0)
}

/// The same figures, rightmost first.
pub fn eigenvalue_table(values: &[(f64, f64)], zeros: usize) -> Table {
    let mut table = Table::new("Eigenvalues of the weight kernel M, rightmost first.", &["", "Re λ", "Im λ"]);
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)));
    let cell = |value: f64| format!("{value:.6}").replace('-', "−");
    let largest = sorted.first().map_or(f64::NAN, |v| if zeros > 0 { v.0.max(0.0) } else { v.0 });
    table.rows.push(vec!["largest real part".into(), cell(largest), String::new()]);
    table.rows.extend(sorted.iter().enumerate().map(|(i, v)| vec![(i + 1).to_string(), cell(v.0), cell(v.1)]));
    if zeros > 0 {
        table.rows.push(vec![format!("{zeros} more"), "0".into(), "0".into()]);
    }
    table
}
