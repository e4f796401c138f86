//! One look for every figure: title of the upright axis at the top left, horizontal grid lines, ticks, title of the
//! other axis below, and direct labels at the right end of curves.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::ink::{Ink, Mark, resolve};
use crate::figure::{Axis, spread, text_width};

/// Sizes are in user units of the SVG: about CSS pixels at the widths the page gives a figure.
pub const TEXT: f64 = 14.0;
/// plotters writes a font as 1/1.24 of its size.
const FONT: f64 = TEXT * 1.24;
const FAMILY: &str = "system-ui, sans-serif";
const LINE: f64 = 17.0;

type Drawing<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Where the data lies within a picture, in user units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top))
    }
}

/// A finished figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Fills the width it is given; its view box keeps the proportions. Empty where plotters refuses.
    pub svg: String,
    pub size: (u32, u32),
    pub area: Area,
    pub x: Axis,
    pub y: Axis,
}

impl Picture {
    /// Position of a pair of values in user units; what lies outside the axes goes to the edge.
    pub fn place(&self, x: f64, y: f64) -> (f64, f64) {
        self.area.place(self.x.share(x), self.y.share(y))
    }

    /// The values at a position in user units.
    pub fn values(&self, x: f64, y: f64) -> (f64, f64) {
        let Area { left, top, right, bottom } = self.area;
        let share = |at: f64, from: f64, to: f64| ((at - from) / (to - from)).clamp(0.0, 1.0);
        (self.x.value(share(x, left, right)), self.y.value(share(y, bottom, top)))
    }
}

/// What surrounds the data.
pub struct Frame {
    pub size: (u32, u32),
    pub x: Axis,
    pub y: Axis,
    /// Room for direct labels at the right.
    pub right: f64,
    /// Vertical grid lines as well.
    pub upright: bool,
}

impl Frame {
    /// A figure of the usual width: fewer units across on phones, so that text stays readable.
    pub fn new(narrow: bool, height: u32, x: Axis, y: Axis) -> Self {
        Frame { size: (if narrow { 380 } else { 640 }, height), x, y, right: 10.0, upright: false }
    }

    /// With room at the right for the longest of these labels.
    pub fn labelled<'a>(self, labels: impl IntoIterator<Item = &'a str>) -> Self {
        let widest = labels.into_iter().map(|text| text_width(text, TEXT)).fold(0.0, f64::max);
        Frame { right: widest + 16.0, ..self }
    }

    pub fn area(&self) -> Area {
        let widest = self.y.ticks.iter().map(|(_, text)| text_width(text, TEXT)).fold(12.0, f64::max);
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        Area { left: (widest + 10.0).round(), top: 30.0, right: width - self.right.round(), bottom: height - 42.0 }
    }

    /// Draws the frame, then what `paint` adds.
    pub fn draw(self, paint: impl FnOnce(&Chart) -> Drawn) -> Picture {
        let (size, area) = (self.size, self.area());
        let mut svg = String::new();
        let drawn = {
            let drawing = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            let chart = Chart { drawing: &drawing, area, x: &self.x, y: &self.y };
            let drawn = chart.frame(self.upright).and_then(|()| paint(&chart));
            drawn.and_then(|()| Ok(drawing.present()?))
        };
        let fixed = format!("width=\"{}\" height=\"{}\" ", size.0, size.1);
        let svg = if drawn.is_ok() { resolve(svg.replacen(&fixed, "width=\"100%\" ", 1)) } else { String::new() };
        Picture { svg, size, area, x: self.x, y: self.y }
    }
}

/// A frame under a painter's hand. Coordinates are the axes' values unless a name says otherwise.
pub struct Chart<'a, 'b> {
    drawing: &'a Drawing<'b>,
    pub area: Area,
    x: &'a Axis,
    y: &'a Axis,
}

impl Chart<'_, '_> {
    /// Position in user units; values outside the axes go to the edge.
    pub fn place(&self, x: f64, y: f64) -> (f64, f64) {
        self.area.place(self.x.share(x), self.y.share(y))
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let (x, y) = self.place(x, y);
        (x.round() as i32, y.round() as i32)
    }

    fn frame(&self, upright: bool) -> Drawn {
        let Area { left, top, right, bottom } = self.area;
        for (value, text) in &self.y.ticks {
            let (_, y) = self.place(self.x.from, *value);
            self.stroke(&[(left, y), (right, y)], Ink::GRID, 1)?;
            self.text(text, (left - 6.0, y), Ink::TEXT, HPos::Right)?;
        }
        for (value, text) in &self.x.ticks {
            let (x, _) = self.place(*value, self.y.from);
            if upright {
                self.stroke(&[(x, top), (x, bottom)], Ink::GRID, 1)?;
            }
            self.stroke(&[(x, bottom), (x, bottom + 4.0)], Ink::MUTED, 1)?;
            self.text(text, (x, bottom + 13.0), Ink::TEXT, HPos::Center)?;
        }
        self.stroke(&[(left, bottom), (right, bottom)], Ink::MUTED, 1)?;
        self.text(&self.y.title, (2.0, 10.0), Ink::MUTED, HPos::Left)?;
        self.text(&self.x.title, ((left + right) / 2.0, bottom + 31.0), Ink::MUTED, HPos::Center)
    }

