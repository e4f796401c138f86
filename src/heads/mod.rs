//! What the closer look at one head shows, apart from drawing: which head, in what order, which part of a matrix,
//! in what colours, and in what words.

mod gesture;
mod grid;
mod heat;
mod kernel;
mod words;

pub use gesture::{Gesture, step, wheel_factor};
pub use grid::{HeadFigures, Order, telling_head};
pub use heat::{Colour, Key, Viewport, full_scale, paint};
pub use kernel::kernel_eigenvalues;
pub use words::{
    eigenvalue_sentence, figure, head_sentence, pair_sentence, percent, plane_sentence, spectrum_sentence,
};
