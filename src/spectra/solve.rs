//! Singular values of a head's routing and filtering parts, in f64, from its score vectors Z.
//!
//! With X = Z K Zᵀ (G or M), ZᵀZ = C Cᵀ and B = Cᵀ K C, the parts (B ∓ Bᵀ)/2 have the non-zero singular values
//! of X's parts. Only values are wanted, so each part goes through n Householder reflections to tridiagonal form
//! and then implicit QL: about 6 n³ operations a head for all of it, where two rounds of one-sided Jacobi take
//! some 100 n³. Gram sums in f64 lose nothing that f32 score vectors hold.

use super::PartSpectra;
use crate::kernels::tridiagonal::tridiagonal;
use crate::model::{Config, Model, Scores, head_kernel};

/// Pivots below this share of the largest are rounding: nothing in Z spans those directions.
const RANK_TOLERANCE: f64 = 1e-13;
/// QL takes two or three a value.
const MAX_ITERATIONS: usize = 50;

/// Of the scores G of one head. `projected` holds the layer's projections, \[tokens, stride\], whose rows begin with
/// the score vectors, a head after the other.
pub fn operating(model: &Model, layer: usize, head: usize, projected: &[f32], stride: usize) -> PartSpectra {
    let width = model.config.score_width(layer);
    let gram = gram(&projected[head * width..], projected.len() / stride, stride, width);
    part_spectra(gram, &head_kernel(model, layer, head))
}

/// Of the weight kernel M of one head.
pub fn capacity(model: &Model, layer: usize, head: usize) -> PartSpectra {
    let Config { d_model: d, .. } = model.config;
    let (r, width) = (model.config.head_dim[layer], model.config.score_width(layer));
    let sources: &[&[f32]] = match &model.layers[layer].scores {
        Scores::SymmetricDefinite { u, .. } => &[u],
        Scores::Standard { query, key } => &[&query.weight, &key.weight],
    };
    // The columns of Z lie along the rows of the weights.
    let mut z = vec![0.0; d * width];
    for (i, row) in sources.iter().flat_map(|w| w[head * r * d..][..r * d].chunks_exact(d)).enumerate() {
        row.iter().zip(z.chunks_exact_mut(width)).for_each(|(w, z)| z[i] = *w);
    }
    part_spectra(gram(&z, d, width, width), &head_kernel(model, layer, head))
}

/// ZᵀZ, \[width, width\], of `rows` vectors that lie `stride` words apart in `z`. `width` is a multiple of 4.
pub fn gram(z: &[f32], rows: usize, stride: usize, width: usize) -> Vec<f64> {
    let mut out = vec![0.0; width * width];
    let rows = (0..rows).flat_map(|t| z[t * stride..][..width].iter().map(|x| f64::from(*x)));
    let rows: Vec<f64> = rows.collect();
    for i in (0..width).step_by(4) {
        for j in (0..=i).step_by(4) {
            let mut sums = [[0f64; 4]; 4];
            for row in rows.chunks_exact(width) {
                let (a, b) = (&row[i..i + 4], &row[j..j + 4]);
                for (sums, a) in sums.iter_mut().zip(a) {
                    sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
                }
            }
            for (x, y) in (0..4).flat_map(|x| (0..4).map(move |y| (x, y))) {
                out[(i + x) * width + j + y] = sums[x][y];
                out[(j + y) * width + i + x] = sums[x][y];
            }
        }
    }
    out
}

/// Singular values of both parts of Z K Zᵀ, descending, one a column of Z. `kernel` is K, \[width, width\]. NaN
/// where the numbers that came in are not finite.
pub fn part_spectra(mut gram: Vec<f64>, kernel: &[f64]) -> PartSpectra {
    let width = gram.len().isqrt();
    if !gram.iter().chain(kernel).all(|x| x.is_finite()) {
        return PartSpectra::new(vec![f64::NAN; width], vec![f64::NAN; width]);
    }
    let (order, rank) = cholesky(&mut gram, width);
    if rank == 0 {
        return PartSpectra::new(vec![0.0; width], vec![0.0; width]);
    }
    let b = congruence(&gram, kernel, &order, rank);
    let part = |sign: f64| {
        let entry = |e: usize| (b[e] + sign * b[e % rank * rank + e / rank]) / 2.0;
        let mut values = singular_values((0..rank * rank).map(entry).collect(), rank, sign);
        values.resize(width, 0.0);
        values
    };
    PartSpectra::new(part(-1.0), part(1.0))
}

