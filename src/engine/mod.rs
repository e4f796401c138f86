//! Runs plans. The only place that knows about devices, and about wasm or native.

mod breathe;
mod cpu;
mod facts;
mod gpu;
mod gpu_engine;
mod many;
mod memory;
mod pace;
mod session;
mod spectra;
mod timer;
mod tune;
mod uniforms;
#[cfg(target_arch = "wasm32")]
mod worker;

use crate::kernels::{Op, WEIGHT_INPUT};
use crate::model::{Buffer, Slot, Step};
pub use breathe::breathe;
pub use cpu::CpuEngine;
pub use facts::Facts;
pub use gpu::{Gpu, NoGpu};
pub use gpu_engine::GpuEngine;
pub use pace::Pace;
pub use session::{Run, Session, TokenScore, furthest_apart, perplexity};
pub use spectra::LayerSpectra;
pub use tune::{Timing, Variants};

#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the GPU was lost ({0}); reloading may bring it back")]
    Lost(String),
    #[error("the GPU refused the work: {0}")]
    Gpu(String),
    #[error("buffer {buffer:?} needs {bytes} bytes, more than the {limit} that this GPU binds at once")]
    TooLarge { buffer: Buffer, bytes: u64, limit: u64 },
    #[error("the CPU engine stopped: {0}")]
    Cpu(String),
    #[error("the plan reads {0:?}, which nothing has written")]
    Unwritten(Buffer),
    #[error("the text has {tokens} tokens; the model takes 2 to {context}")]
    Tokens { tokens: usize, context: usize },
    #[error("token {id} is not in the model's vocabulary of {vocab}")]
    Token { id: u32, vocab: usize },
    #[error("{found} layer modes given for {expected} layers")]
    Modes { found: usize, expected: usize },
}

/// Where the steps of a plan run. One engine holds one model's buffers.
pub enum Engine {
    Cpu(CpuEngine),
    Gpu(Box<GpuEngine>),
}

impl Engine {
    pub fn cpu() -> Self {
        Engine::Cpu(CpuEngine::default())
    }

    pub fn gpu(gpu: &Gpu) -> Self {
        Engine::Gpu(Box::new(GpuEngine::new(gpu.clone())))
    }

    /// `"cpu"` or `"gpu"`, as in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Engine::Cpu(_) => "cpu",
            Engine::Gpu(_) => "gpu",
        }
    }

    /// The adapter's name, or what the CPU engine is.
    pub fn adapter(&self) -> String {
        match self {
            Engine::Cpu(_) => format!("CPU, {}", std::env::consts::ARCH),
            Engine::Gpu(gpu) => gpu.adapter().to_string(),
        }
    }

    pub(crate) fn upload(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        match self {
            Engine::Cpu(cpu) => {
                cpu.upload(buffer, data);
                Ok(())
            }
            Engine::Gpu(gpu) => gpu.upload(buffer, data),
        }
    }

    /// Whether the processor does the work, be it under a GPU's name.
    pub(crate) fn is_software(&self) -> bool {
        match self {
            Engine::Cpu(_) => true,
            Engine::Gpu(gpu) => gpu.is_software(),
        }
    }

    /// What a plan for this engine must know: see [`crate::model::Plan::queries_apart`].
    pub(crate) fn queries_apart(&self) -> bool {
        self.variants().is_none_or(Variants::queries_apart)
    }

    /// A table of rows of `width` numbers, which may be larger than what a GPU binds at once.
    pub(crate) fn upload_rows(&mut self, buffer: Buffer, data: &[f32], width: usize) -> Result<(), EngineError> {
        match self {
            Engine::Cpu(_) => self.upload(buffer, data),
            Engine::Gpu(gpu) => gpu.upload_rows(buffer, data, width),
        }
    }

    /// The forms of kernels that run here, and the measurements behind the choice; the CPU has one of each.
    pub fn variants(&self) -> Option<&Variants> {
        match self {
            Engine::Cpu(_) => None,
            Engine::Gpu(gpu) => Some(gpu.variants()),
        }
    }

    /// Milliseconds that the device itself spent on the last run, where it can tell.
    pub fn gpu_ms(&self) -> Option<f64> {
        match self {
            Engine::Cpu(_) => None,
            Engine::Gpu(gpu) => gpu.gpu_ms(),
        }
    }

    pub(crate) fn has(&self, buffer: Buffer) -> bool {
        match self {
            Engine::Cpu(cpu) => cpu.has(buffer),
            Engine::Gpu(gpu) => gpu.has(buffer),
        }
    }

    /// Runs the steps in order, then reads the first words of each named buffer back.
    pub(crate) async fn run(&mut self, steps: &[Step], read: &[(Buffer, usize)]) -> Result<Vec<Vec<f32>>, EngineError> {
        match self {
            Engine::Cpu(cpu) => cpu.run(steps, read).await,
            Engine::Gpu(gpu) => gpu.run(steps, read).await,
        }
    }

    /// One kernel alone, for the tests of the shaders. The output buffer holds `output` before the launch and
    /// is returned as the kernel left it; it may be longer than what the kernel writes.
    #[doc(hidden)]
    pub async fn run_op(&mut self, op: Op, inputs: &[&[f32]], output: &[f32]) -> Result<Vec<f32>, EngineError> {
        let step = self.place_op(op, inputs, output)?;
        Ok(self.run(std::slice::from_ref(&step), &[(step.output, output.len())]).await?.swap_remove(0))
    }

    /// One kernel alone as a step, with its buffers on the engine.
    #[doc(hidden)]
    pub fn place_op(&mut self, op: Op, inputs: &[&[f32]], output: &[f32]) -> Result<Step, EngineError> {
        // Any distinct buffers serve; these come in any number.
        let buffer = |i| Buffer::Residual(Slot::Sweep, i);
        for (i, data) in inputs.iter().chain([&output]).enumerate() {
            match self {
                Engine::Gpu(gpu) if i == WEIGHT_INPUT && op.has_weights() && gpu.variants().half(op.kernel()) => {
                    gpu.upload_half(buffer(i), data)?;
                }
                _ => self.upload(buffer(i), data)?,
            }
        }
        Ok(Step { op, inputs: (0..inputs.len()).map(buffer).collect(), output: buffer(inputs.len()) })
    }

    /// Runs a step so many times in one go, for the benchmark: milliseconds in all, as the device tells or, where it
    /// can't, by the clock.
    #[doc(hidden)]
    pub async fn repeat(&mut self, step: &Step, count: usize) -> Result<f64, EngineError> {
        let start = web_time::Instant::now();
        self.run(&vec![step.clone(); count], &[(step.output, 1)]).await?;
        Ok(self.gpu_ms().unwrap_or(start.elapsed().as_secs_f64() * 1e3))
    }
}
