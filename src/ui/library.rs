//! The tokenizer and the models, from the visitor's device or from the server. A few models stay in memory.

use std::sync::Arc;

use futures_util::future::join;
use leptos::task::spawn_local;
use web_sys::AbortSignal;
use web_time::Instant;

use super::driver::Inbox;
use super::fetch::{Download, FetchError, get};
use super::loaded::milliseconds;
use super::state::{Progress, State, set};
use super::store::{Store, look};
use crate::checkpoint;
use crate::model::Model;
use crate::text::Tokenizer;
use crate::zoo::{self, ModelEntry};

/// Models in memory at once: the one on screen and the one before, so that a model and its twin take turns at no
/// cost. Others are read from the device again.
const IN_MEMORY: usize = 2;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Content(String),
}

/// A model, and how long it took to come, in milliseconds.
pub type Timed = (Arc<Model>, f64);

/// The way to the site's files, for the machine and for what comes in the background beside it.
#[derive(Clone)]
pub struct Source {
    state: State,
    store: Option<Store>,
}

impl Source {
    /// Opens the browser's store; a browser that has none is no reason to stop.
    pub async fn open(state: State) -> Self {
        let store = match Store::open().await {
            Ok(store) => Some(store),
            Err(why) => {
                set(state.storage.unavailable, Some(why));
                None
            }
        };
        Source { state, store }
    }

    /// A model's files. After a failure `weights` goes on where it was.
    pub async fn read_model(
        &self,
        entry: &'static ModelEntry,
        weights: &mut Download,
        signal: Option<&AbortSignal>,
        progress: impl Fn(u64, u64),
    ) -> Result<Model, LoadError> {
        let config_url = format!("{}/config.json", entry.folder());
        let bytes = weights.run(self.state.storage, self.store.as_ref(), signal, progress);
        let (config, bytes) = join(get(&config_url), bytes).await;
        let bytes = bytes?;
        checkpoint::read(&config?, &bytes).map_err(|e| LoadError::Content(format!("{}: {e}", entry.id)))
    }

    async fn read_tokenizer(&self, signal: Option<&AbortSignal>) -> Result<Tokenizer, LoadError> {
        let mut download = Download::new(zoo::tokenizer());
        let json = download.run(self.state.storage, self.store.as_ref(), signal, |_, _| {}).await?;
        Tokenizer::from_json(&json).map_err(|e| LoadError::Content(e.to_string()))
    }

    /// Brings what the page says of the device up to date, in the background.
    pub fn look(&self) {
        if let Some(store) = self.store.clone() {
            spawn_local(look(self.state.storage, store));
        }
    }
}

pub struct Library {
    source: Source,
    opened: bool,
    tokenizer: Option<Arc<Tokenizer>>,
    /// Newest first.
    models: Vec<(&'static str, Timed)>,
    /// A download that failed or was stopped.
    unfinished: Option<Download>,
}

impl Library {
    pub fn new(state: State) -> Self {
        Library {
            source: Source { state, store: None },
            opened: false,
            tokenizer: None,
            models: Vec::new(),
            unfinished: None,
        }
    }

    /// The tokenizer and a model; None where another model was wanted meanwhile.
    pub async fn fetch(
        &mut self,
        entry: &'static ModelEntry,
        inbox: &Inbox,
    ) -> Result<Option<(Arc<Tokenizer>, Timed)>, LoadError> {
        let there = self.get(entry.id);
        if let (Some(timed), Some(tokenizer)) = (there, &self.tokenizer) {
            return Ok(Some((Arc::clone(tokenizer), timed)));
        }
        if !self.opened {
            self.opened = true;
            self.source = Source::open(self.source.state).await;
            self.source.look();
        }
        let start = Instant::now();
        let state = self.source.state;
        let signal = state.storage.begin();
        let fetched = self.fetch_all(entry, signal.as_ref()).await;
        set(state.progress, None);
        self.source.look();
        match fetched {
            Err(LoadError::Fetch(FetchError::Cancelled { .. })) if inbox.overtaken() => Ok(None),
            Err(e) => Err(e),
            Ok((tokenizer, model)) => {
                let timed = (Arc::new(model), milliseconds(start));
                self.insert(entry.id, timed.clone());
                self.tokenizer = Some(Arc::clone(&tokenizer));
                Ok(Some((tokenizer, timed)))
            }
        }
    }

    /// The way to the files.
    pub fn source(&self) -> Source {
        self.source.clone()
    }

    /// A model that is in memory, here or among those of the Heads view; it will stay the longest.
    pub fn get(&mut self, id: &'static str) -> Option<Timed> {
        if let Some(model) = self.source.state.heads.shelved(id)
            && !self.models.iter().any(|(of, _)| *of == id)
        {
            self.insert(id, (model, 0.0));
        }
        let place = self.models.iter().position(|(of, _)| *of == id)?;
        self.models[..=place].rotate_right(1);
        Some(self.models[0].1.clone())
    }

    pub fn insert(&mut self, id: &'static str, model: Timed) {
        self.models.insert(0, (id, model));
        self.models.truncate(IN_MEMORY);
    }

    /// Everything that is needed, at the same time.
    async fn fetch_all(
        &mut self,
        entry: &'static ModelEntry,
        signal: Option<&AbortSignal>,
    ) -> Result<(Arc<Tokenizer>, Model), LoadError> {
        let (state, file) = (self.source.state, entry.weights());
        let begun = self.unfinished.take().filter(|d| d.is_of(&file));
        let mut weights = begun.unwrap_or_else(|| Download::new(file));
        let progress = move |done, from| set(state.progress, Some(Progress { done, from, total: entry.bytes }));
        let tokenizer = async {
            match &self.tokenizer {
                Some(tokenizer) => Ok(Arc::clone(tokenizer)),
                None => self.source.read_tokenizer(signal).await.map(Arc::new),
            }
        };
        let model = self.source.read_model(entry, &mut weights, signal, progress);
        let (tokenizer, model) = join(tokenizer, model).await;
        if model.is_err() {
            self.unfinished = Some(weights);
        }
        let model = model?;
        Ok((tokenizer?, model))
    }
}
