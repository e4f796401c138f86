//! Singular values → effective rank, energy rank, routing fraction; and the small f64 problems that a head
//! needs once: eigenvalues of the weight kernel, and cuts of its routing part to a few rotation planes.

mod maps;
mod planes;
mod small;
mod solve;
mod weights;

pub use maps::{HeadMaps, PLANES};
pub use nalgebra::Complex;
pub use planes::{Pair, Plane, planes};
pub use small::{RankCuts, eigenvalues, kernel_effective_rank, largest_real_part, max_real_eigenvalue};
pub use solve::{capacity, operating};
pub use weights::{HeadWeights, WeightSpectra};

/// One head's spectra.
#[derive(Clone)]
pub struct HeadSpectra {
    /// Of the scores G on this text, unmasked.
    pub operating: PartSpectra,
    weights: WeightSpectra,
    layer: usize,
    head: usize,
}

impl HeadSpectra {
    /// The spectra on a text beside those of the model's weights; layer and head from 0.
    pub fn new(operating: PartSpectra, weights: WeightSpectra, layer: usize, head: usize) -> Self {
        HeadSpectra { operating, weights, layer, head }
    }

    /// Of the weight kernel M.
    pub fn capacity(&self) -> &PartSpectra {
        self.weights.capacity(self.layer, self.head)
    }

    /// Eigenvalues of M and what else the weights decide. Takes up to some milliseconds where they are not there yet.
    pub fn weights(&self) -> &HeadWeights {
        self.weights.head(self.layer, self.head)
    }
}

/// Non-zero singular values of the routing and the filtering part of one matrix, descending.
#[derive(Clone, Debug, PartialEq)]
pub struct PartSpectra {
    pub routing: Vec<f64>,
    pub filtering: Vec<f64>,
}

impl PartSpectra {
    pub fn new(routing: Vec<f64>, filtering: Vec<f64>) -> Self {
        PartSpectra { routing, filtering }
    }

    /// Strengths of the rotation planes, strongest first: the singular values of the routing part come in
    /// equal pairs, one pair a plane. An odd one at the end is a zero, or rounding.
    pub fn planes(&self) -> Vec<f64> {
        self.routing.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect()
    }

    /// Largest difference within a pair of routing singular values, as a share of the largest one. Nothing
    /// makes the two halves of a pair equal but their being right: a free check of the whole computation.
    pub fn pair_error(&self) -> f64 {
        let Some(top) = self.routing.first().filter(|top| **top > 0.0) else { return 0.0 };
        self.routing.chunks_exact(2).map(|pair| (pair[0] - pair[1]).abs() / top).fold(0.0, f64::max)
    }

    /// Whether other values are these rounded to f32, give or take 30 bits of the largest.
    pub fn equals_rounded(&self, other: &PartSpectra) -> bool {
        [(&self.routing, &other.routing), (&self.filtering, &other.filtering)].iter().all(|(own, others)| {
            let largest = own.first().copied().unwrap_or_default();
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 6e-8 * a + 1e-9 * largest;
            own.len() == others.len() && own.iter().zip(*others).all(close)
        })
    }

    /// ‖R‖²/‖X‖² in the Frobenius norm; the parts are orthogonal, so ‖X‖² = ‖R‖² + ‖F‖².
    pub fn routing_fraction(&self) -> f64 {
        let energy = |values: &[f64]| values.iter().map(|s| s * s).sum::<f64>();
        let (routing, filtering) = (energy(&self.routing), energy(&self.filtering));
        routing / (routing + filtering)
    }
}

/// The `count` largest of |λ|, descending. λ ascend: what is left has its largest |λ| at one of its ends. Where rounding has
/// changed the order of neighbours, the smaller stands for both.
pub fn descending(values: &[f32], count: usize) -> Vec<f64> {
    let mut largest = Vec::with_capacity(count);
    let (mut rest, mut last) = (values, f32::INFINITY);
    while largest.len() < count {
        let (value, others) = match rest {
            [first, others @ ..] if Some(first) > rest.last() => (*first, others),
            [others @ .., last] => (*last, others),
            [] => break,
        };
        rest = others;
        last = if value > last { last } else { value };
        largest.push(f64::from(last));
    }
    largest
}

