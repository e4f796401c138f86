//! Parts of the page that links name: what is open, what is left out, what is pinned.

use super::shown;

/// What is open below the stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    #[default]
    Heads,
    Sweep,
    Cost,
    Continuation,
    Compare,
    Numerics,
}

impl View {
    pub const ALL: [View; 6] =
        [View::Heads, View::Sweep, View::Cost, View::Continuation, View::Compare, View::Numerics];

    /// As in links.
    pub fn id(self) -> &'static str {
        match self {
            View::Heads => "heads",
            View::Sweep => "sweep",
            View::Cost => "cost",
            View::Continuation => "continue",
            View::Compare => "compare",
            View::Numerics => "numerics",
        }
    }

    /// As on its tab.
    pub fn title(self) -> &'static str {
        match self {
            View::Heads => "Heads",
            View::Sweep => "Sweep",
            View::Cost => "Cost",
            View::Continuation => "Continue the text",
            View::Compare => "Two models",
            View::Numerics => "Numerics",
        }
    }

    pub fn find(id: &str) -> Option<View> {
        View::ALL.into_iter().find(|view| view.id() == id)
    }
}

/// A part of the page that `hide=` leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Model,
    Passage,
    Engine,
    Share,
    Card,
    Stack,
    Text,
    Numbers,
    Presets,
    Figure,
    Tabs,
}

impl Part {
    /// In the order of the page.
    pub const ALL: &[Part] = &[
        Part::Model,
        Part::Passage,
        Part::Engine,
        Part::Share,
        Part::Card,
        Part::Stack,
        Part::Text,
        Part::Numbers,
        Part::Presets,
        Part::Figure,
        Part::Tabs,
    ];

    /// Whether an embedded page has room for it.
    pub fn embedded(self) -> bool {
        matches!(self, Part::Stack | Part::Numbers | Part::Figure)
    }

    /// As in links.
    pub fn id(self) -> &'static str {
        match self {
            Part::Model => "model",
            Part::Passage => "passage",
            Part::Engine => "engine",
            Part::Share => "share",
            Part::Card => "card",
            Part::Stack => "stack",
            Part::Text => "text",
            Part::Numbers => "numbers",
            Part::Presets => "presets",
            Part::Figure => "figure",
            Part::Tabs => "tabs",
        }
    }

    /// As in the share dialog.
    pub fn title(self) -> &'static str {
        match self {
            Part::Model => "model menu",
            Part::Passage => "text menu",
            Part::Engine => "engine",
            Part::Share => "share button",
            Part::Card => "model card",
            Part::Stack => "layers",
            Part::Text => "text",
            Part::Numbers => "perplexity",
            Part::Presets => "presets",
            Part::Figure => "cascade figure",
            Part::Tabs => "closer looks",
        }
    }
}

/// What `lock=` pins: the visitor sees it and cannot change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pin {
    Model,
    Text,
    Modes,
    View,
}

impl Pin {
    pub const ALL: &[Pin] = &[Pin::Model, Pin::Text, Pin::Modes, Pin::View];

    /// As in links.
    pub fn id(self) -> &'static str {
        match self {
            Pin::Model => "model",
            Pin::Text => "text",
            Pin::Modes => "modes",
            Pin::View => "view",
        }
    }

    /// As in messages and in the share dialog.
    pub fn title(self) -> &'static str {
        match self {
            Pin::Model => "model",
            Pin::Text => "text",
            Pin::Modes => "layer modes",
            Pin::View => "open tab",
        }
    }
}

/// Ids joined by commas; entries that are not known are told. In the order of `all`, each once.
pub(super) fn list<T: Copy + PartialEq>(
    what: &str,
    value: &str,
    all: &[T],
    id: fn(T) -> &'static str,
    notes: &mut Vec<String>,
) -> Vec<T> {
    let names: Vec<&str> = value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let unknown = names.iter().find(|name| !all.iter().any(|item| id(*item) == **name));
    if let Some(name) = unknown {
        let known = join(all, id).replace(',', ", ");
        notes.push(format!("There is no {what} '{}' (there are {known}); it is ignored.", shown(name)));
    }
    all.iter().copied().filter(|item| names.contains(&id(*item))).collect()
}

pub(super) fn join<T: Copy>(items: &[T], id: fn(T) -> &'static str) -> String {
    items.iter().map(|item| id(*item)).collect::<Vec<_>>().join(",")
}
