//! Dialogs that a signal opens and closes.

use leptos::html::Dialog;
use leptos::prelude::*;

/// Shows the dialog while `open` is true. Whoever closes it otherwise sets the signal in `on:close`.
pub fn follow(dialog: NodeRef<Dialog>, open: RwSignal<bool>) {
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            // An open dialog cannot be opened again; there is nothing else that can fail.
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
}
