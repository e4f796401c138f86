//! Axes: how values are spread along them, and where their ticks are.

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    Linear,
    /// Values above 0 only.
    Log,
    /// asinh(v/unit): linear well below the unit, logarithmic well above it, and defined for every value.
    Symlog(f64),
}

/// A range of values, its ticks and its title.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub title: String,
    pub scale: Scale,
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From `from` to `to` with about `count` ticks at round numbers.
    pub fn linear(title: &str, from: f64, to: f64, count: usize) -> Self {
        let step = round_step((to - from) / count.max(1) as f64);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let first = (from / step - 1e-9).ceil();
        let ticks = (0..=2 * count + 2)
            .map(|i| (first + i as f64) * step)
            .take_while(|v| *v <= to + step * 1e-9)
            .map(|v| (v, number(v, digits)));
        Axis { title: title.into(), scale: Scale::Linear, from, to, ticks: ticks.collect() }
    }

    /// Whole numbers with half a step of room at both ends: layers, ranks, counts. At most `labels` ticks.
    pub fn whole(title: &str, first: usize, last: usize, labels: usize) -> Self {
        let last = last.max(first);
        let steps = [1, 2, 4, 5, 8, 10, 16, 20, 32, 50, 64, 100];
        let step = steps.into_iter().find(|s| (last - first) / s < labels.max(1)).unwrap_or(last - first + 1);
        // With a coarser step the ticks are at its multiples, and the first value keeps its own where there is room.
        let at = |v: usize| v.is_multiple_of(step) || (v == first && step - first % step > step / 2);
        let ticks = (first..=last).filter(|v| at(*v)).map(|v| (v as f64, v.to_string()));
        Axis {
            title: title.into(),
            scale: Scale::Linear,
            from: first as f64 - 0.5,
            to: last as f64 + 0.5,
            ticks: ticks.collect(),
        }
    }

    /// A logarithmic axis that spans at least `from`…`to`, in whole powers of ten.
    pub fn log(title: &str, from: f64, to: f64, name: impl Fn(f64) -> String) -> Self {
        let (low, high) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        let high = high.max(low + 1);
        let step = ((high - low) as usize / 6 + 1).max(1);
        let ticks = (low..=high).step_by(step).map(|e| 10f64.powi(e)).map(|v| (v, name(v)));
        Axis {
            title: title.into(),
            scale: Scale::Log,
            from: 10f64.powi(low),
            to: 10f64.powi(high),
            ticks: ticks.collect(),
        }
    }

    pub fn with_ticks(self, ticks: Vec<(f64, String)>) -> Self {
        Axis { ticks, ..self }
    }

    /// Position of a value along the axis, 0…1; what lies outside goes to the nearer end.
    pub fn share(&self, value: f64) -> f64 {
        let (low, high) = (self.bend(self.from), self.bend(self.to));
        let share = (self.bend(value) - low) / (high - low);
        // Not a number: nowhere, which is no better than the far end.
        if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) }
    }

    /// The value at a position.
    pub fn value(&self, share: f64) -> f64 {
        let (low, high) = (self.bend(self.from), self.bend(self.to));
        let bent = low + share * (high - low);
        match self.scale {
            Scale::Linear => bent,
            Scale::Log => 10f64.powf(bent),
            Scale::Symlog(unit) => unit * bent.sinh(),
        }
    }

    pub fn contains(&self, value: f64) -> bool {
        (self.from..=self.to).contains(&value)
    }

    fn bend(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => value.log10(),
            Scale::Symlog(unit) => (value / unit).asinh(),
        }
    }
}

/// The smallest of 1, 2, 2.5, 5 or 10 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0].into_iter().find(|f| f * power >= least * (1.0 - 1e-9)).unwrap_or(10.0);
    factor * power
}

fn number(value: f64, digits: usize) -> String {
    // 2.5 times a power of ten needs one digit more than the power itself.
    let text = format!("{value:.digits$}");
    let exact = text.parse::<f64>().is_ok_and(|v| (v - value).abs() <= 1e-9 * value.abs().max(1e-300));
    let text = if exact || value == 0.0 { text } else { format!("{value:.*}", digits + 1) };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(texts(&Axis::linear("", 0.0, 32.0, 4)), ["0", "10", "20", "30"]);
        assert_eq!(texts(&Axis::linear("", 0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&Axis::linear("", -1.0, 1.0, 4)), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(texts(&Axis::linear("", 0.0, 10.0, 4)), ["0", "2.5", "5", "7.5", "10"]);
    }

    #[test]
    fn whole_numbers_keep_their_ends_apart() {
        assert_eq!(texts(&Axis::whole("", 1, 5, 12)), ["1", "2", "3", "4", "5"]);
        assert_eq!(texts(&Axis::whole("", 1, 16, 8)), ["2", "4", "6", "8", "10", "12", "14", "16"]);
        assert_eq!(texts(&Axis::whole("", 0, 12, 7)), ["0", "2", "4", "6", "8", "10", "12"]);
        assert_eq!(texts(&Axis::whole("", 1, 64, 9)), ["1", "8", "16", "24", "32", "40", "48", "56", "64"]);
        let one = Axis::whole("", 1, 1, 5);
        assert_eq!((one.share(1.0), texts(&one)), (0.5, vec!["1"]));
    }

    #[test]
    fn places_invert() {
        let log = Axis::log("", 100.0, 1e6, |v| v.to_string());
        assert_eq!((log.from, log.to, log.share(1e4)), (100.0, 1e6, 0.5));
        let symlog = Axis { scale: Scale::Symlog(0.02), from: -0.05, to: 99.0, ..log.clone() };
        for axis in [&log, &symlog] {
            for share in [0.0, 0.2, 0.7, 1.0] {
                assert!((axis.share(axis.value(share)) - share).abs() < 1e-12, "{:?} {share}", axis.scale);
            }
            assert!(axis.share(axis.from) < axis.share(axis.value(0.5)));
        }
    }

    #[test]
    fn what_lies_outside_goes_to_the_nearer_end() {
        let axis = Axis::log("", 1.0, 100.0, |v| v.to_string());
        assert_eq!((axis.share(0.1), axis.share(1e9), axis.share(f64::INFINITY)), (0.0, 1.0, 1.0));
        assert_eq!((axis.share(0.0), axis.share(f64::NAN)), (0.0, 1.0));
        assert!(axis.contains(50.0) && !axis.contains(0.1));
    }

    #[test]
    fn a_log_axis_has_at_least_two_ticks() {
        assert_eq!(texts(&Axis::log("", 5.0, 7.0, |v| v.to_string())), ["1", "10"]);
        assert!(Axis::log("", 1.0, 1e20, |v| v.to_string()).ticks.len() <= 7);
    }
}
