//! The sweep view's signals.

use leptos::prelude::*;

use super::set;
use crate::link::View;
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
    /// Counts the times that the background brought something or the user asked for another attempt: the driver
    /// looks again.
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

    /// Lets the curves run over something else.
    pub fn choose(&self, kind: Kind) {
        if self.kind.get_untracked() != kind {
            set(self.k, None);
            set(self.kind, kind);
        }
    }

    /// What the machine works by: whoever calls this runs again when it changes.
    pub fn track(&self) {
        self.kind.track();
        self.asked.track();
        self.with_twin.track();
        self.arrivals.track();
    }

    /// Whether curves are to be measured: while the view is open, and on the CPU only when that was asked for.
    pub fn runs(&self, view: View, cpu: bool) -> bool {
        view == View::Sweep && (!cpu || self.asked.get_untracked())
    }

    /// Nothing is measured on the present text.
    pub fn clear(&self) {
        set(self.curves, None);
        set(self.twin_curves, None);
    }
}
