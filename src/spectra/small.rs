//! Small dense problems in f64, once a head: they concern the weights alone and take milliseconds.

use std::collections::HashMap;

use nalgebra::{Complex, DMatrix, Dyn};

use super::effective_rank;
use super::solve::singular_values;
use crate::model::{LayerMode, Model, Scores};

/// Far above what the iterations take on finite matrices.
const MAX_ITERATIONS: usize = 10_000;

/// The matrices of one head in f64: Z with G = (1/√r or 1/2√r) x Z (J + F) Zᵀ xᵀ, biases aside.
struct Head {
    /// Wᵀ, or \[W_qᵀ W_kᵀ\]: \[d_model, w\].
    z: DMatrix<f64>,
    /// Routing: S, or \[\[0, I\], \[−I, 0\]\].
    j: DMatrix<f64>,
    /// Filtering: −D, or \[\[0, I\], \[I, 0\]\].
    f: DMatrix<f64>,
    /// 1/√r, or 1/(2√r).
    scale: f64,
}

fn head(model: &Model, layer: usize, head: usize) -> Head {
    let (r, d) = (model.config.head_dim[layer], model.config.d_model);
    let root = (r as f64).sqrt();
    let column_block = |weight: &[f32]| DMatrix::from_fn(d, r, |i, j| f64::from(weight[(head * r + j) * d + i]));
    match &model.layers[layer].scores {
        Scores::SymmetricDefinite { u, s, d: filter } => {
            let square =
                |m: &[f32], sign: f64| DMatrix::from_fn(r, r, |i, j| sign * f64::from(m[(head * r + i) * r + j]));
            Head { z: column_block(u), j: square(s, 1.0), f: square(filter, -1.0), scale: 1.0 / root }
        }
        Scores::Standard { query, key } => {
            let mut z = DMatrix::zeros(d, 2 * r);
            z.columns_mut(0, r).copy_from(&column_block(&query.weight));
            z.columns_mut(r, r).copy_from(&column_block(&key.weight));
            let block = |sign: f64| {
                DMatrix::from_fn(2 * r, 2 * r, |i, j| match (j == i + r, i == j + r) {
                    (true, _) => 1.0,
                    (_, true) => sign,
                    _ => 0.0,
                })
            };
            Head { z, j: block(-1.0), f: block(1.0), scale: 0.5 / root }
        }
    }
}

/// Eigenvalues of the weight kernel M that can be non-zero: those of the small r×r matrix (S − D) W Wᵀ/√r, or
/// W_k W_qᵀ/√r for a standard head, in no particular order. M has d_model − r zeros besides. Empty where the
/// weights are not finite.
pub fn eigenvalues(model: &Model, layer: usize, index: usize) -> Vec<Complex<f64>> {
    let small = match &model.layers[layer].scores {
        Scores::SymmetricDefinite { .. } => {
            let head = head(model, layer, index);
            (&head.j + &head.f) * head.z.tr_mul(&head.z) * head.scale
        }
        Scores::Standard { query, key } => {
            let (r, d) = (model.config.head_dim[layer], model.config.d_model);
            let rows = |weight: &[f32]| {
                DMatrix::from_row_iterator(r, d, weight[index * r * d..][..r * d].iter().map(|x| f64::from(*x)))
            };
            rows(&key.weight) * rows(&query.weight).transpose() / (r as f64).sqrt()
        }
    };
    // If the iteration did not converge, there would be no eigenvalues to show.
    let finite = small.iter().all(|x| x.is_finite());
    let schur = finite.then(|| nalgebra::Schur::try_new(small, f64::EPSILON, MAX_ITERATIONS)).flatten();
    schur.map(|schur| schur.complex_eigenvalues().iter().copied().collect()).unwrap_or_default()
}

/// Largest real part of M's eigenvalues.
pub fn max_real_eigenvalue(model: &Model, layer: usize, index: usize) -> f64 {
    largest_real_part(model, layer, &eigenvalues(model, layer, index))
}

