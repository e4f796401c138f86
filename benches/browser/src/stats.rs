//! Paired ratios with their uncertainty: all that is quoted, since machines differ and drift.

/// A median with the interval that holds it with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub median: f64,
    pub low: f64,
    pub high: f64,
    /// How many rounds it rests on.
    pub rounds: usize,
}

const RESAMPLES: usize = 4000;

/// Middle value; mean of the two middle ones where their number is even. None of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// Median of the values and the percentile bootstrap's 95 % interval; the same for the same values.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    let centre = median(values)?;
    let mut state = 1u64;
    let mut draw = || {
        // Knuth's MMIX generator; the high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        values[((state >> 33) as usize) % values.len()]
    };
    let mut medians: Vec<f64> =
        (0..RESAMPLES).filter_map(|_| median(&(0..values.len()).map(|_| draw()).collect::<Vec<_>>())).collect();
    medians.sort_by(f64::total_cmp);
    let at = |share: f64| medians[(share * (RESAMPLES - 1) as f64).round() as usize];
    Some(Estimate { median: centre, low: at(0.025), high: at(0.975), rounds: values.len() })
}

/// Ratios above/below of those rounds that have both.
pub fn paired_ratios(above: &[Option<f64>], below: &[Option<f64>]) -> Vec<f64> {
    above.iter().zip(below).filter_map(|(a, b)| Some((*a)? / (*b)?)).collect()
}

/// Exponent p of the power law time ~ lengthᵖ, by least squares in logarithms.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let (mx, my) = (logs.iter().map(|p| p.0).sum::<f64>() / n, logs.iter().map(|p| p.1).sum::<f64>() / n);
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / logs.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_even_and_nothing() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn intervals_hold_the_median_and_narrow_with_more_rounds() {
        // A fixed scatter between 1 and 2.
        let scatter = |n: usize| (0..n).map(|i| 1.0 + (i as f64 * 0.618_034).fract()).collect::<Vec<_>>();
        let (few, many) = (estimate(&scatter(9)).unwrap(), estimate(&scatter(201)).unwrap());
        for e in [few, many] {
            assert!(e.low <= e.median && e.median <= e.high, "{e:?}");
        }
        assert!(many.high - many.low < 0.5 * (few.high - few.low), "{few:?} {many:?}");
        assert!((many.median - 1.5).abs() < 0.05, "{many:?}");
        let flat = estimate(&[2.0; 5]).unwrap();
        assert_eq!((flat.median, flat.low, flat.high, flat.rounds), (2.0, 2.0, 2.0, 5));
    }

    #[test]
    fn intervals_cover_the_true_median_about_as_often_as_they_say() {
        let mut seed = 7u64;
        let mut uniform = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        let held = (0..200)
            .filter(|_| {
                let values: Vec<f64> = (0..15).map(|_| uniform()).collect();
                let e = estimate(&values).unwrap();
                e.low <= 0.5 && 0.5 <= e.high
            })
            .count();
        assert!((175..=200).contains(&held), "{held} of 200 intervals hold the median");
    }

    #[test]
    fn pairs_need_both_sides() {
        let ratios = paired_ratios(&[Some(6.0), None, Some(9.0), Some(1.0)], &[Some(2.0), Some(1.0), Some(3.0), None]);
        assert_eq!(ratios, [3.0, 3.0]);
    }

    #[test]
    fn exponents_of_power_laws() {
        let law = |p: f64| [256.0, 512.0, 4096.0].map(|x: f64| (x, 3.0 * x.powf(p)));
        assert!((exponent(&law(1.0)) - 1.0).abs() < 1e-12);
        assert!((exponent(&law(2.0)) - 2.0).abs() < 1e-12);
    }
}
