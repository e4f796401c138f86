//! Cascade runs small transformers on the visitor's own GPU and shows how attention routes and filters.
//!
//! Data flows one way, and the modules are listed in that order:
//!
//! | module | what it does |
//! |---|---|
//! | [`checkpoint`] | bytes → checked, named tensors → a [`model::Model`]; one reader a family |
//! | [`model`] | configuration, weights, layer modes, and the *plan*: the forward pass as data. No GPU |
//! | [`kernels`] | one file a shader: parameters, dispatch size, reference; forms for CPUs |
//! | [`engine`] | runs a plan on the GPU or the CPU; the only place that knows of devices |
//! | [`spectra`] | singular values and effective rank; eigenvalues and rank cuts in f64 |
//! | [`decode`], [`sample`] | one token at a time, to continue a text |
//! | [`self_test`] | an engine against the decoder, on the device at hand |
//! | [`text`] | tokenizer and bundled passages |
//! | [`report`] | what the page shows and the command prints, one schema |
//! | [`zoo`], [`card`] | the models that ship with the site, and what is known of them |
//! | [`download`], [`browser`] | files in pieces that survive a reload; what to do without a GPU, by browser |
//! | [`link`] | view state ↔ URL fragment |
//! | [`check`] | the figures that a link carries, and how they compare with those computed here |
//! | [`export`], [`script`] | figures and their data as files; a script that computes them again |
//! | [`qr`] | a link as a QR code |
//! | [`cost`] | arithmetic, parameters and memory of a configuration |
//! | [`sweep`] | the cost of simplifying, as curves |
//! | [`figure`] | axes, places for labels and data tables of figures |
//! | [`heads`] | what the closer look at one head shows: order, view, colours, sentences |
//! | [`explain`] | tour, glossary, what to notice |
//! | [`words`] | numbers and sentences as people read them |
//! | `ui` | the page (feature `ui`); nothing above imports it |
//!
//! The mathematics is that of "The Routing and Filtering Structure of Attention", arXiv 2605.18826, as far
//! as its abstract tells it; the rest is our reading.

pub mod browser;
pub mod card;
pub mod check;
pub mod checkpoint;
pub mod cost;
pub mod decode;
pub mod download;
pub mod engine;
pub mod explain;
pub mod export;
pub mod figure;
pub mod heads;
pub mod kernels;
pub mod link;
pub mod model;
pub mod qr;
pub mod report;
pub mod sample;
pub mod script;
pub mod self_test;
pub mod spectra;
pub mod sweep;
pub mod text;
#[cfg(feature = "ui")]
pub mod ui;
pub mod words;
pub mod zoo;