/// exp(−Σ p ln p) with p = σ/Σσ (Roy and Vetterli 2007). 0 for a zero matrix.
pub fn effective_rank(values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    if sum <= 0.0 {
        return 0.0;
    }
    let shares = values.iter().map(|s| s / sum).filter(|p| *p > 1e-15);
    shares.map(|p| -p * p.ln()).sum::<f64>().exp()
}

/// Share of Σσ² in the k largest values, k = 1…: rises to 1. All 0 for a zero matrix. `values` descend.
pub fn cumulative_energy(values: &[f64]) -> Vec<f64> {
    let total: f64 = values.iter().map(|s| s * s).sum();
    let sums = values.iter().scan(0.0, |sum, s| {
        *sum += s * s;
        Some(if total > 0.0 { *sum / total } else { 0.0 })
    });
    sums.collect()
}

/// Smallest k whose k largest singular values hold 90 % of Σσ². `values` descend.
pub fn rank90(values: &[f64]) -> usize {
    let total: f64 = values.iter().map(|s| s * s).sum();
    let mut sum = 0.0;
    values
        .iter()
        .take_while(|s| {
            let short = sum < 0.9 * total;
            sum += *s * *s;
            short
        })
        .count()
}

/// Σσ²/σ₁². `values` descend.
pub fn stable_rank(values: &[f64]) -> f64 {
    match values.first() {
        Some(top) if *top > 0.0 => values.iter().map(|s| (s / top).powi(2)).sum(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_known_spectra() {
        let flat = [2.0; 6];
        assert!((effective_rank(&flat) - 6.0).abs() < 1e-12);
        assert_eq!(rank90(&flat), 6);
        assert!((stable_rank(&flat) - 6.0).abs() < 1e-12);
        // One plane and nothing else: a pair of equal values.
        let pair = [3.0, 3.0, 0.0, 0.0];
        assert!((effective_rank(&pair) - 2.0).abs() < 1e-12);
        assert_eq!(rank90(&pair), 2);
        assert_eq!(rank90(&[10.0, 1.0, 1.0]), 1);
        assert_eq!((effective_rank(&[0.0; 3]), rank90(&[]), stable_rank(&[0.0])), (0.0, 0, 0.0));
    }

    #[test]
    fn the_largest_come_from_both_ends() {
        let values = [5.0, 3.0, 1.0, 0.0, 0.0, 2.0, 4.0, 6.0];
        assert_eq!(descending(&values, 6), [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]);
        assert_eq!(descending(&values, 9), [6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0, 0.0]);
        assert_eq!(descending(&[1.0, 2.0, 0.0], 3), [1.0, 1.0, 0.0]);
        assert!(descending(&[f32::NAN; 2], 2).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn pairs_and_energy_of_known_spectra() {
        let part = PartSpectra::new(vec![4.0, 4.0, 3.0, 3.0, 0.0], vec![]);
        assert_eq!((part.planes(), part.pair_error()), (vec![4.0, 3.0], 0.0));
        assert_eq!(PartSpectra::new(vec![4.0, 3.0], vec![]).pair_error(), 0.25);
        assert_eq!(cumulative_energy(&part.routing), [0.32, 0.64, 0.82, 1.0, 1.0]);
        assert_eq!(cumulative_energy(&[0.0, 0.0]), [0.0, 0.0]);
    }

    #[test]
    fn fraction_splits_energy() {
        let part = PartSpectra::new(vec![3.0], vec![4.0]);
        assert!((part.routing_fraction() - 9.0 / 25.0).abs() < 1e-12);
    }
}