/// L of P G Pᵀ = L Lᵀ in the lower triangle, with P such that pivots descend: the order of rows in P G Pᵀ, and
/// how many pivots are above rounding. Columns from there on are left as they are.
fn cholesky(a: &mut [f64], n: usize) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..n).collect();
    let mut column = vec![0.0; n];
    let mut least = 0.0;
    for k in 0..n {
        let pivot = (k..n).max_by(|i, j| a[i * n + i].total_cmp(&a[j * n + j])).unwrap_or(k);
        let value = a[pivot * n + pivot];
        if k == 0 {
            least = value * RANK_TOLERANCE;
        }
        if value <= least {
            return (order, k);
        }
        order.swap(k, pivot);
        (0..n).for_each(|j| a.swap(k * n + j, pivot * n + j));
        (0..n).for_each(|i| a.swap(i * n + k, i * n + pivot));
        let root = value.sqrt();
        for i in k..n {
            column[i] = a[i * n + k] / root;
            a[i * n + k] = column[i];
        }
        for i in k + 1..n {
            let row = &mut a[i * n + k + 1..i * n + n];
            row.iter_mut().zip(&column[k + 1..]).for_each(|(x, l)| *x -= column[i] * l);
        }
    }
    (order, n)
}

/// Lᵀ (P K Pᵀ) L, \[rank, rank\].
fn congruence(l: &[f64], kernel: &[f64], order: &[usize], rank: usize) -> Vec<f64> {
    let n = order.len();
    let mut b = vec![0.0; rank * rank];
    let mut product = vec![0.0; rank];
    for (i, source) in order.iter().enumerate() {
        product.fill(0.0);
        for (j, other) in order.iter().enumerate() {
            let k = kernel[source * n + other];
            if k == 0.0 {
                // Nearly all of a standard head's.
                continue;
            }
            let row = &l[j * n..][..rank.min(j + 1)];
            product.iter_mut().zip(row).for_each(|(p, l)| *p += k * l);
        }
        for (row, l) in b.chunks_exact_mut(rank).zip(&l[i * n..][..rank.min(i + 1)]) {
            row.iter_mut().zip(&product).for_each(|(b, p)| *b += l * p);
        }
    }
    b
}

/// Singular values of a matrix with Aᵀ = sign · A, descending.
pub(super) fn singular_values(a: Vec<f64>, n: usize, sign: f64) -> Vec<f64> {
    let (mut diagonal, mut off) = tridiagonal(a, n, sign);
    // A skew tridiagonal matrix is i times, up to a change of signs and phases, the symmetric one with the same
    // entries beside a zero diagonal: its values come as ±σ.
    ql(&mut diagonal, &mut off);
    diagonal.iter_mut().for_each(|x| *x = x.abs());
    diagonal.sort_by(|a, b| b.total_cmp(a));
    diagonal
}

