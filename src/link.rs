//! View state ↔ URL fragment: `#v=1&m=sd-6m@051b61a680c0&p=ferry&modes=linearized*7,softmax*5&l=3&h=5`.
//!
//! Only values that differ from the default are written. Whatever cannot be used is clamped or ignored, and
//! the user is told: both steps return notes for that.

mod parts;

pub use parts::{Part, Pin, View};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::check::Figures;
use crate::model::{LayerMode, format_modes, parse_modes};
use crate::sample::Dice;
use crate::sweep::Kind;
use crate::text::{PASSAGES, passage};
use crate::zoo;

/// Version of the schema.
pub const VERSION: u32 = 1;

/// Longest text that a link carries, in bytes: browsers and chat programs cut longer addresses.
pub const MAX_TEXT_BYTES: usize = 8 * 1024;

/// Longest fragment that is read at all.
const MAX_FRAGMENT_BYTES: usize = 64 * 1024;

/// Left readable in texts and modes; everything else is percent-encoded.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b',').remove(b'*').remove(b'~');

/// Where the text comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum TextChoice {
    /// Id of a bundled passage.
    Passage(&'static str),
    Own(String),
}

impl TextChoice {
    pub fn text(&self) -> &str {
        match self {
            TextChoice::Passage(id) => passage(id).map_or("", |p| p.text),
            TextChoice::Own(text) => text,
        }
    }
}

/// A fragment as read: what can be said before the model is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub model: &'static zoo::ModelEntry,
    pub text: TextChoice,
    /// Layer modes as text; None means every layer as trained.
    pub modes: Option<String>,
    /// Selected layer and head, from 1.
    pub layer: Option<usize>,
    pub head: Option<usize>,
    pub view: View,
    /// What the sweep's curves run over.
    pub sweep: Kind,
    /// The model beside it, where that is not its twin.
    pub with: Option<&'static zoo::ModelEntry>,
    /// How the text is continued.
    pub dice: Dice,
    /// `engine=cpu`.
    pub cpu: bool,
    /// `embed=1`: compact, for an iframe.
    pub embed: bool,
    /// What the page leaves out.
    pub hide: Vec<Part>,
    /// What the visitor cannot change.
    pub lock: Vec<Pin>,
    /// The figures that the link's author saw.
    pub check: Option<Figures>,
}

impl Default for Link {
    fn default() -> Self {
        Link {
            model: zoo::find(zoo::DEFAULT).unwrap_or(&zoo::MODELS[0]),
            text: TextChoice::Passage(PASSAGES[0].id),
            modes: None,
            layer: None,
            head: None,
            view: View::default(),
            sweep: Kind::default(),
            with: None,
            dice: Dice::default(),
            cpu: false,
            embed: false,
            hide: Vec::new(),
            lock: Vec::new(),
            check: None,
        }
    }
}

impl Link {
    /// Reads a fragment, with or without its `#`. The notes say what was ignored or changed.
    pub fn parse(fragment: &str) -> (Link, Vec<String>) {
        let mut link = Link::default();
        let mut notes = Vec::new();
        let mut fragment = fragment.trim_start_matches('#');
        if fragment.len() > MAX_FRAGMENT_BYTES {
            notes.push(format!("The link was cut after {} KB.", MAX_FRAGMENT_BYTES / 1024));
            fragment = &fragment[..fragment.floor_char_boundary(MAX_FRAGMENT_BYTES)];
        }
        let mut seen: Vec<&str> = Vec::new();
        for pair in fragment.split('&').filter(|p| !p.is_empty()) {
            let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
            if seen.contains(&key) {
                notes.push(format!("'{}' is given twice; the first value counts.", shown(key)));
                continue;
            }
            seen.push(key);
            match percent_decode_str(&raw.replace('+', " ")).decode_utf8() {
                Ok(value) => link.set(key, &value, &mut notes),
                Err(_) => notes.push(format!("The value of '{}' is not readable text; it is ignored.", shown(key))),
            }
        }
        if seen.contains(&"t") && seen.contains(&"p") {
            notes.push("The link has both a text and a passage; the text counts.".into());
        }
        (link, notes)
    }

