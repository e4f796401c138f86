//! Eigenvalues of a head's weight kernel, for drawing.

use crate::model::Model;
use crate::spectra::eigenvalues;

/// Below this share of the largest, an eigenvalue is one of the zeros that the kernel's low rank gives it.
const ZERO: f64 = 1e-9;

/// (Re, Im) of the eigenvalues of M, d_model × d_model, that are not zero, and how many are. None where the weights
/// are not finite. Layer and head from 0.
pub fn kernel_eigenvalues(model: &Model, layer: usize, head: usize) -> (Vec<(f64, f64)>, usize) {
    let values = eigenvalues(model, layer, head);
    let largest = values.iter().map(|v| v.re.hypot(v.im)).fold(0.0, f64::max);
    let nonzero = values.iter().filter(|v| v.re.hypot(v.im) > ZERO * largest).map(|v| (v.re, v.im));
    let nonzero: Vec<_> = nonzero.collect();
    let zeros = model.config.d_model.saturating_sub(nonzero.len());
    (nonzero, zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random;

    #[test]
    fn a_head_of_width_r_has_r_eigenvalues_that_are_not_zero() {
        for family in ["sd", "gpt2"] {
            let model = random::model(random::config(family, 1, 24, 3, 10, 8), 3);
            let (values, zeros) = kernel_eigenvalues(&model, 0, 1);
            assert_eq!((values.len(), zeros), (8, 16), "{family}");
            // Complex ones come in conjugate pairs: the trace is real.
            assert!(values.iter().map(|v| v.1).sum::<f64>().abs() < 1e-9);
            assert!(family != "sd" || values.iter().all(|v| v.0 < 0.0), "{values:?}");
        }
    }
}
