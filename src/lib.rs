//! Cascade runs small transformers on the visitor's own GPU and shows how attention routes and filters.
//!
//! Data flows one way, and the modules are listed in that order:
//!
//! | module | what it does |
//! |---|---|
//! | [`checkpoint`] | bytes → checked, named tensors → a [`model::Model`]; one reader a family |
//! | [`model`] | configuration, weights, layer modes, and the *plan*: the forward pass as data. No GPU |
//! | [`kernels`] | one file a shader: parameters, dispatch size, CPU reference |
//! | [`engine`] | runs a plan on the GPU or the CPU; the only place that knows of devices |
//! | [`spectra`] | singular values → effective rank; eigenvalues and rank cuts in f64 |
//! | [`text`] | tokenizer and bundled passages |
//! | [`report`] | what the page shows and the command prints, one schema |
//! | [`zoo`], [`card`] | the models that ship with the site, and what is known of them |
//! | [`link`] | view state ↔ URL fragment |
//! | [`sweep`] | the cost of simplifying, as curves |
//! | [`figure`] | axes, places for labels and data tables of figures |
//! | [`heads`] | what the closer look at one head shows: order, view, colours, sentences |
//! | [`words`] | numbers and sentences as people read them |
//! | `ui` | the page (feature `ui`); nothing above imports it |
//!
//! The mathematics is that of "The Routing and Filtering Structure of Attention", arXiv 2605.18826, as far
//! as its abstract tells it; the rest is our reading.

pub mod card;
pub mod checkpoint;
pub mod engine;
pub mod figure;
pub mod heads;
pub mod kernels;
pub mod link;
pub mod model;
pub mod report;
pub mod spectra;
pub mod sweep;
pub mod text;
#[cfg(feature = "ui")]
pub mod ui;
pub mod words;
pub mod zoo;
