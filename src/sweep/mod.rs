//! Sweeps: what simplifying costs as a curve, over the first k layers or over one layer at a time.

mod words;

use crate::export::Column;
use crate::model::LayerMode;

pub use words::{about, estimate, sentence};

/// The modes of a sweep, in the order of its curves.
pub const SWEPT: [LayerMode; 4] = [LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off];

/// What a curve runs over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The first k layers, k = 0…L.
    #[default]
    First,
    /// Layer k alone, k = 1…L.
    Alone,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::First, Kind::Alone];

    /// As in links.
    pub fn id(self) -> &'static str {
        match self {
            Kind::First => "first",
            Kind::Alone => "alone",
        }
    }

    /// As on its button.
    pub fn title(self) -> &'static str {
        match self {
            Kind::First => "The first k layers",
            Kind::Alone => "One layer alone",
        }
    }

    /// The k of a curve's points, for a model of so many layers.
    pub fn points(self, layers: usize) -> std::ops::RangeInclusive<usize> {
        match self {
            Kind::First => 0..=layers,
            Kind::Alone => 1..=layers,
        }
    }

    /// One mode a layer for the point at k.
    pub fn modes(self, mode: LayerMode, k: usize, trained: &[LayerMode]) -> Vec<LayerMode> {
        let mut modes = trained.to_vec();
        let from = match self {
            Kind::First => 0,
            Kind::Alone => k.saturating_sub(1),
        };
        modes.iter_mut().take(k).skip(from).for_each(|m| *m = mode);
        modes
    }
}

/// A perplexity that may not be measured yet (outer None) and may overflow (inner None).
pub type Point = Option<Option<f64>>;

/// One model's curves on one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    pub kind: Kind,
    pub layers: usize,
    /// Perplexity with every layer as trained.
    pub baseline: Option<f64>,
    /// Perplexities, a curve for each of [`SWEPT`].
    values: Vec<Vec<Point>>,
}

impl Curves {
    /// Nothing measured but what is known already: k = 0 is the baseline.
    pub fn new(kind: Kind, layers: usize, baseline: Option<f64>) -> Self {
        let start = |k| (kind == Kind::First && k == 0).then_some(baseline);
        Curves { kind, layers, baseline, values: SWEPT.map(|_| kind.points(layers).map(start).collect()).to_vec() }
    }

    fn first(&self) -> usize {
        *self.kind.points(self.layers).start()
    }

    /// Perplexity of a curve at k.
    pub fn at(&self, curve: usize, k: usize) -> Point {
        *self.values.get(curve)?.get(k.checked_sub(self.first())?)?
    }

    pub fn set(&mut self, curve: usize, k: usize, perplexity: Option<f64>) {
        let first = self.first();
        let point = self.values.get_mut(curve).and_then(|c| c.get_mut(k.checked_sub(first)?));
        if let Some(point) = point {
            *point = Some(perplexity);
        }
    }

    /// Ratio to the baseline; an inner None has collapsed.
    pub fn ratio(&self, curve: usize, k: usize) -> Point {
        Some(self.at(curve, k)?.and_then(|p| Some(p / self.baseline?)))
    }

    /// Curve and k of every point that is still to be measured, so ordered that all curves grow together.
    pub fn missing(&self) -> Vec<(usize, usize)> {
        let points = self.kind.points(self.layers).flat_map(|k| (0..SWEPT.len()).map(move |curve| (curve, k)));
        points.filter(|(curve, k)| self.at(*curve, *k).is_none()).collect()
    }

    pub fn done(&self) -> bool {
        self.values.iter().flatten().all(Option::is_some)
    }

    /// A whole curve as the report has it; None while points are missing.
    pub fn curve(&self, curve: usize) -> Option<Vec<Option<f64>>> {
        self.values.get(curve)?.iter().copied().collect()
    }

    /// A curve's perplexities as far as they are measured, from its first k on.
    pub fn points(&self, curve: usize) -> Vec<Point> {
        self.values.get(curve).cloned().unwrap_or_default()
    }

