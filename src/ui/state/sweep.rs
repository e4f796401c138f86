//! The sweep view's signals.

use leptos::prelude::*;

use crate::sweep::{Curves, Kind};

/// How far the twin's curves are.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TwinState {
    #[default]
    Here,
    /// Its weights are on their way: bytes done, of how many.
    Coming(u64, u64),
    /// Why they are not coming.
    Failed(String),
}

#[derive(Clone, Copy)]
pub struct SweepState {
    pub kind: RwSignal<Kind>,
    /// Whether the CPU engine, where it takes long, was told to begin.
    pub asked: RwSignal<bool>,
    /// Whether the twin's curves are wanted as well.
    pub with_twin: RwSignal<bool>,
    pub curves: RwSignal<Option<Curves>>,
    pub twin_curves: RwSignal<Option<Curves>>,
    pub twin: RwSignal<TwinState>,
    /// Counts what the background brought: the driver looks again.
    pub arrivals: RwSignal<u32>,
    /// The k under the crosshair, and which curve.
    pub k: RwSignal<Option<usize>>,
    pub curve: RwSignal<usize>,
}

impl SweepState {
    pub fn new() -> Self {
        SweepState {
            kind: RwSignal::new(Kind::First),
            asked: RwSignal::new(false),
            with_twin: RwSignal::new(true),
            curves: RwSignal::new(None),
            twin_curves: RwSignal::new(None),
            twin: RwSignal::new(TwinState::Here),
            arrivals: RwSignal::new(0),
            k: RwSignal::new(None),
            curve: RwSignal::new(0),
        }
    }
}
