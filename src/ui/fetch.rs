//! Downloads that go on where they were cut, are kept on the device, and are verified whenever they are used.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader, RequestCache, RequestInit, Response};

use super::state::Storage;
use super::store::{Store, look};
use crate::checkpoint;
use crate::download::{Answer, RemoteFile, answer, range_header};
use crate::words::megabytes;

/// Times that a broken connection is taken up again without asking, as long as each brings something.
const RETRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(700);

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FetchError {
    #[error("{url} could not be reached ({reason}); check the connection and try again")]
    Network { url: String, reason: String },
    #[error("the server answered {status} for {url}")]
    Status { url: String, status: u16 },
    #[error("{url} has {found} bytes, and {expected} were expected: the download is incomplete or altered; try again")]
    Length { url: String, found: u64, expected: u64 },
    #[error("{url} is not the file this page was made for: its SHA-256 starts with {found}, not {expected}; try again")]
    Hash { url: String, found: String, expected: String },
    #[error("The download was stopped at {} of {}; trying again goes on from there.", megabytes(*.done), megabytes(*.total))]
    Cancelled { done: u64, total: u64 },
}

/// The bytes at an address relative to the page, for files whose content is not known beforehand.
pub async fn get(url: &str) -> Result<Vec<u8>, FetchError> {
    let network = |e: JsValue| FetchError::Network { url: url.into(), reason: reason(&e) };
    let response: Response = JsFuture::from(window().fetch_with_str(url)).await.map_err(network)?.unchecked_into();
    if !response.ok() {
        return Err(FetchError::Status { url: url.into(), status: response.status() });
    }
    let buffer = JsFuture::from(response.array_buffer().map_err(network)?).await.map_err(network)?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// A file on its way. After a failure it holds what has come, and [`Download::run`] goes on from there.
pub struct Download {
    file: RemoteFile,
    bytes: Vec<u8>,
    /// Whether some of the bytes came earlier than the server's present answer.
    patched: bool,
    /// Pieces that are being written to the device.
    writing: Rc<Cell<usize>>,
}

impl Download {
    pub fn new(file: RemoteFile) -> Self {
        Download { file, bytes: Vec::new(), patched: false, writing: Rc::default() }
    }

    pub fn is_of(&self, file: &RemoteFile) -> bool {
        self.file == *file
    }

    /// The file's bytes: from the device if they are kept there, else from the server, which is told where to go on.
    /// `progress` hears of bytes that come over the network: done so far, and how many were there before.
    pub async fn run(
        &mut self,
        storage: Storage,
        store: Option<&Store>,
        signal: Option<&AbortSignal>,
        progress: impl Fn(u64, u64),
    ) -> Result<Vec<u8>, FetchError> {
        let total = self.file.bytes as usize;
        if self.bytes.is_empty()
            && let Some(store) = store
        {
            self.read_kept(store).await;
        }
        self.patched = !self.bytes.is_empty();
        loop {
            let from_device = self.bytes.len() == total;
            let mut retries = 0;
            while self.bytes.len() < total {
                let before = self.bytes.len();
                match self.fetch_rest(storage, store, signal, &progress).await {
                    Ok(()) => {}
                    Err(FetchError::Network { .. }) if self.bytes.len() > before && retries < RETRIES => {
                        retries += 1;
                        self.patched = true;
                        sleep(PAUSE).await;
                    }
                    Err(e) => return Err(e),
                }
            }
            let found = sha256(&self.bytes).await;
            if found == self.file.sha256 {
                return Ok(std::mem::take(&mut self.bytes));
            }
            let patched = self.patched;
            self.start_again();
            if let Some(store) = store {
                self.forget(store).await;
            }
            let url = self.file.url.clone();
            if !patched {
                let (found, expected) = (found[..12].into(), self.file.sha256[..12].into());
                return Err(FetchError::Hash { url, found, expected });
            }
            let what = if from_device { "kept copy" } else { "first part" };
            storage.note.set(Some(format!("The {what} of {url} on this device was damaged: it is downloaded anew.")));
        }
    }

    /// Takes the leading pieces that are kept; a gap or a piece of the wrong size ends them.
    async fn read_kept(&mut self, store: &Store) {
        let keys: Vec<String> = (0..self.file.pieces()).map(|i| self.file.key(i)).collect();
        let pieces = join_all(keys.iter().map(|key| store.read(key))).await;
        self.bytes.reserve_exact(self.file.bytes as usize);
        for (index, piece) in pieces.into_iter().enumerate() {
            match piece {
                Some(piece) if piece.length() as usize == self.file.piece(index).len() => self.append(&piece),
                _ => break,
            }
        }
    }

    async fn forget(&self, store: &Store) {
        let keys: Vec<String> = (0..self.file.pieces()).map(|i| self.file.key(i)).collect();
        join_all(keys.iter().map(|key| store.remove(key))).await;
    }

    /// Asks the server for what is missing and keeps every piece that is whole.
    async fn fetch_rest(
        &mut self,
        storage: Storage,
        store: Option<&Store>,
        signal: Option<&AbortSignal>,
        progress: &impl Fn(u64, u64),
    ) -> Result<(), FetchError> {
        let (url, total) = (self.file.url.clone(), self.file.bytes);
        let failed = |e: JsValue, done: usize| match signal {
            Some(signal) if signal.aborted() => FetchError::Cancelled { done: done as u64, total },
            _ => FetchError::Network { url: url.clone(), reason: reason(&e) },
        };
        let response = self.request(store.is_some(), signal).await.map_err(|e| failed(e, self.bytes.len()))?;
        let content_range = response.headers().get("Content-Range").ok().flatten();
        let have = self.bytes.len() as u64;
        match answer(response.status(), content_range.as_deref(), have, total) {
            Answer::Rest => {}
            Answer::Whole => self.start_again(),
            Answer::StartAgain if have > 0 => {
                self.start_again();
                return Ok(());
            }
            Answer::StartAgain | Answer::Refused => return Err(FetchError::Status { url, status: response.status() }),
        }
        let begun = self.bytes.len() as u64;
        progress(begun, begun);
        let Some(body) = response.body() else { return Err(self.wrong_length(0)) };
        let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
        self.bytes.reserve_exact(total as usize - self.bytes.len());
        let full = Rc::new(Cell::new(false));
        loop {
            let chunk = JsFuture::from(reader.read()).await.map_err(|e| failed(e, self.bytes.len()))?;
            let field = |name: &str| js_sys::Reflect::get(&chunk, &name.into()).unwrap_or(JsValue::UNDEFINED);
            if field("done").is_truthy() {
                break;
            }
            let chunk: Uint8Array = field("value").unchecked_into();
            let (before, after) = (self.bytes.len(), self.bytes.len() + chunk.length() as usize);
            if after as u64 > total {
                // The rest of a file that is too long is of no interest.
                let _ = reader.cancel();
                self.start_again();
                return Err(self.wrong_length(after as u64));
            }
            self.append(&chunk);
            progress(after as u64, begun);
            for index in self.file.completed(before, after) {
                if let Some(store) = store.filter(|_| !full.get()) {
                    self.keep(index, store.clone(), storage, Rc::clone(&full));
                }
            }
        }
        let found = self.bytes.len() as u64;
        if found < total { Err(self.wrong_length(found)) } else { Ok(()) }
    }

    fn start_again(&mut self) {
        self.bytes.clear();
        self.patched = false;
    }

    fn wrong_length(&self, found: u64) -> FetchError {
        FetchError::Length { url: self.file.url.clone(), found, expected: self.file.bytes }
    }

    async fn request(&self, kept: bool, signal: Option<&AbortSignal>) -> Result<Response, JsValue> {
        let options = RequestInit::new();
        options.set_signal(signal);
        if kept {
            // The browser's own cache would keep a second copy.
            options.set_cache(RequestCache::NoStore);
        }
        if let Some(range) = range_header(self.bytes.len() as u64) {
            let headers = web_sys::Headers::new()?;
            headers.set("Range", &range)?;
            options.set_headers(&headers);
        }
        Ok(JsFuture::from(window().fetch_with_str_and_init(&self.file.url, &options)).await?.unchecked_into())
    }

    fn append(&mut self, chunk: &Uint8Array) {
        let start = self.bytes.len();
        self.bytes.resize(start + chunk.length() as usize, 0);
        chunk.copy_to(&mut self.bytes[start..]);
    }

    /// Stores a piece in the background: the download does not wait for the disk.
    fn keep(&self, index: usize, store: Store, storage: Storage, full: Rc<Cell<bool>>) {
        let (key, url) = (self.file.key(index), self.file.url.clone());
        let bytes = Uint8Array::from(&self.bytes[self.file.piece(index)]);
        let writing = Rc::clone(&self.writing);
        writing.set(writing.get() + 1);
        spawn_local(async move {
            if let Err(why) = store.write(&key, bytes).await
                && !full.replace(true)
            {
                let note = format!(
                    "There is no room to keep {url} on this device ({why}): it works now, and will be downloaded again \
                     at the next visit."
                );
                storage.note.set(Some(note));
            }
            writing.set(writing.get() - 1);
            if writing.get() == 0 {
                look(storage, store).await;
            }
        });
    }
}

/// SHA-256 in lower-case hex: the browser's, which runs beside the page, or our own where it offers none.
async fn sha256(bytes: &[u8]) -> String {
    let digest = async {
        let crypto = window().crypto().ok()?.subtle();
        if crypto.is_undefined() {
            return None;
        }
        let digest = crypto.digest_with_str_and_u8_array("SHA-256", bytes).ok()?;
        Some(Uint8Array::new(&JsFuture::from(digest).await.ok()?).to_vec())
    };
    match digest.await {
        Some(digest) => digest.iter().map(|b| format!("{b:02x}")).collect(),
        None => checkpoint::sha256_hex(bytes),
    }
}

async fn sleep(time: Duration) {
    let (sender, receiver) = futures_channel::oneshot::channel();
    // The receiver below outlives the timer.
    set_timeout(move || _ = sender.send(()), time);
    let _ = receiver.await;
}

pub fn reason(error: &JsValue) -> String {
    let message = js_sys::Reflect::get(error, &"message".into()).ok().and_then(|m| m.as_string());
    message.filter(|m| !m.is_empty()).unwrap_or_else(|| "no reason given".into())
}