    /// How many of its points are measured, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        let points = self.values.iter().flatten();
        (points.clone().filter(|p| p.is_some()).count(), points.count())
    }

    /// Ratios of a curve up to its first missing point.
    pub fn ratios(&self, curve: usize) -> Vec<Option<f64>> {
        self.kind.points(self.layers).map_while(|k| self.ratio(curve, k)).collect()
    }
}

/// The curves as columns, those of models by their ids: perplexity, and its ratio to the model's own baseline. What
/// is not measured, or overflows, is empty.
pub fn columns(kind: Kind, layers: usize, models: &[(&str, &Curves)]) -> Vec<Column> {
    let mut columns = vec![Column::new("k", kind.points(layers))];
    for (id, curves) in models {
        for (curve, mode) in SWEPT.iter().enumerate() {
            let name = format!("{}_{mode}", id.replace('-', "_"));
            let of = |value: fn(&Curves, usize, usize) -> Point| {
                kind.points(layers).map(move |k| value(curves, curve, k).flatten()).collect::<Vec<Option<f64>>>()
            };
            columns.push(Column::new(format!("{name}_perplexity"), of(Curves::at)));
            columns.push(Column::new(format!("{name}_ratio"), of(Curves::ratio)));
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_modes;

    #[test]
    fn points_have_their_modes() {
        let trained = [LayerMode::Elu1, LayerMode::Softmax, LayerMode::Softmax];
        let modes = |text| parse_modes(text, &trained).unwrap();
        assert_eq!(Kind::First.modes(LayerMode::Off, 0, &trained), trained);
        assert_eq!(Kind::First.modes(LayerMode::Off, 2, &trained), modes("off*2,softmax"));
        assert_eq!(Kind::Alone.modes(LayerMode::Off, 2, &trained), modes("elu1,off,softmax"));
        assert_eq!(Kind::Alone.modes(LayerMode::Off, 3, &trained), modes("elu1,softmax,off"));
        assert_eq!((Kind::First.points(3), Kind::Alone.points(3)), (0..=3, 1..=3));
    }

    #[test]
    fn curves_fill_in_any_order() {
        let mut curves = Curves::new(Kind::First, 2, Some(30.0));
        assert_eq!((curves.at(0, 0), curves.at(0, 1)), (Some(Some(30.0)), None));
        assert_eq!(curves.missing()[..5], [(0, 1), (1, 1), (2, 1), (3, 1), (0, 2)]);
        curves.set(0, 2, None);
        assert_eq!(curves.ratio(0, 2), Some(None), "an overflow is measured");
        assert_eq!(curves.ratios(0), [Some(1.0)]);
        curves.set(0, 1, Some(33.0));
        assert_eq!(curves.ratios(0), [Some(1.0), Some(1.1), None]);
        assert_eq!((curves.curve(0), curves.curve(1)), (Some(vec![Some(30.0), Some(33.0), None]), None));
        for (curve, k) in curves.missing() {
            curves.set(curve, k, Some(31.0));
        }
        assert!(curves.done() && curves.missing().is_empty());
        assert_eq!(curves.progress(), (12, 12));
        curves.set(9, 1, None);
        curves.set(0, 9, None);
        assert_eq!((curves.at(9, 1), curves.at(0, 9)), (None, None), "what does not exist is nowhere");
    }

    #[test]
    fn solo_curves_begin_at_the_first_layer() {
        let mut curves = Curves::new(Kind::Alone, 2, Some(30.0));
        assert_eq!(curves.missing().len(), 8);
        curves.set(3, 1, Some(60.0));
        curves.set(3, 0, Some(1.0));
        assert_eq!((curves.at(3, 0), curves.ratio(3, 1)), (None, Some(Some(2.0))));
        assert_eq!(curves.ratios(3), [Some(2.0)]);
        let columns = columns(Kind::Alone, 2, &[("sd-6m", &curves)]);
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!((names.len(), names[0], names[8]), (9, "k", "sd_6m_off_ratio"));
        assert_eq!(columns[8].cells, Column::new("", [Some(2.0), None]).cells);
        assert_eq!((curves.points(3), curves.progress()), (vec![Some(Some(60.0)), None], (1, 8)));
    }
}
