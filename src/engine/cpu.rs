//! The CPU engine: the kernels' forms for CPUs over plain vectors, natively on all cores, in the browser in a
//! worker, so that the page stays awake.

use rustc_hash::FxHashMap;

use super::EngineError;
#[cfg(target_arch = "wasm32")]
use super::worker::Worker as Thread;
use crate::kernels::memory::Launch;
use crate::model::{Buffer, Step};

#[derive(Default)]
pub struct CpuEngine {
    /// Numbers of the buffers that have been written.
    numbers: FxHashMap<Buffer, u32>,
    thread: Thread,
}

impl CpuEngine {
    pub(super) fn upload(&mut self, buffer: Buffer, data: &[f32]) {
        let number = self.number(buffer);
        self.thread.upload(number, data);
    }

    pub(super) fn has(&self, buffer: Buffer) -> bool {
        self.numbers.contains_key(&buffer)
    }

    pub(super) async fn run(&mut self, steps: &[Step], read: &[(Buffer, usize)]) -> Result<Vec<Vec<f32>>, EngineError> {
        let mut launches = Vec::with_capacity(steps.len());
        for step in steps {
            let inputs: Result<Vec<u32>, _> = step.inputs.iter().map(|b| self.written(*b)).collect();
            launches.push(Launch { op: step.op, inputs: inputs?, output: self.number(step.output) });
        }
        let read: Result<Vec<_>, _> = read.iter().map(|(b, words)| Ok((self.written(*b)?, *words))).collect();
        self.thread.run(&launches, &read?).await
    }

    fn number(&mut self, buffer: Buffer) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(buffer).or_insert(next)
    }

    fn written(&self, buffer: Buffer) -> Result<u32, EngineError> {
        self.numbers.get(&buffer).copied().ok_or(EngineError::Unwritten(buffer))
    }
}

/// Natively the work is done where it is asked for.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Default)]
struct Thread(crate::kernels::memory::Memory);

#[cfg(not(target_arch = "wasm32"))]
impl Thread {
    fn upload(&mut self, number: u32, data: &[f32]) {
        *self.0.buffer(number) = data.to_vec();
    }

    async fn run(&mut self, launches: &[Launch], read: &[(u32, usize)]) -> Result<Vec<Vec<f32>>, EngineError> {
        launches.iter().for_each(|launch| self.0.run(launch));
        Ok(read.iter().map(|(number, words)| self.0.buffer(*number)[..*words].to_vec()).collect())
    }
}
