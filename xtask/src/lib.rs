//! The project's own commands, run as `cargo xtask COMMAND`.
//!
//! The commands live here rather than in shell scripts so that they are the same on every system, and in a library
//! so that the browser tests serve the site with the very server that `cargo xtask serve` uses.

pub mod bench;
pub mod checks;
pub mod cpu_engine;
mod http;
pub mod install;
pub mod shell;
pub mod site;
pub mod static_site;
pub mod wasm;
