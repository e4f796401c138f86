//! Which part of a square matrix is in view, and its pixels.

/// What a map's colours stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colour {
    /// Sign and strength: blue below zero, vermilion above.
    Diverging,
    /// Strength alone, in green.
    Strength,
    /// Strength alone, in purple, by its root: weights fall off fast.
    Root,
}

// Okabe–Ito vermilion, blue, bluish green and reddish purple. Strength is opacity, so that one set serves light
// and dark.
const POSITIVE: [u8; 3] = [213, 94, 0];
const NEGATIVE: [u8; 3] = [0, 114, 178];
const GREEN: [u8; 3] = [0, 158, 115];
const PURPLE: [u8; 3] = [204, 121, 167];

impl Colour {
    fn rgba(self, value: f32, full: f32) -> [u8; 4] {
        let strength = (value.abs() / full).min(1.0);
        let strength = if self == Colour::Root { strength.sqrt() } else { strength };
        let [r, g, b] = match self {
            Colour::Diverging if value < 0.0 => NEGATIVE,
            Colour::Diverging => POSITIVE,
            Colour::Strength => GREEN,
            Colour::Root => PURPLE,
        };
        // NaN becomes 0: an overflow has no colour.
        [r, g, b, (255.0 * strength).round() as u8]
    }

    /// The scale itself, from its lowest to its highest value, as stops for a gradient.
    pub fn key(self, full: f32) -> Vec<Key> {
        let low = if self == Colour::Diverging { -full } else { 0.0 };
        let stops = (0..=8).map(|step| f64::from(step) / 8.0);
        stops.map(|share| Key { share, rgba: self.rgba(low + (full - low) * share as f32, full) }).collect()
    }
}

/// A place on a colour scale, 0…1, and its colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    pub share: f64,
    pub rgba: [u8; 4],
}

/// The strength with full colour: one value in a hundred is stronger.
pub fn full_scale(values: &[f32]) -> f32 {
    let mut sizes: Vec<f32> = values.iter().map(|v| v.abs()).filter(|v| *v > 0.0).collect();
    if sizes.is_empty() {
        return 1.0;
    }
    let at = sizes.len() - 1 - sizes.len() / 100;
    *sizes.select_nth_unstable_by(at, f32::total_cmp).1
}

/// The part of a square matrix in view, in cells: from (`x`, `y`), `size` cells a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    pub x: f64,
    pub y: f64,
    /// None shows everything, however large the matrix is.
    pub size: Option<f64>,
}

/// Fewest cells a side.
const CLOSEST: f64 = 8.0;

impl Viewport {
    pub const WHOLE: Viewport = Viewport { x: 0.0, y: 0.0, size: None };

    pub fn size(&self, tokens: usize) -> f64 {
        self.size.map_or(tokens as f64, |size| size.min(tokens as f64))
    }

    /// Zooms by `factor` (above 1: closer) so that what lies at (`u`, `v`), shares of the view's sides, stays there.
    pub fn zoom(&self, tokens: usize, factor: f64, (u, v): (f64, f64)) -> Viewport {
        let (old, whole) = (self.size(tokens), tokens as f64);
        let size = (old / factor).max(CLOSEST.min(whole));
        if size >= whole {
            return Viewport::WHOLE;
        }
        Viewport { x: self.x + u * (old - size), y: self.y + v * (old - size), size: Some(size) }.kept(tokens)
    }

    /// Moves by shares of the view's side.
    pub fn pan(&self, tokens: usize, (u, v): (f64, f64)) -> Viewport {
        let size = self.size(tokens);
        Viewport { x: self.x + u * size, y: self.y + v * size, ..*self }.kept(tokens)
    }

    /// Moves as little as brings a cell into view.
    pub fn reveal(&self, tokens: usize, (i, j): (usize, usize)) -> Viewport {
        let size = self.size(tokens);
        let into = |from: f64, at: usize| (at as f64).min(from).max(at as f64 + 1.0 - size);
        Viewport { x: into(self.x, j), y: into(self.y, i), ..*self }.kept(tokens)
    }

    /// Kept on a matrix of that size: another text may be shorter.
    pub fn kept(self, tokens: usize) -> Viewport {
        let last = tokens as f64 - self.size(tokens);
        Viewport { x: self.x.clamp(0.0, last), y: self.y.clamp(0.0, last), ..self }
    }

    /// The cell (row, column) at (`u`, `v`), shares of the view's sides.
    pub fn cell(&self, tokens: usize, (u, v): (f64, f64)) -> (usize, usize) {
        let size = self.size(tokens);
        let at = |from: f64, share: f64| ((from + share.clamp(0.0, 1.0) * size) as usize).min(tokens.saturating_sub(1));
        (at(self.y, v), at(self.x, u))
    }

