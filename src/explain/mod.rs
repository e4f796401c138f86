//! What the page explains in words: a tour, a glossary, what to notice, and the keys.

mod glossary;
mod notice;
mod tour;

pub use glossary::{GLOSSARY, Term};
pub use notice::notice;
pub use tour::{CHAPTERS, STEPS, Scene, Step, chapter_start};

/// Keys and what they do, in the order of the list in the page.
pub const KEYS: &[(&str, &str)] = &[
    ("↑ ↓ Home End", "with a layer's row in focus: move over the layers"),
    ("S L E U R F K O", "set the layer's mode: softmax, linearized, elu1, uniform, routing, filtering, rank-k, off"),
    ("Shift + letter", "set every layer from the first to this one"),
    ("← →", "in the text: move over the tokens; in the tabs: move over the tabs"),
    ("arrows", "on a matrix: move the held cell; in the grid of heads: move over the heads, Enter selects"),
    ("+ −", "on a matrix: zoom in and out"),
    ("← → Enter", "on the sweep: move the crosshair, set the layers to the point"),
    ("Escape", "let go of a cell, close a dialog, end the tour"),
    ("?", "open this help"),
];
