//! The CPU engine's thread in the browser: a worker with a WebAssembly module of its own, which holds the kernels
//! and nothing else. `cpu-engine/worker.js` is its other end.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, Float32Array, Object, Reflect, Uint32Array};
use wasm_bindgen::prelude::*;
use web_sys::MessageEvent;

use super::EngineError;
use crate::kernels::memory::Launch;

type Reply = Result<Vec<Vec<f32>>, String>;

/// Who waits for the worker's next reply, and why there will be none.
#[derive(Default)]
struct Waiting {
    run: Option<(f64, oneshot::Sender<Reply>)>,
    failure: Option<String>,
}

pub struct Worker {
    worker: Option<web_sys::Worker>,
    waiting: Rc<RefCell<Waiting>>,
    runs: f64,
    /// What the worker calls; they live as long as it does.
    _handlers: [Closure<dyn FnMut(JsValue)>; 2],
}

impl Default for Worker {
    fn default() -> Self {
        let waiting = Rc::new(RefCell::new(Waiting::default()));
        let on_message = {
            let waiting = Rc::clone(&waiting);
            Closure::new(move |event: JsValue| {
                let data = event.unchecked_ref::<MessageEvent>().data();
                let number = get(&data, "run").as_f64();
                let run = waiting.borrow_mut().run.take_if(|(awaited, _)| Some(*awaited) == number);
                if let Some((_, sender)) = run {
                    // Whoever has stopped waiting needs no answer.
                    let _ = sender.send(reply(&data));
                }
            })
        };
        let on_error = {
            let waiting = Rc::clone(&waiting);
            Closure::new(move |event: JsValue| {
                let message = get(&event, "message").as_string();
                waiting.borrow_mut().fail(message.unwrap_or_else(|| "its script can't be loaded".into()));
            })
        };
        let handlers: [Closure<dyn FnMut(JsValue)>; 2] = [on_message, on_error];
        let worker = start(&handlers).map_err(|message| waiting.borrow_mut().fail(message)).ok();
        Worker { worker, waiting, runs: 0.0, _handlers: handlers }
    }
}

impl Worker {
    pub fn upload(&self, number: u32, data: &[f32]) {
        let words = Float32Array::from(data);
        let transfer = Array::of1(&words.buffer());
        self.post(&[("buffer", number.into()), ("words", words.into())], &transfer);
    }

    pub async fn run(&mut self, launches: &[Launch], read: &[(u32, usize)]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut program = Vec::new();
        launches.iter().for_each(|launch| launch.write(&mut program));
        let read: Vec<u32> = read.iter().flat_map(|(number, words)| [*number, *words as u32]).collect();
        self.runs += 1.0;
        let (sender, receiver) = oneshot::channel();
        if self.waiting.borrow().failure.is_none() {
            self.waiting.borrow_mut().run = Some((self.runs, sender));
            let program = Uint32Array::from(program.as_slice());
            let read = Uint32Array::from(read.as_slice());
            let message = [("run", self.runs.into()), ("program", program.into()), ("read", read.into())];
            self.post(&message, &Array::new());
        }
        let failure = || self.waiting.borrow().failure.clone().unwrap_or_else(|| "it never answered".into());
        receiver.await.unwrap_or_else(|_| Err(failure())).map_err(EngineError::Cpu)
    }

    fn post(&self, fields: &[(&str, JsValue)], transfer: &Array) {
        let message = Object::new();
        for (name, value) in fields {
            // Setting a field of a plain object can't fail.
            let _ = Reflect::set(&message, &(*name).into(), value);
        }
        let Some(worker) = &self.worker else { return };
        if let Err(e) = worker.post_message_with_transfer(&message, transfer) {
            self.waiting.borrow_mut().fail(text(&e));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.terminate();
        }
    }
}

impl Waiting {
    /// Drops whoever waits, which tells them, and keeps the reason for later runs.
    fn fail(&mut self, message: String) {
        self.failure = Some(message);
        self.run = None;
    }
}

/// Starts the script that the page names in `<meta name="cpu-engine">`.
fn start(handlers: &[Closure<dyn FnMut(JsValue)>; 2]) -> Result<web_sys::Worker, String> {
    let document = web_sys::window().and_then(|w| w.document());
    let meta = document.and_then(|d| d.query_selector("meta[name=cpu-engine]").ok().flatten());
    let script = meta.and_then(|m| m.get_attribute("content")).ok_or("the page does not say where it is")?;
    let worker = web_sys::Worker::new(&script).map_err(|e| text(&e))?;
    worker.set_onmessage(Some(handlers[0].as_ref().unchecked_ref()));
    worker.set_onerror(Some(handlers[1].as_ref().unchecked_ref()));
    Ok(worker)
}

fn reply(data: &JsValue) -> Reply {
    match get(data, "error").as_string() {
        Some(message) => Err(message),
        None => Ok(Array::from(&get(data, "results")).iter().map(|r| Float32Array::new(&r).to_vec()).collect()),
    }
}

fn get(object: &JsValue, field: &str) -> JsValue {
    Reflect::get(object, &field.into()).unwrap_or(JsValue::UNDEFINED)
}

fn text(error: &JsValue) -> String {
    get(error, "message").as_string().unwrap_or_else(|| format!("{error:?}"))
}
