//! What a figure needs besides ink: axes with their ticks, places for labels, and its data as a table.

mod axis;
mod labels;
mod table;

pub use axis::{Axis, Scale};
pub use labels::{Spot, free_spot, spread, text_width};
pub use table::Table;
