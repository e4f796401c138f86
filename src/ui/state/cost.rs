//! The cost view's signals.

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::Config;

/// Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Wall clock: the whole text with every layer as trained.
    pub forward: f64,
    /// Wall clock: from the latest change of modes to its losses.
    pub toggle: f64,
    /// What the GPU itself spent on the two, where it can tell.
    pub forward_gpu: Option<f64>,
    pub toggle_gpu: Option<f64>,
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
