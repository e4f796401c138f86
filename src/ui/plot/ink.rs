//! The palette, and how it becomes CSS variables.
//!
//! plotters writes colours as hex. Ours are markers that are replaced in the finished SVG, so that a figure follows
//! the page's theme without being drawn again; a marker also says how a line is dashed. Hue never stands alone:
//! curves differ in dashes and marks as well, so that a figure survives greyscale printing.

use plotters::style::RGBColor;

/// A colour of the page's palette, and how lines of it are dashed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ink {
    variable: u8,
    dashes: u8,
}

/// CSS variables, in the order of the constants below.
const VARIABLES: [&str; 9] =
    ["--ink", "--muted", "--grid", "--routing", "--capacity", "--accent", "--vermilion", "--orange", "--paper"];

/// `stroke-dasharray` in user units; a solid line has none.
const DASHES: [&str; 3] = ["", "7 4", "2 4"];

impl Ink {
    pub const TEXT: Ink = Ink::solid(0);
    pub const MUTED: Ink = Ink::solid(1);
    pub const GRID: Ink = Ink::solid(2);
    pub const ROUTING: Ink = Ink::solid(3);
    pub const CAPACITY: Ink = Ink::solid(4);
    pub const ACCENT: Ink = Ink::solid(5);
    pub const VERMILION: Ink = Ink::solid(6);
    pub const ORANGE: Ink = Ink::solid(7);
    pub const PAPER: Ink = Ink::solid(8);

    const fn solid(variable: u8) -> Self {
        Ink { variable, dashes: 0 }
    }

    pub const fn dashed(self) -> Self {
        Ink { dashes: 1, ..self }
    }

    pub const fn dotted(self) -> Self {
        Ink { dashes: 2, ..self }
    }

    /// The marker that plotters draws with.
    pub(super) const fn colour(self) -> RGBColor {
        RGBColor(1, self.dashes, self.variable)
    }
}

/// The SVG with every marker replaced.
pub(super) fn resolve(mut svg: String) -> String {
    for (v, variable) in VARIABLES.iter().enumerate() {
        for (d, dashes) in DASHES.iter().enumerate() {
            let marker = format!("\"#01{d:02X}{v:02X}\"");
            if !svg.contains(&marker) {
                continue;
            }
            if !dashes.is_empty() {
                let line = format!("stroke=\"var({variable})\" stroke-dasharray=\"{dashes}\"");
                svg = svg.replace(&format!("stroke={marker}"), &line);
            }
            svg = svg.replace(&marker, &format!("\"var({variable})\""));
        }
    }
    svg
}

/// The shape of a point: beside its colour, what tells one curve from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    Circle,
    Square,
    Triangle,
    Diamond,
}
