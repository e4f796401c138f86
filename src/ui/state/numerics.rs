//! The numerics view's signals.

use leptos::prelude::*;

use crate::engine::Facts;
use crate::self_test::Check;

#[derive(Clone, Copy)]
pub struct NumericsState {
    /// Of the engine that runs the model on screen.
    pub facts: RwSignal<Facts>,
    /// Counts the times that the self-test was asked for.
    pub asked: RwSignal<u32>,
    /// Its comparisons so far, and whether it is through or why it broke off.
    pub checks: RwSignal<Vec<Check>>,
    pub outcome: RwSignal<Option<Result<(), String>>>,
}

impl NumericsState {
    pub fn new() -> Self {
        NumericsState {
            facts: RwSignal::new(Facts::default()),
            asked: RwSignal::new(0),
            checks: RwSignal::new(Vec::new()),
            outcome: RwSignal::new(None),
        }
    }
}
