//! The rotation planes of a head's routing on a text: R = Σ σ (a bᵀ − b aᵀ), and the tokens they move between.
//!
//! R = scale · Z J Zᵀ has T rows, but Z only w columns. With the thin QR Z = Q T it is Q B Qᵀ, B = scale · T J Tᵀ
//! of side w, and a plane of B gives the plane of R. B is skew, so iB is Hermitian: B's planes are the
//! eigenvectors of iB with positive eigenvalues, their real and imaginary parts spanning each plane.

use nalgebra::{Complex, DMatrix, DVector};

/// One rotation plane of a skew-symmetric matrix over tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Its singular value; it counts twice in the matrix's spectrum.
    pub sigma: f64,
    /// Share of the matrix's energy ‖R‖² that lies in this plane.
    pub share: f64,
    /// Each token's place in the plane, √σ (a, b): the plane's part of R between two tokens is the signed area
    /// that they span, [`Plane::score`].
    pub points: Vec<[f64; 2]>,
}

/// A pair of tokens, the key visible to the query, and what one plane adds to their score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub query: usize,
    pub key: usize,
    pub score: f64,
}

impl Plane {
    /// The plane's part of R at query i and key j: σ (aᵢ bⱼ − bᵢ aⱼ).
    pub fn score(&self, i: usize, j: usize) -> f64 {
        let ([a, b], [c, d]) = (self.points[i], self.points[j]);
        a * d - b * c
    }

    /// The `count` pairs that the plane moves most between, strongest first. Every pair appears once, with the
    /// later token as the query: the other order is hidden from a causal head, and has the opposite sign.
    pub fn strongest(&self, count: usize) -> Vec<Pair> {
        let mut best: Vec<Pair> = Vec::with_capacity(count + 1);
        for query in 0..self.points.len() {
            for key in 0..query {
                let score = self.score(query, key);
                if best.len() == count && best.last().is_none_or(|least| score.abs() <= least.score.abs()) {
                    continue;
                }
                let at = best.partition_point(|pair| pair.score.abs() >= score.abs());
                best.insert(at, Pair { query, key, score });
                best.truncate(count);
            }
        }
        best
    }

    /// a and b are determined up to a rotation within the plane: the tokens' main direction becomes the first
    /// axis, and their mean lies on its positive side, so that a text always gives the same picture.
    fn settle(&mut self) {
        let sum = |of: fn(&[f64; 2]) -> f64| self.points.iter().map(of).sum::<f64>();
        let angle = 0.5 * (2.0 * sum(|p| p[0] * p[1])).atan2(sum(|p| p[0] * p[0] - p[1] * p[1]));
        let (mut sine, mut cosine) = angle.sin_cos();
        if cosine * sum(|p| p[0]) + sine * sum(|p| p[1]) < 0.0 {
            (sine, cosine) = (-sine, -cosine);
        }
        for [x, y] in &mut self.points {
            (*x, *y) = (cosine * *x + sine * *y, cosine * *y - sine * *x);
        }
    }
}