    fn set(&mut self, key: &str, value: &str, notes: &mut Vec<String>) {
        match key {
            "v" if value == VERSION.to_string() => {}
            "v" => notes.push(format!(
                "The link is of version '{}' and this page reads version {VERSION}; what it knows is used.",
                shown(value)
            )),
            "m" => self.set_model(value, notes),
            "t" => {
                let cut = &value[..value.floor_char_boundary(MAX_TEXT_BYTES)];
                if cut.len() < value.len() {
                    notes.push(format!("The link's text was cut after {} KB.", MAX_TEXT_BYTES / 1024));
                }
                // A NUL can neither be typed nor shown.
                self.text = TextChoice::Own(cut.replace('\0', ""));
            }
            "p" => match passage(value) {
                Some(passage) if !matches!(self.text, TextChoice::Own(_)) => {
                    self.text = TextChoice::Passage(passage.id);
                }
                Some(_) => {}
                None => notes.push(format!("There is no passage '{}'; see the menu.", shown(value))),
            },
            "modes" => self.modes = Some(value.to_string()),
            "l" => self.layer = index("layer", value, notes),
            "h" => self.head = index("head", value, notes),
            "view" => match View::find(value) {
                Some(view) => self.view = view,
                None => notes.push(format!("There is no view '{}'; {} is open.", shown(value), self.view.id())),
            },
            "sweep" => match Kind::ALL.into_iter().find(|kind| kind.id() == value) {
                Some(kind) => self.sweep = kind,
                None => notes.push(format!("There is no sweep '{}'; '{}' is shown.", shown(value), self.sweep.id())),
            },
            "with" => match zoo::find(value) {
                Some(model) => self.with = Some(model),
                None => notes.push(format!("There is no model '{}' to stand beside; see the menu.", shown(value))),
            },
            "dice" => match Dice::decode(value) {
                Some(dice) => self.dice = dice,
                None => notes.push(format!("'dice={}' is not five numbers; it is ignored.", shown(value))),
            },
            "engine" if value == "cpu" => self.cpu = true,
            "engine" => notes.push(format!("'engine={}' is ignored; only 'cpu' can be asked for.", shown(value))),
            "embed" if value == "1" => self.embed = true,
            "embed" => notes.push(format!("'embed={}' is ignored; only 1 can be asked for.", shown(value))),
            "hide" => self.hide = parts::list("part of the page", value, Part::ALL, Part::id, notes),
            "lock" => self.lock = parts::list("thing to pin", value, Pin::ALL, Pin::id, notes),
            "c" => match Figures::decode(value) {
                Ok(figures) => self.check = Some(figures),
                Err(error) => notes.push(format!("The link's figures are not compared: {error}.")),
            },
            _ => notes.push(format!("'{}' is ignored: this page does not know it.", shown(key))),
        }
    }

    fn set_model(&mut self, value: &str, notes: &mut Vec<String>) {
        let (id, hash) = value.split_once('@').unwrap_or((value, ""));
        let Some(model) = zoo::find(id) else {
            notes.push(format!("There is no model '{}'; {} is shown.", shown(id), self.model.id));
            return;
        };
        self.model = model;
        if !model.sha256.starts_with(hash) || (value.contains('@') && hash.len() < 12) {
            notes.push(format!(
                "The link was made with other weights of {} ({}) than this page has ({}): figures may differ.",
                model.id,
                shown(hash),
                &model.sha256[..12]
            ));
        }
    }

    /// What the fragment means for its model: modes, and the selected layer and head from 0.
    pub fn resolve(&self) -> (Vec<LayerMode>, usize, usize, Vec<String>) {
        let mut notes = Vec::new();
        let trained = self.model.trained();
        let modes = match self.modes.as_deref().map(|text| parse_modes(text, &trained)) {
            Some(Ok(modes)) => modes,
            Some(Err(error)) => {
                notes.push(format!("The layer modes are ignored: {error}."));
                trained
            }
            None => trained,
        };
        let (layer, head) = match (self.layer, self.head) {
            (None, None) => self.model.first_head(),
            (layer, head) => (
                clamp("layer", layer, self.model.layers, &mut notes),
                clamp("head", head, self.model.heads, &mut notes),
            ),
        };
        (modes, layer, head, notes)
    }