    /// Text with its vertical middle at a position in user units.
    pub fn text(&self, text: &str, (x, y): (f64, f64), ink: Ink, side: HPos) -> Drawn {
        let (colour, middle) = (ink.colour(), Pos::new(side, VPos::Center));
        let style = TextStyle::from((FAMILY, FONT).into_font()).color(&colour).pos(middle);
        Ok(self.drawing.draw(&Text::new(text, (x.round() as i32, y.round() as i32), style))?)
    }

    /// A line through positions in user units.
    pub fn stroke(&self, points: &[(f64, f64)], ink: Ink, width: u32) -> Drawn {
        let points: Vec<_> = points.iter().map(|(x, y)| (x.round() as i32, y.round() as i32)).collect();
        Ok(self.drawing.draw(&PathElement::new(points, ink.colour().stroke_width(width)))?)
    }

    pub fn line(&self, points: &[(f64, f64)], ink: Ink, width: u32) -> Drawn {
        let points: Vec<_> = points.iter().map(|at| self.pixel(*at)).collect();
        Ok(self.drawing.draw(&PathElement::new(points, ink.colour().stroke_width(width)))?)
    }

    /// A filled rectangle between two corners.
    pub fn fill(&self, from: (f64, f64), to: (f64, f64), ink: Ink, opacity: f64) -> Drawn {
        let corners = [self.pixel(from), self.pixel(to)];
        Ok(self.drawing.draw(&Rectangle::new(corners, ink.colour().mix(opacity).filled()))?)
    }

    /// The outline of a rectangle.
    pub fn outline(&self, from: (f64, f64), to: (f64, f64), ink: Ink) -> Drawn {
        let corners = [self.pixel(from), self.pixel(to)];
        Ok(self.drawing.draw(&Rectangle::new(corners, ink.colour().stroke_width(1)))?)
    }

    /// A small circle, filled or not.
    pub fn dot(&self, at: (f64, f64), radius: u32, ink: Ink, opacity: f64, filled: bool) -> Drawn {
        let colour = ink.colour().mix(opacity);
        let style = if filled { colour.filled() } else { colour.stroke_width(1) };
        Ok(self.drawing.draw(&Circle::new(self.pixel(at), radius, style))?)
    }

    /// A point of a curve. Hollow ones are filled with the paper's colour.
    pub fn mark(&self, at: (f64, f64), mark: Mark, ink: Ink, hollow: bool) -> Drawn {
        let (x, y) = self.pixel(at);
        let corners: &[(i32, i32)] = match mark {
            Mark::Circle => {
                let fill = if hollow { Ink::PAPER } else { ink };
                self.drawing.draw(&Circle::new((x, y), 4, fill.colour().filled()))?;
                return Ok(self.drawing.draw(&Circle::new((x, y), 4, ink.colour().stroke_width(1)))?);
            }
            Mark::Square => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
            Mark::Triangle => &[(0, -5), (5, 4), (-5, 4)],
            Mark::Diamond => &[(0, -6), (5, 0), (0, 6), (-5, 0)],
        };
        let mut corners: Vec<_> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
        let fill = if hollow { Ink::PAPER } else { ink };
        self.drawing.draw(&Polygon::new(corners.clone(), fill.colour().filled()))?;
        corners.push(corners[0]);
        Ok(self.drawing.draw(&PathElement::new(corners, ink.colour().stroke_width(1)))?)
    }

    /// Direct labels at the right of the data, each beside its value, moved apart where they collide; a thin line
    /// leads to one that had to move far.
    pub fn end_labels(&self, labels: &[(f64, &str, Ink)]) -> Drawn {
        let Area { top, right, bottom, .. } = self.area;
        let wanted: Vec<f64> = labels.iter().map(|(value, ..)| self.place(self.x.to, *value).1).collect();
        let places = spread(&wanted, LINE, top - LINE / 2.0, bottom + LINE / 2.0);
        for ((value, text, ink), (from, to)) in labels.iter().zip(wanted.iter().zip(places)) {
            if value.is_nan() {
                continue;
            }
            if (from - to).abs() > LINE / 2.0 {
                self.stroke(&[(right, *from), (right + 8.0, to)], *ink, 1)?;
            }
            self.text(text, (right + 11.0, to), *ink, HPos::Left)?;
        }
        Ok(())
    }
}
