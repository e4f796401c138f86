//! The figures, drawn through plotters into SVG text, all in one look: see [`frame`].
//!
//! One file a figure. To add one: a function that makes a [`Frame`] from two axes and paints into its [`Chart`],
//! and another that gives the same data as a [`crate::figure::Table`]; [`view::Plot`] shows both.

mod cascade;
mod cost;
mod eigenvalues;
mod frame;
mod ink;
mod plane;
mod spectrum;
mod sweep;
mod view;

pub use cascade::{cascade, cascade_table};
pub use cost::{Growth, growth};
pub use eigenvalues::{eigenvalue_table, eigenvalues};
pub use frame::{Chart, Frame, Picture};
pub use ink::{Ink, Mark};
pub use plane::plane;
pub use spectrum::{spectrum, spectrum_table};
pub use sweep::{Sweep, height, sweep};
pub use view::{Data, Plot};
