//! The browser benchmark's own logic: what is run in which order, what is kept of it, and how it is summed up.
//!
//! `main.rs` drives a page (`page/`) that holds all contestants; everything that can be wrong in silence is here,
//! where tests reach it.

pub mod record;
pub mod rounds;
pub mod stats;
pub mod tables;
