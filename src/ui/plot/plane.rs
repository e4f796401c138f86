//! The tokens of a text in one rotation plane of a head's routing.

use plotters::style::text_anchor::HPos;

use super::{Frame, Ink, Mark, Picture};
use crate::figure::Axis;
use crate::spectra::Plane;

/// A dot a token. Two are marked, with their names: the plane's score between them is the signed area that they
/// span with the origin, and twice the triangle that is drawn.
pub fn plane(plane: &Plane, marked: [(usize, String); 2]) -> Picture {
    let (size, room) = ((230, 220), (185.0, 148.0));
    let reach = |of: usize| plane.points.iter().map(|p| p[of].abs()).fold(1e-9, f64::max);
    let unit = 1.12 * (reach(0) / room.0).max(reach(1) / room.1);
    let (across, up) = (unit * room.0, unit * room.1);
    let frame = Frame {
        size,
        upright: true,
        ..Frame::new(true, size.1, Axis::linear("a", -across, across, 3), Axis::linear("b", -up, up, 3))
    };
    frame.draw(|chart| {
        let place = |index: usize| plane.points.get(index).map_or((0.0, 0.0), |p| (p[0], p[1]));
        for point in &plane.points {
            chart.dot((point[0], point[1]), 2, Ink::CAPACITY, 0.7, true)?;
        }
        let [query, key] = [place(marked[0].0), place(marked[1].0)];
        chart.line(&[(0.0, 0.0), query, key, (0.0, 0.0)], Ink::ROUTING, 1)?;
        for ((at, hollow), (_, name)) in [(query, false), (key, true)].into_iter().zip(&marked) {
            chart.mark(at, Mark::Circle, Ink::ROUTING, hollow)?;
            let (x, y) = chart.place(at.0, at.1);
            let right = x < 0.6 * f64::from(size.0);
            let side = if right { HPos::Left } else { HPos::Right };
            chart.text(name, (if right { x + 8.0 } else { x - 8.0 }, y), Ink::TEXT, side)?;
        }
        Ok(())
    })
}