/// The same from what [`eigenvalues`] gave. M has zero eigenvalues besides where d_model is larger than r.
pub fn largest_real_part(model: &Model, layer: usize, eigenvalues: &[Complex<f64>]) -> f64 {
    let largest = eigenvalues.iter().map(|e| e.re).fold(f64::NEG_INFINITY, f64::max);
    if model.config.head_dim[layer] < model.config.d_model { largest.max(0.0) } else { largest }
}

/// Effective rank of S, for S-D heads.
pub fn kernel_effective_rank(model: &Model, layer: usize, index: usize) -> Option<f64> {
    let Scores::SymmetricDefinite { s, .. } = &model.layers[layer].scores else { return None };
    let r = model.config.head_dim[layer];
    let s = s[index * r * r..][..r * r].iter().map(|x| f64::from(*x)).collect();
    Some(effective_rank(&singular_values(s, r, -1.0)))
}

/// Routing parts of heads, decomposed once so that every K is cheap.
#[derive(Default)]
pub struct RankCuts {
    decompositions: HashMap<(usize, usize), Option<Decomposition>>,
}

/// J = T⁻¹ (U Σ Vᵀ) T⁻ᵀ with Z = Q T.
struct Decomposition {
    left: DMatrix<f64>,
    values: Vec<f64>,
    right: DMatrix<f64>,
}

impl RankCuts {
    /// The matrices \[heads, w, w\] that make queries q = z K in a mode: J + F with parts dropped or cut.
    pub fn score_matrices(&mut self, model: &Model, layer: usize, mode: LayerMode) -> Vec<f32> {
        let mut all = Vec::new();
        for index in 0..model.config.heads {
            let head = head(model, layer, index);
            let matrix = match mode {
                LayerMode::Routing => head.j,
                LayerMode::Filtering => head.f,
                // The routing part of M has no more singular values than M has rows, or the head has scores.
                LayerMode::Rank(k) if usize::from(k) < head.z.nrows().min(head.z.ncols()) => {
                    let parts = self.decompositions.entry((layer, index)).or_insert_with(|| decompose(&head));
                    parts.as_ref().map_or(head.j, |parts| parts.cut(usize::from(k))) + head.f
                }
                _ => head.j + head.f,
            };
            // nalgebra stores columns; the kernels read rows.
            all.extend(matrix.transpose().iter().map(|x| *x as f32));
        }
        all
    }
}

/// None where the products of the weights are not finite: then there is nothing to cut.
fn decompose(head: &Head) -> Option<Decomposition> {
    // T is square, or wide where a head is wider than the model.
    let t = head.z.clone().qr().r();
    let svd = bounded_svd(&t * &head.j * t.transpose())?;
    // Weights of deficient rank have no inverse; what they cannot reach, they do not route.
    let inverse = if t.is_square() { t.clone().try_inverse() } else { None };
    let inverse = inverse.or_else(|| bounded_svd(t)?.pseudo_inverse(1e-12).ok())?;
    Some(Decomposition {
        left: &inverse * svd.u?,
        values: svd.singular_values.iter().copied().collect(),
        right: svd.v_t? * inverse.transpose(),
    })
}

/// nalgebra's own `svd` iterates without end on a matrix that is not finite.
fn bounded_svd(matrix: DMatrix<f64>) -> Option<nalgebra::SVD<f64, Dyn, Dyn>> {
    matrix.iter().all(|x| x.is_finite()).then(|| matrix.try_svd(true, true, 5.0 * f64::EPSILON, MAX_ITERATIONS))?
}

impl Decomposition {
    /// The K strongest singular values kept; K is even, so rotation planes stay whole.
    fn cut(&self, k: usize) -> DMatrix<f64> {
        let mut left = self.left.columns(0, k).into_owned();
        for (mut column, value) in left.column_iter_mut().zip(&self.values) {
            column *= *value;
        }
        left * self.right.rows(0, k)
    }
}
