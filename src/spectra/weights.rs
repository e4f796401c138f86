//! What the weights alone say of the heads: computed once a model, never for a new text.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

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
    heads: Memo<HeadWeights>,
    capacity: Memo<PartSpectra>,
}

impl WeightSpectra {
    pub fn new(model: Arc<Model>) -> Self {
        let count = model.config.layers * model.config.heads;
        WeightSpectra { model, heads: Memo::new(count), capacity: Memo::new(count) }
    }

    /// Layer and head from 0. Takes up to some milliseconds where it is not there yet.
    pub fn head(&self, layer: usize, head: usize) -> Rc<HeadWeights> {
        self.heads.get(self.place(layer, head), || {
            let eigenvalues = eigenvalues(&self.model, layer, head);
            HeadWeights {
                max_re_eig: largest_real_part(&self.model, layer, &eigenvalues),
                kernel_erank: kernel_effective_rank(&self.model, layer, head),
                eigenvalues,
            }
        })
    }

    /// Singular values of the weight kernel's parts. Takes up to some milliseconds where they are not there yet.
    pub fn capacity(&self, layer: usize, head: usize) -> Rc<PartSpectra> {
        self.capacity.get(self.place(layer, head), || capacity(&self.model, layer, head))
    }

    /// Keeps the same from elsewhere.
    pub(crate) fn set_capacity(&self, layer: usize, head: usize, values: PartSpectra) {
        self.capacity.set(self.place(layer, head), values);
    }

    pub(crate) fn has_capacity(&self) -> bool {
        self.capacity.missing().is_none()
    }

    /// Computes one head's, where something is missing; false when nothing is. With `capacity` that comes first;
    /// a GPU may be better at it. Long work goes in such slices, with [`crate::engine::Pace`] between them.
    pub fn compute_next(&self, capacity: bool) -> bool {
        let heads = self.model.config.heads;
        if let Some(place) = self.capacity.missing().filter(|_| capacity) {
            self.capacity(place / heads, place % heads);
            return true;
        }
        let missing = self.heads.missing();
        missing.inspect(|place| drop(self.head(place / heads, place % heads)));
        missing.is_some()
    }

    fn place(&self, layer: usize, head: usize) -> usize {
        layer * self.model.config.heads + head
    }
}

/// A value a head, computed on first use and shared from then on.
struct Memo<T>(Rc<RefCell<Vec<Option<Rc<T>>>>>);

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        Memo(Rc::clone(&self.0))
    }
}

impl<T> Memo<T> {
    fn new(count: usize) -> Self {
        Memo(Rc::new(RefCell::new((0..count).map(|_| None).collect())))
    }

    fn get(&self, place: usize, compute: impl FnOnce() -> T) -> Rc<T> {
        if let Some(known) = &self.0.borrow()[place] {
            return Rc::clone(known);
        }
        self.set(place, compute())
    }

    fn set(&self, place: usize, value: T) -> Rc<T> {
        let value = Rc::new(value);
        self.0.borrow_mut()[place] = Some(Rc::clone(&value));
        value
    }

    fn missing(&self) -> Option<usize> {
        self.0.borrow().iter().position(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random;

    #[test]
    fn slices_fill_every_head_once() {
        let model = Arc::new(random::model(random::config("sd", 2, 16, 2, 8, 8), 1));
        let weights = WeightSpectra::new(model);
        let first = weights.head(1, 0);
        let background = weights.clone();
        let slices = (0..100).take_while(|_| background.compute_next(true)).count();
        assert_eq!(slices, 4 + 3, "the head that was asked for is not computed again");
        assert!(Rc::ptr_eq(&first, &weights.head(1, 0)));
    }
}
