//! The GPU engine: a few submits and one small readback a run. What a run needs on the device (bind
//! groups, parameters, the staging buffer) is kept: one that is repeated makes nothing anew.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot::{Canceled, Receiver};
use futures_util::future::{Either, select};
use web_time::Instant;

use super::gpu::{Device, PipelineId};
use super::memory::{Memory, create};
use super::timer::Timer;
use super::{EngineError, Gpu, Variants};
use crate::kernels::{KernelId, Op, WEIGHT_INPUT, Weights};
use crate::model::{Buffer, Step};

/// How long a run asks for its results without a pause. What takes longer is not held up by a millisecond or two; on a
/// software adapter, which needs the processor itself, asking would hold it up.
const OFTEN: Duration = Duration::from_millis(16);

/// Launches after which what there is is submitted: the device begins while the rest is still being written down, which
/// in a browser takes two processes some 10 µs a launch.
const LAUNCHES_A_SUBMIT: usize = 20;

/// A launch on the device: a step, or its share of one part of a table.
struct Launch<'a> {
    op: Op,
    step: &'a Step,
    pipeline: PipelineId,
    part: usize,
}

/// Runs one model's steps on a device.
pub struct GpuEngine {
    memory: Memory,
    offsets: Vec<u32>,
    staging: Option<wgpu::Buffer>,
    timer: Option<Timer>,
    gpu_ms: Option<f64>,
    /// Whether the last results came within [`OFTEN`].
    quick: bool,
    launches_a_submit: usize,
}

impl Drop for GpuEngine {
    fn drop(&mut self) {
        self.staging.iter().for_each(|buffer| buffer.destroy());
    }
}

impl GpuEngine {
    pub(super) fn new(gpu: Gpu) -> Self {
        let timer = gpu.device.timestamps.then(|| Timer::new(&gpu.device.device, &gpu.device.queue, 1));
        let memory = Memory::new(gpu);
        GpuEngine {
            memory,
            offsets: Vec::new(),
            staging: None,
            timer,
            gpu_ms: None,
            quick: true,
            launches_a_submit: LAUNCHES_A_SUBMIT,
        }
    }

    /// For measurements: the device never waits for launches that are still being written down.
    pub(super) fn in_one_submit(mut self) -> Self {
        self.launches_a_submit = usize::MAX;
        self
    }

    fn gpu(&self) -> &Gpu {
        &self.memory.gpu
    }

    pub fn adapter(&self) -> &str {
        self.gpu().adapter()
    }

    /// Whether pairs of f32 keep what they should on this device; None before it was tried.
    pub(super) fn doubles(&self) -> &Cell<Option<bool>> {
        &self.gpu().device.doubles
    }

    pub(super) fn is_software(&self) -> bool {
        self.gpu().device.software
    }

    /// The forms of kernels that run here, and the measurements behind the choice.
    pub fn variants(&self) -> &Variants {
        self.gpu().variants()
    }

    /// Milliseconds that the device spent on the last run, where it can tell.
    pub fn gpu_ms(&self) -> Option<f64> {
        self.gpu_ms
    }

    pub(super) fn limits(&self) -> &wgpu::Limits {
        &self.gpu().device.limits
    }

    pub(super) fn has_timestamps(&self) -> bool {
        self.gpu().device.timestamps
    }

    /// Bytes of all buffers of the model and its runs.
    pub fn bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// How many bind groups and parameter sets are kept on the device, and the bytes of its buffers: a run that is
    /// repeated adds to none.
    pub fn kept(&self) -> (usize, usize, u64) {
        self.memory.kept()
    }

    pub(super) fn compile_linear(&self) {
        self.gpu().compile_linear();
    }

    pub(super) fn force(&mut self, kernel: KernelId, form: usize, weights: Weights) {
        self.memory.gpu = self.gpu().with_form(kernel, form, weights);
    }

    pub(super) fn has(&self, buffer: Buffer) -> bool {
        self.memory.has(buffer)
    }

    pub(super) fn upload(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        self.memory.upload(buffer, data)
    }

