//! Downloads under way and what is kept of them on the visitor's device.

use leptos::prelude::*;
use web_sys::{AbortController, AbortSignal};

use crate::download::Kept;

#[derive(Clone, Copy)]
pub struct Storage {
    /// What is kept here; None until it was looked at, or where this browser keeps nothing.
    pub kept: RwSignal<Option<Vec<Kept>>>,
    /// Why nothing is kept.
    pub unavailable: RwSignal<Option<String>>,
    /// What happened to kept files: damage healed, no room left.
    pub note: RwSignal<Option<String>>,
    pub online: RwSignal<bool>,
    /// Whether the page itself opens without a network.
    pub page_kept: RwSignal<bool>,
    /// Ends the download under way.
    controller: StoredValue<Option<AbortController>, LocalStorage>,
}

impl Storage {
    pub fn new() -> Self {
        Storage {
            kept: RwSignal::new(None),
            unavailable: RwSignal::new(None),
            note: RwSignal::new(None),
            online: RwSignal::new(window().navigator().on_line()),
            page_kept: RwSignal::new(false),
            controller: StoredValue::new_local(None),
        }
    }

    /// Whether a whole file is kept.
    pub fn has(&self, sha256: &str) -> bool {
        self.kept.with(|kept| kept.iter().flatten().any(|k| k.whole && k.sha256 == sha256))
    }

    /// The signal that a new download listens to; an older one is ended.
    pub fn begin(&self) -> Option<AbortSignal> {
        self.abort();
        let controller = AbortController::new().ok();
        let signal = controller.as_ref().map(AbortController::signal);
        self.controller.set_value(controller);
        signal
    }

    /// Ends the download under way, if there is one.
    pub fn abort(&self) {
        if let Some(controller) = self.controller.try_update_value(Option::take).flatten() {
            controller.abort();
        }
    }
}