    /// The fragment, without `#`; empty where everything is at its default.
    pub fn fragment(&self) -> String {
        self.write(false)
    }

    /// The fragment of a link that is given away: it names model, weights and text even where they are the
    /// default's, so that it means the same when the default is another one, and it carries the figures.
    pub fn permanent_fragment(&self) -> String {
        self.write(true)
    }

    fn write(&self, permanent: bool) -> String {
        let standard = Link::default();
        let mut pairs = Vec::new();
        if permanent || self.model != standard.model {
            pairs.push(format!("m={}@{}", self.model.id, &self.model.sha256[..12]));
        }
        match &self.text {
            text if *text == standard.text && !permanent => {}
            TextChoice::Passage(id) => pairs.push(format!("p={id}")),
            TextChoice::Own(text) => {
                let cut = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
                pairs.push(format!("t={}", utf8_percent_encode(cut, ENCODED)));
            }
        }
        if let Some(modes) = &self.modes {
            pairs.push(format!("modes={}", utf8_percent_encode(modes, ENCODED)));
        }
        pairs.extend(self.layer.map(|l| format!("l={l}")));
        pairs.extend(self.head.map(|h| format!("h={h}")));
        if self.view != standard.view {
            pairs.push(format!("view={}", self.view.id()));
        }
        if self.sweep != standard.sweep {
            pairs.push(format!("sweep={}", self.sweep.id()));
        }
        pairs.extend(self.with.map(|model| format!("with={}", model.id)));
        if self.dice != standard.dice {
            pairs.push(format!("dice={}", self.dice.encode()));
        }
        if self.cpu {
            pairs.push("engine=cpu".into());
        }
        if self.embed {
            pairs.push("embed=1".into());
        }
        if !self.hide.is_empty() {
            pairs.push(format!("hide={}", parts::join(&self.hide, Part::id)));
        }
        if !self.lock.is_empty() {
            pairs.push(format!("lock={}", parts::join(&self.lock, Pin::id)));
        }
        if let (true, Some(check)) = (permanent, &self.check) {
            pairs.push(format!("c={}", check.encode()));
        }
        if !pairs.is_empty() {
            pairs.insert(0, format!("v={VERSION}"));
        }
        pairs.join("&")
    }
}

/// The text form of modes for a link: None where every layer is as trained.
pub fn modes_for_link(modes: &[LayerMode], trained: &[LayerMode]) -> Option<String> {
    (modes != trained).then(|| format_modes(modes))
}

/// Layer and head, from 0, as a link has them, from 1: neither where they are selected at first anyway. Of the
/// two, one that is missing is 1.
pub fn selection_for_link(model: &zoo::ModelEntry, layer: usize, head: usize) -> (Option<usize>, Option<usize>) {
    match (layer, head) {
        first if first == model.first_head() => (None, None),
        (0, 0) => (Some(1), None),
        _ => ((layer > 0).then_some(layer + 1), (head > 0).then_some(head + 1)),
    }
}

fn index(name: &str, value: &str, notes: &mut Vec<String>) -> Option<usize> {
    let parsed = value.parse().ok();
    if parsed.is_none() {
        notes.push(format!("'{}' is not a {name} number; it is ignored.", shown(value)));
    }
    parsed
}

fn clamp(name: &str, wanted: Option<usize>, count: usize, notes: &mut Vec<String>) -> usize {
    let Some(wanted) = wanted else { return 0 };
    let clamped = wanted.clamp(1, count);
    if clamped != wanted {
        notes.push(format!("There is no {name} {wanted}; {name} {clamped} is shown (the model has {count})."));
    }
    clamped - 1
}

/// Foreign text inside a message: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if text.chars().count() > 40 { clean + "…" } else { clean }
}