    pub(super) fn upload_half(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        self.memory.upload_half(buffer, data)
    }

    pub(super) fn upload_rows(&mut self, buffer: Buffer, data: &[f32], width: usize) -> Result<(), EngineError> {
        self.memory.upload_rows(buffer, data, width)
    }

    /// The steps as launches: with the forms that run here, and a step on a table in parts once a part.
    fn launches<'a>(&self, steps: &'a [Step]) -> Result<Vec<Launch<'a>>, EngineError> {
        let mut launches = Vec::with_capacity(steps.len());
        for step in steps {
            let (kernel, form) = (step.op.kernel(), self.gpu().variants.form(&step.op));
            if !step.op.has_weights() {
                launches.push(Launch { op: step.op, step, pipeline: (kernel, form, Weights::F32), part: 0 });
                continue;
            }
            let weights = self.memory.get(step.inputs[WEIGHT_INPUT])?;
            let pipeline = (kernel, form, self.gpu().variants.reading(weights.half));
            if weights.parts.len() == 1 {
                launches.push(Launch { op: step.op, step, pipeline, part: 0 });
                continue;
            }
            let total = step.op.weight_rows();
            for part in 0..weights.parts.len() {
                let first = part as u32 * weights.rows;
                let op = step.op.part(first, weights.rows.min(total - first));
                launches.push(Launch { op, step, pipeline, part });
            }
        }
        Ok(launches)
    }

    pub(super) async fn run(&mut self, steps: &[Step], read: &[(Buffer, usize)]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.gpu_ms = None;
        let timer = self.timer.take();
        let result = self.run_timed(steps, read, timer.as_ref(), false).await;
        self.timer = timer;
        let (data, passes) = result?;
        self.gpu_ms = passes.first().copied().flatten();
        Ok(data)
    }

    /// Milliseconds of each step in a pass of its own; None where the device can't tell.
    pub(super) async fn time_each(&mut self, steps: &[Step]) -> Result<Vec<Option<f64>>, EngineError> {
        let device = Rc::clone(&self.gpu().device);
        let timer = device.timestamps.then(|| Timer::new(&device.device, &device.queue, steps.len() as u32));
        Ok(self.run_timed(steps, &[], timer.as_ref(), true).await?.1)
    }

    /// What is read, and the milliseconds of all launches, or of each apart, where there is a timer for them.
    async fn run_timed(
        &mut self,
        steps: &[Step],
        read: &[(Buffer, usize)],
        timer: Option<&Timer>,
        apart: bool,
    ) -> Result<(Vec<Vec<f32>>, Vec<Option<f64>>), EngineError> {
        self.gpu().check()?;
        for step in steps {
            self.memory.ensure(step.output, step.op.output_words() * 4, false)?;
        }
        let launches = self.launches(steps)?;
        let params: Vec<&[u8]> = launches.iter().map(|launch| launch.op.params()).collect();
        let device = Rc::clone(&self.gpu().device);
        let mut offsets = std::mem::take(&mut self.offsets);
        self.memory.offsets(&params, &mut offsets);
        let new_encoder = || device.device.create_command_encoder(&Default::default());
        let mut encoder = new_encoder();
        let size = if apart { 1 } else { self.launches_a_submit };
        let parts = launches.chunks(size).zip(offsets.chunks(size));
        let last = parts.len().saturating_sub(1);
        for (i, (launches, offsets)) in parts.enumerate() {
            let timestamp_writes = match apart {
                true => timer.and_then(|timer| timer.writes(i as u32, true, true)),
                false => timer.and_then(|timer| timer.writes(0, i == 0, i == last)),
            };
            let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
            self.encode(&mut encoder.begin_compute_pass(&descriptor), launches, offsets)?;
            if i < last && !apart {
                device.queue.submit([std::mem::replace(&mut encoder, new_encoder()).finish()]);
            }
        }
        self.offsets = offsets;
        let words: usize = read.iter().map(|(_, words)| words).sum();
        // No launches, no pass, no timestamps.
        let timer = timer.filter(|_| !launches.is_empty());
        let timing = timer.map_or(0, Timer::bytes);
        let staging = self.staging((words * 4) as u64 + timing);
        let mut at = 0;
        for (buffer, words) in read {
            let bytes = (words * 4) as u64;
            encoder.copy_buffer_to_buffer(&self.memory.get(*buffer)?.parts[0], 0, &staging, at, bytes);
            at += bytes;
        }
        if let Some(timer) = timer {
            timer.resolve(&mut encoder, &staging, at);
        }
        self.gpu().device.queue.submit([encoder.finish()]);
        let data = self.map(&staging, at + timing).await?;
        self.gpu().check()?;
        let (mut rest, times) = data.split_at(words);
        let part = |(_, words): &(Buffer, usize)| {
            let (head, tail) = rest.split_at(*words);
            rest = tail;
            head.to_vec()
        };
        Ok((read.iter().map(part).collect(), timer.map_or(Vec::new(), |timer| timer.milliseconds(times))))
    }

    fn encode(
        &mut self,
        pass: &mut wgpu::ComputePass,
        launches: &[Launch],
        offsets: &[u32],
    ) -> Result<(), EngineError> {
        let mut current = None;
        for (launch, offset) in launches.iter().zip(offsets) {
            if current != Some(launch.pipeline) {
                pass.set_pipeline(&self.gpu().pipeline(launch.pipeline));
                current = Some(launch.pipeline);
            }
            let [x, y, z] = launch.op.form_groups(launch.pipeline.1);
            pass.set_bind_group(0, self.memory.bind(launch.step, launch.pipeline, launch.part)?, &[*offset]);
            pass.dispatch_workgroups(x, y, z);
        }
        Ok(())
    }

    fn staging(&mut self, bytes: u64) -> wgpu::Buffer {
        match &self.staging {
            Some(buffer) if buffer.size() >= bytes => buffer.clone(),
            old => {
                old.iter().for_each(|buffer| buffer.destroy());
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                let buffer = create(&self.gpu().device.device, bytes.max(4), usage);
                self.staging = Some(buffer.clone());
                buffer
            }
        }
    }

    /// Waits as the receiver does, and makes the browser look for results in the meantime. Left alone Chromium looks
    /// every other millisecond and Firefox every hundred; both look when they have something else to do, which here is
    /// nothing.
    async fn ask_often<T>(&self, mut receiver: Receiver<T>) -> Result<T, Canceled> {
        let Device { device, queue, .. } = &*self.gpu().device;
        let start = Instant::now();
        while start.elapsed() < OFTEN {
            let scope = device.push_error_scope(wgpu::ErrorFilter::Internal);
            queue.submit([]);
            if let Either::Left((result, _)) = select(&mut receiver, scope.pop()).await {
                return result;
            }
        }
        receiver.await
    }

    /// Waits for the GPU and copies the first bytes of the staging buffer out.
    async fn map(&mut self, staging: &wgpu::Buffer, bytes: u64) -> Result<Vec<f32>, EngineError> {
        let (sender, receiver) = futures_channel::oneshot::channel();
        staging.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            // A receiver that is gone belongs to a run that was dropped.
            let _ = sender.send(result);
        });
        // Natively somebody has to wait; in the browser this does nothing and the event loop calls back.
        let polled = self.gpu().device.device.poll(wgpu::PollType::wait_indefinitely());
        polled.map_err(|e| EngineError::Gpu(e.to_string()))?;
        let start = Instant::now();
        let mapped = match cfg!(target_arch = "wasm32") && self.quick {
            true => self.ask_often(receiver).await,
            false => receiver.await,
        };
        self.quick = start.elapsed() < OFTEN;
        match mapped {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return Err(self.gpu().check().err().unwrap_or_else(|| EngineError::Gpu(e.to_string()))),
            Err(_) => return Err(EngineError::Gpu("the result was never delivered".into())),
        }
        let view = staging.get_mapped_range(0..bytes).map_err(|e| EngineError::Gpu(e.to_string()))?;
        let data = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.unmap();
        Ok(data)
    }
}