/// The `count` strongest planes of scale · Z J Zᵀ, strongest first; fewer where there are fewer. `z` is
/// \[tokens, width\], `j` the skew matrix \[width, width\], both row by row. None at all where the scores are
/// not finite.
pub fn planes(z: &[f32], j: &[f32], scale: f64, count: usize) -> Vec<Plane> {
    let width = j.len().isqrt();
    let z = DMatrix::from_row_iterator(z.len() / width, width, z.iter().map(|x| f64::from(*x)));
    let j = DMatrix::from_row_iterator(width, width, j.iter().map(|x| f64::from(*x)));
    let (q, t) = z.qr().unpack();
    let small = &t * j * t.transpose() * scale;
    if small.iter().any(|x| !x.is_finite()) {
        return Vec::new();
    }
    let energy = small.norm_squared();
    // Rounding leaves the product a little off skew.
    let hermitian = (&small - small.transpose()).map(|x| Complex::new(0.0, 0.5 * x));
    let eigen = hermitian.symmetric_eigen();
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).filter(|i| eigen.eigenvalues[*i] > 0.0).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    // The eigenvalues come in pairs ±σ; rounding can make a third of two zeros.
    order.truncate(count.min(small.nrows() / 2));
    let plane = |index: usize| {
        let (sigma, vector) = (eigen.eigenvalues[index], eigen.eigenvectors.column(index));
        // B (p + iq) = −iσ (p + iq) says B p = σ q and B q = −σ p: with a = q and b = p, each of length 1/√2.
        let axis = |part: fn(&Complex<f64>) -> f64| -> DVector<f64> {
            &q * DVector::from_iterator(vector.len(), vector.iter().map(part)) * (2.0 * sigma).sqrt()
        };
        let (a, b) = (axis(|x| x.im), axis(|x| x.re));
        let points = a.iter().zip(b.iter()).map(|(a, b)| [*a, *b]).collect();
        let mut plane = Plane { sigma, share: 2.0 * sigma * sigma / energy, points };
        plane.settle();
        plane
    };
    order.into_iter().map(plane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::Rng;

    const TOKENS: usize = 23;

    /// Random Z, skew J, and R itself, made the long way.
    fn dense(width: usize, scale: f64) -> (Vec<f32>, Vec<f32>, Vec<f64>) {
        let mut rng = Rng(11 + width as u64);
        let z = rng.values(TOKENS * width, 1.0);
        let a = rng.values(width * width, 1.0);
        let j: Vec<f32> = (0..width * width).map(|at| a[at] - a[at % width * width + at / width]).collect();
        let entry = |i: usize, k: usize| -> f64 {
            let pairs = (0..width).flat_map(|x| (0..width).map(move |y| (x, y)));
            let product =
                |(x, y)| f64::from(z[i * width + x]) * f64::from(j[x * width + y]) * f64::from(z[k * width + y]);
            scale * pairs.map(product).sum::<f64>()
        };
        let routing = (0..TOKENS * TOKENS).map(|at| entry(at / TOKENS, at % TOKENS)).collect();
        (z, j, routing)
    }

    #[test]
    fn all_planes_together_are_the_routing_part() {
        // Odd and even widths, one plane, and more columns than tokens.
        for width in [2, 5, 8, 23, 40] {
            let (z, j, routing) = dense(width, 0.3);
            let planes = planes(&z, &j, 0.3, usize::MAX);
            assert_eq!(planes.len(), width.min(TOKENS) / 2);
            assert!(planes.is_sorted_by(|a, b| a.sigma >= b.sigma));
            let top = routing.iter().fold(0.0f64, |top, x| top.max(x.abs()));
            for (at, expected) in routing.iter().enumerate() {
                let (i, k) = (at / TOKENS, at % TOKENS);
                let found: f64 = planes.iter().map(|p| p.score(i, k)).sum();
                assert!((found - expected).abs() <= 1e-12 * top * width as f64, "{width}: {found} and {expected}");
                assert_eq!(planes[0].score(i, k), -planes[0].score(k, i));
            }
            let energy: f64 = routing.iter().map(|x| x * x).sum();
            let shares: f64 = planes.iter().map(|p| p.share).sum();
            assert!((shares - 1.0).abs() < 1e-12, "{shares}");
            assert!((2.0 * planes[0].sigma.powi(2) - planes[0].share * energy).abs() < 1e-9 * energy);
        }
    }

    #[test]
    fn equal_planes_stay_apart() {
        // Two planes of the same strength: any split of them will do, as long as it is one.
        let z: Vec<f32> = (0..16).map(|at| f32::from(u8::from(at % 5 == 0))).collect();
        let mut j = vec![0.0; 16];
        (j[1], j[4], j[11], j[14]) = (3.0, -3.0, 3.0, -3.0);
        let planes = planes(&z, &j, 1.0, 9);
        assert!(planes.iter().all(|p| (p.sigma - 3.0).abs() < 1e-12 && (p.share - 0.5).abs() < 1e-12));
        for (at, expected) in j.iter().enumerate() {
            let found: f64 = planes.iter().map(|p| p.score(at / 4, at % 4)).sum();
            assert!((found - f64::from(*expected)).abs() < 1e-12);
        }
    }

    #[test]
    fn pairs_are_the_strongest_and_look_back() {
        let (z, j, _) = dense(6, 1.0);
        let plane = &planes(&z, &j, 1.0, 1)[0];
        let mut all: Vec<f64> = (0..TOKENS).flat_map(|i| (0..i).map(move |k| plane.score(i, k).abs())).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        let pairs = plane.strongest(7);
        assert_eq!(pairs.iter().map(|p| p.score.abs()).collect::<Vec<_>>(), all[..7]);
        assert!(pairs.iter().all(|p| p.key < p.query && p.score == plane.score(p.query, p.key)));
        assert_eq!(plane.strongest(1000).len(), TOKENS * (TOKENS - 1) / 2);
    }

    #[test]
    fn scores_that_are_not_finite_have_no_planes() {
        assert_eq!(planes(&[f32::NAN, 1.0], &[0.0, 1.0, -1.0, 0.0], 1.0, 3), vec![]);
        assert_eq!(planes(&[0.0; 6], &[0.0, 1.0, -1.0, 0.0], 1.0, 3), vec![]);
    }
}