    /// First and last token in view, down and across, from 1.
    pub fn range(&self, tokens: usize) -> [(usize, usize); 2] {
        let size = self.size(tokens);
        [self.y, self.x].map(|from| (from as usize + 1, ((from + size).ceil() as usize).min(tokens)))
    }
}

/// RGBA of what is in view, `side` pixels a side. Where a pixel covers several cells it shows the strongest, so
/// that no strong value is lost in a long text.
pub fn paint(values: &[f32], tokens: usize, view: Viewport, side: usize, colour: Colour, full: f32) -> Vec<u8> {
    let step = view.size(tokens) / side.max(1) as f64;
    let edge = |from: f64, pixel: usize| (from + pixel as f64 * step) as usize;
    let span = |from: f64, pixel: usize| {
        let first = edge(from, pixel).min(tokens - 1);
        first..edge(from, pixel + 1).clamp(first + 1, tokens)
    };
    let columns: Vec<_> = (0..side).map(|x| span(view.x, x)).collect();
    let mut pixels = Vec::with_capacity(4 * side * side);
    for y in 0..side {
        let rows = span(view.y, y);
        for columns in &columns {
            let mut strongest = 0.0f32;
            for row in rows.clone() {
                for value in &values[row * tokens..][columns.clone()] {
                    if value.abs() > strongest.abs() {
                        strongest = *value;
                    }
                }
            }
            pixels.extend(colour.rgba(strongest, full));
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_what_lies_under_the_pointer() {
        let at = (192.5 / 256.0, 64.5 / 256.0);
        let mut view = Viewport::WHOLE;
        assert_eq!(view.cell(256, at), (64, 192));
        for _ in 0..4 {
            view = view.zoom(256, 1.5, at);
            assert_eq!(view.cell(256, at), (64, 192), "{view:?}");
        }
        assert!(view.size(256) < 52.0);
        for _ in 0..9 {
            view = view.zoom(256, 1.0 / 1.5, (0.1, 0.9));
        }
        assert_eq!(view, Viewport::WHOLE);
        // Never closer than 8 cells, nor than the text is long.
        assert_eq!(Viewport::WHOLE.zoom(256, 1e9, at).size(256), 8.0);
        assert_eq!(Viewport::WHOLE.zoom(5, 1e9, at), Viewport::WHOLE);
    }

    #[test]
    fn the_view_stays_on_the_matrix() {
        let view = Viewport::WHOLE.zoom(100, 4.0, (0.0, 0.0));
        assert_eq!(view.pan(100, (-3.0, 99.0)), Viewport { x: 0.0, y: 75.0, size: Some(25.0) });
        assert_eq!(view.reveal(100, (30, 10)), Viewport { x: 0.0, y: 6.0, size: Some(25.0) });
        assert_eq!(view.reveal(100, (99, 99)).range(100), [(76, 100), (76, 100)]);
        // Another text may be shorter than what was in view.
        assert_eq!(Viewport { x: 0.0, y: 0.0, size: Some(50.0) }.size(7), 7.0);
        assert_eq!(Viewport::WHOLE.cell(7, (2.0, -1.0)), (0, 6));
    }

    #[test]
    fn pixels_show_cells_and_lose_no_strong_one() {
        let values = [0.0, -1.0, 0.5, 2.0];
        let large = paint(&values, 2, Viewport::WHOLE, 4, Colour::Diverging, 1.0);
        let pixel = |image: &[u8], side: usize, x: usize, y: usize| image[4 * (y * side + x)..][..4].to_vec();
        assert_eq!(pixel(&large, 4, 1, 1)[3], 0);
        assert_eq!(pixel(&large, 4, 2, 0), [0, 114, 178, 255]);
        assert_eq!(pixel(&large, 4, 0, 3), [213, 94, 0, 128]);
        assert_eq!(pixel(&large, 4, 3, 3), [213, 94, 0, 255]);
        // 100 cells on 10 pixels: the only value is on the sixth.
        let mut values = vec![0.0; 100 * 100];
        values[57 * 100 + 53] = -3.0;
        let small = paint(&values, 100, Viewport::WHOLE, 10, Colour::Strength, 3.0);
        let lit: Vec<usize> = (0..100).filter(|at| small[4 * at + 3] > 0).collect();
        assert_eq!((lit, &small[4 * 55..4 * 56]), (vec![55], &[0, 158, 115, 255][..]));
    }

    #[test]
    fn scales() {
        let values: Vec<f32> = (1..=200).map(|v| v as f32 * if v % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_eq!(full_scale(&values), 198.0);
        assert_eq!((full_scale(&[0.0; 4]), full_scale(&[f32::NAN, 2.0])), (1.0, 2.0));
        let key = Colour::Diverging.key(2.0);
        assert_eq!((key[0].rgba, key[4].rgba[3], key[8].rgba), ([0, 114, 178, 255], 0, [213, 94, 0, 255]));
        assert_eq!(Colour::Root.key(1.0)[2].rgba[3], 128);
    }
}
