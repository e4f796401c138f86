//! The cost view's signals.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::Config;

/// Wall-clock times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// The whole text with every layer as trained.
    pub forward: f64,
    /// From the latest change of modes to its losses.
    pub toggle: f64,
    /// The first layer, from 0, that the toggle had to compute.
    pub from_layer: usize,
}

#[derive(Clone, Copy)]
pub struct CostState {
    /// The loaded model's, with its id.
    pub config: RwSignal<Option<(&'static str, Arc<Config>)>>,
    pub times: RwSignal<Option<Times>>,
}

impl CostState {
    pub fn new() -> Self {
        CostState { config: RwSignal::new(None), times: RwSignal::new(None) }
    }
}
