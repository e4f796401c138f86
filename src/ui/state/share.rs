//! What links say of the page itself (embedded, parts left out, pins), and the figures that they claim.

use leptos::prelude::*;

use super::{State, set};
use crate::check::{Figures, Verdict};
use crate::link::{Link, Part, Pin};
use crate::model::LayerMode;
use crate::report::Report;
use crate::words::join;
use crate::zoo::ModelEntry;

/// What figures are of.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    pub model: &'static ModelEntry,
    pub text: String,
    pub modes: Vec<LayerMode>,
}

/// How the figures of the link that was opened compare.
#[derive(Clone, Debug, PartialEq)]
pub enum Checked {
    /// They are being computed.
    Waiting,
    Done(Verdict),
}

#[derive(Clone, Copy)]
pub struct Share {
    pub embed: RwSignal<bool>,
    pub hide: RwSignal<Vec<Part>>,
    pub lock: RwSignal<Vec<Pin>>,
    /// The figures of the last link that had some, and what they are of.
    claim: RwSignal<Option<(Subject, Figures)>>,
    /// The figures that were computed last.
    found: RwSignal<Option<(Subject, Figures)>>,
    /// Whether the dialog is open, and what its link leaves out and pins.
    pub open: RwSignal<bool>,
    pub link_hide: RwSignal<Vec<Part>>,
    pub link_lock: RwSignal<Vec<Pin>>,
}

impl Share {
    pub fn new() -> Self {
        Share {
            embed: RwSignal::new(false),
            hide: RwSignal::new(Vec::new()),
            lock: RwSignal::new(Vec::new()),
            claim: RwSignal::new(None),
            found: RwSignal::new(None),
            open: RwSignal::new(false),
            link_hide: RwSignal::new(Vec::new()),
            link_lock: RwSignal::new(Vec::new()),
        }
    }

    pub fn hides(&self, part: Part) -> bool {
        self.hide.with(|hide| hide.contains(&part))
    }

    pub fn locks(&self, pin: Pin) -> bool {
        self.lock.with(|lock| lock.contains(&pin))
    }
}

impl State {
    /// Takes over what a link says of the page; `modes` are what it means for its model.
    pub(super) fn read_share(&self, link: &Link, modes: &[LayerMode]) {
        set(self.share.embed, link.embed);
        set(self.share.hide, link.hide.clone());
        set(self.share.lock, link.lock.clone());
        if let Some(figures) = &link.check {
            let text = link.text.text().to_string();
            let subject = Subject { model: link.model, text, modes: modes.to_vec() };
            self.share.claim.set(Some((subject, figures.clone())));
        }
    }

    fn subject(&self) -> Subject {
        Subject { model: self.model.get(), text: self.text.with(|t| t.text().to_string()), modes: self.modes.get() }
    }

    /// Keeps the figures of what is on screen. They are of `subject`, whatever is wanted meanwhile.
    pub fn keep_figures(&self, subject: Subject) {
        let perplexity = |run: RwSignal<Option<std::sync::Arc<crate::engine::Run>>>| {
            run.with_untracked(|run| run.as_ref().map(|run| run.perplexity()))
        };
        let found = (|| {
            let (baseline, now) = (perplexity(self.baseline)?, perplexity(self.modified)?);
            let figures = self.spectra.with_untracked(|s| s.as_ref().map(|s| Figures::new(baseline, now, s)))?;
            Some((subject, figures))
        })();
        set(self.share.found, found);
    }

    /// The figures of exactly what is chosen; None while they are being computed.
    pub fn figures(&self) -> Option<Figures> {
        let subject = self.subject();
        self.share
            .found
            .with(|found| found.as_ref().filter(|(of, _)| *of == subject).map(|(_, figures)| figures.clone()))
    }

    /// How the opened link's figures compare; None where it had none, or where the state is no longer the link's.
    pub fn checked(&self) -> Option<Checked> {
        let subject = self.subject();
        let claimed =
            self.share.claim.with(|claim| claim.as_ref().filter(|(of, _)| *of == subject).map(|(_, f)| f.clone()))?;
        Some(self.figures().map_or(Checked::Waiting, |found| Checked::Done(claimed.compare(&found))))
    }

    /// The link of the share dialog: the state with the figures, and what the dialog leaves out and pins.
    pub fn share_link(&self, embed: bool) -> String {
        let (hide, lock) = (self.share.link_hide.get(), self.share.link_lock.get());
        let link = Link { embed, hide, lock, check: self.figures(), ..self.link() };
        format!("{}#{}", crate::ui::history::place(), link.permanent_fragment())
    }

    /// The fragment of the same state with nothing left out and nothing pinned.
    pub fn unlocked_fragment(&self) -> String {
        Link { hide: Vec::new(), lock: Vec::new(), ..self.link() }.fragment()
    }

    /// The fragment of the same state on the whole page: nothing left out, nothing pinned.
    pub fn whole_fragment(&self) -> String {
        self.whole_link().fragment()
    }

    pub(super) fn whole_link(&self) -> Link {
        Link { embed: false, hide: Vec::new(), lock: Vec::new(), ..self.link() }
    }

    /// What the link pins and leaves out, in words; None where it does neither.
    pub fn restrictions(&self) -> Option<String> {
        let pins: Vec<String> =
            self.share.lock.with(|lock| lock.iter().map(|p| format!("the {}", p.title())).collect());
        let hides = self.share.hide.with(|hide| !hide.is_empty());
        match (pins.is_empty(), hides) {
            (true, false) => None,
            (true, true) => Some("The link leaves out parts of the page.".into()),
            (false, false) => Some(format!("The link pins {}.", join(&pins))),
            (false, true) => Some(format!("The link pins {} and leaves out parts of the page.", join(&pins))),
        }
    }

    /// The report on screen, once there is one.
    pub fn parsed_report(&self) -> Option<Report> {
        self.report.with(|text| serde_json::from_str(text).ok())
    }
}
