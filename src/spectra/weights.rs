//! What the weights alone say of the heads: computed once a model, never for a new text.

use std::sync::{Arc, OnceLock};

use nalgebra::Complex;

use super::{PartSpectra, capacity, eigenvalues, kernel_effective_rank, largest_real_part};
use crate::model::Model;

/// One head's.
#[derive(Clone, Debug)]
pub struct HeadWeights {
    /// Eigenvalues of the weight kernel M that can be non-zero; see [`eigenvalues`].
    pub eigenvalues: Vec<Complex<f64>>,
    /// Largest real part of all of M's eigenvalues.
    pub max_re_eig: f64,
    /// Effective rank of S itself; S-D heads only.
    pub kernel_erank: Option<f64>,
}

/// Every head's, each computed when it is first asked for. Clones share one store, so that a task in the
/// background can fill it while others read.
#[derive(Clone)]
pub struct WeightSpectra {
    model: Arc<Model>,
    heads: Arc<[OnceLock<HeadWeights>]>,
    capacity: Arc<[OnceLock<PartSpectra>]>,
}

impl WeightSpectra {
    pub fn new(model: Arc<Model>) -> Self {
        let count = model.config.layers * model.config.heads;
        let heads = (0..count).map(|_| OnceLock::new()).collect();
        WeightSpectra { model, heads, capacity: (0..count).map(|_| OnceLock::new()).collect() }
    }

    /// Layer and head from 0. Takes up to some milliseconds where it is not there yet.
    pub fn head(&self, layer: usize, head: usize) -> &HeadWeights {
        self.heads[self.place(layer, head)].get_or_init(|| {
            let eigenvalues = eigenvalues(&self.model, layer, head);
            HeadWeights {
                max_re_eig: largest_real_part(&self.model, layer, &eigenvalues),
                kernel_erank: kernel_effective_rank(&self.model, layer, head),
                eigenvalues,
            }
        })
    }

    /// Singular values of the weight kernel's parts. Takes up to some milliseconds where they are not there yet.
    pub fn capacity(&self, layer: usize, head: usize) -> &PartSpectra {
        self.capacity[self.place(layer, head)].get_or_init(|| capacity(&self.model, layer, head))
    }

    /// Keeps the same from elsewhere, where it is not there yet.
    pub(crate) fn set_capacity(&self, layer: usize, head: usize, values: PartSpectra) {
        let _ = self.capacity[self.place(layer, head)].set(values);
    }

    pub(crate) fn has_capacity(&self) -> bool {
        missing(&self.capacity).is_none()
    }

    /// Computes one head's, where something is missing; false when nothing is. With `capacity` that comes first;
    /// a GPU may be better at it. Long work goes in such slices, with [`crate::engine::Pace`] between them.
    pub fn compute_next(&self, capacity: bool) -> bool {
        if capacity && self.compute_next_capacity() {
            return true;
        }
        let heads = self.model.config.heads;
        missing(&self.heads).map(|place| self.head(place / heads, place % heads)).is_some()
    }

    /// The same of capacities alone.
    pub(crate) fn compute_next_capacity(&self) -> bool {
        let heads = self.model.config.heads;
        missing(&self.capacity).map(|place| self.capacity(place / heads, place % heads)).is_some()
    }

    fn place(&self, layer: usize, head: usize) -> usize {
        layer * self.model.config.heads + head
    }
}

fn missing<T>(all: &[OnceLock<T>]) -> Option<usize> {
    all.iter().position(|one| one.get().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random;

    #[test]
    fn slices_fill_every_head_once() {
        let model = Arc::new(random::model(random::config("sd", 2, 16, 2, 8, 8), 1));
        let weights = WeightSpectra::new(model);
        let first: *const HeadWeights = weights.head(1, 0);
        let background = weights.clone();
        let slices = (0..100).take_while(|_| background.compute_next(true)).count();
        assert_eq!(slices, 4 + 3, "the head that was asked for is not computed again");
        assert!(std::ptr::eq(first, weights.head(1, 0)));
    }
}