/// Eigenvalues of a symmetric tridiagonal matrix by implicit QL with Wilkinson's shift, left in `d`; `e[i]`
/// stands between `d[i]` and `d[i + 1]`. NaN for values that do not converge.
fn ql(d: &mut [f64], e: &mut [f64]) {
    let n = d.len();
    for l in 0..n {
        for iteration in 0.. {
            let small = |m: &usize| e[*m].abs() <= f64::EPSILON * (d[*m].abs() + d[*m + 1].abs());
            // Beside a zero diagonal only e itself can tell; it does once it no longer moves its neighbours.
            let largest = e[l..].iter().fold(0.0f64, |a, b| a.max(b.abs()));
            let tiny = |m: &usize| e[*m].abs() <= 1e-3 * f64::EPSILON * largest;
            let m = (l..n - 1).find(|m| small(m) || tiny(m)).unwrap_or(n - 1);
            if m == l {
                break;
            }
            if iteration == MAX_ITERATIONS {
                d[l] = f64::NAN;
                break;
            }
            let shift = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let root = shift.hypot(1.0).copysign(shift);
            let mut g = d[m] - d[l] + e[l] / (shift + root);
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut split = false;
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r = (f * f + g * g).sqrt();
                e[i + 1] = r;
                if r == 0.0 {
                    // The rotation is undefined: the matrix has split here.
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    split = true;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                let t = (d[i] - g) * s + 2.0 * c * b;
                p = s * t;
                d[i + 1] = g + p;
                g = c * t - b;
            }
            if !split {
                d[l] -= p;
                e[l] = g;
                e[m] = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::model::random::Rng;

    /// Values of the T×T parts by a general SVD, which only this test forms.
    fn whole(z: &[f32], rows: usize, kernel: &[f64], sign: f64) -> Vec<f64> {
        let width = kernel.len().isqrt();
        let z = DMatrix::from_row_iterator(rows, width, z.iter().map(|x| f64::from(*x)));
        let x = &z * DMatrix::from_row_slice(width, width, kernel) * z.transpose();
        let mut values: Vec<f64> = ((&x + x.transpose() * sign) / 2.0).singular_values().iter().copied().collect();
        values.sort_by(|a, b| b.total_cmp(a));
        values.resize(width, 0.0);
        values
    }

    fn kernel(rng: &mut Rng, n: usize) -> Vec<f64> {
        rng.values(n * n, 1.0).iter().map(|x| f64::from(*x)).collect()
    }

    #[test]
    fn values_are_those_of_the_whole_matrices() {
        let rng = &mut Rng(1);
        // More tokens than columns, fewer, one; columns of very different size.
        for (rows, width, grade) in [(61, 8, 1.0), (61, 32, 1.0), (5, 16, 1.0), (1, 4, 1.0), (40, 20, 0.6f32)] {
            let z: Vec<f32> = rng.values(rows * width, 1.0);
            let z: Vec<f32> = z.iter().enumerate().map(|(i, x)| x * grade.powi((i % width) as i32)).collect();
            let kernel = kernel(rng, width);
            let found = part_spectra(gram(&z, rows, width, width), &kernel);
            assert!(found.pair_error() < 1e-12, "{rows}×{width}: pairs differ by {:e}", found.pair_error());
            for (values, sign) in [(&found.routing, -1.0), (&found.filtering, 1.0)] {
                let expected = whole(&z, rows, &kernel, sign);
                for (i, (a, b)) in values.iter().zip(&expected).enumerate() {
                    let tolerance = if *b > 1e-3 * expected[0] { 1e-9 * b } else { 1e-7 * expected[0] };
                    assert!((a - b).abs() <= tolerance, "{rows}×{width}, sign {sign}: σ_{i} = {a:e} is {b:e}");
                }
            }
        }
    }

    #[test]
    fn nothing_has_no_values_and_nonsense_is_not_finite() {
        let zero = part_spectra(vec![0.0; 16], &[1.0; 16]);
        assert_eq!((zero.routing, zero.filtering), (vec![0.0; 4], vec![0.0; 4]));
        let overflown = part_spectra(gram(&[f32::INFINITY; 8], 2, 4, 4), &[1.0; 16]);
        assert!(overflown.routing.iter().all(|x| x.is_nan()));
    }

    #[test]
    fn gram_takes_vectors_from_strided_rows() {
        let z = [1.0, 2.0, 3.0, 4.0, 9.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        let found = gram(&z, 2, 5, 4);
        assert_eq!(found[..4], [26.0, 32.0, 38.0, 44.0]);
        assert_eq!(found[4..8], [32.0, 40.0, 48.0, 56.0]);
    }
}
