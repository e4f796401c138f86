//! The CPU engine: the kernels' references over plain vectors.

use std::collections::HashMap;

use super::EngineError;
use crate::model::{Buffer, Step};

#[derive(Default)]
pub struct CpuEngine {
    buffers: HashMap<Buffer, Vec<f32>>,
}

impl CpuEngine {
    pub(super) fn upload(&mut self, buffer: Buffer, data: &[f32]) {
        self.buffers.insert(buffer, data.to_vec());
    }

    pub(super) fn has(&self, buffer: Buffer) -> bool {
        self.buffers.contains_key(&buffer)
    }

    pub(super) async fn run(&mut self, steps: &[Step], read: &[(Buffer, usize)]) -> Result<Vec<Vec<f32>>, EngineError> {
        for step in steps {
            // An output is never its own input, so it can leave the map while it is written.
            let mut output = self.buffers.remove(&step.output).unwrap_or_default();
            output.resize(step.op.output_words(), 0.0);
            let inputs: Result<Vec<&[f32]>, _> = step.inputs.iter().map(|b| self.get(*b)).collect();
            step.op.reference(&inputs?, &mut output);
            self.buffers.insert(step.output, output);
            breathe().await;
        }
        read.iter().map(|(buffer, words)| Ok(self.get(*buffer)?[..*words].to_vec())).collect()
    }

    fn get(&self, buffer: Buffer) -> Result<&[f32], EngineError> {
        self.buffers.get(&buffer).map(Vec::as_slice).ok_or(EngineError::Unwritten(buffer))
    }
}

/// Lets the page paint and handle its events: there is one thread, and long work must leave room on it.
#[cfg(target_arch = "wasm32")]
pub async fn breathe() {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            // It fails only for a window that is closing; the run then simply never goes on.
            let _ = window.set_timeout_with_callback(&resolve);
        }
    });
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// Natively nobody waits on this thread.
#[cfg(not(target_arch = "wasm32"))]
pub async fn breathe() {}
