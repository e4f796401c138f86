//! The GPU engine: one encoder, one submit and one small readback a run. What a run needs on the device (bind
//! groups, parameters, the staging buffer) is kept: one that is repeated makes nothing anew.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::PoisonError;

use half::slice::HalfFloatSliceExt;

use super::gpu::PipelineId;
use super::timer::Timer;
use super::uniforms::Uniforms;
use super::{EngineError, Gpu, Variants};
use crate::kernels::unembed::SLAB;
use crate::kernels::{KernelId, Op, WEIGHT_INPUT};
use crate::model::{Buffer, LayerPart, Step};

/// A buffer of a model. Only tables that are larger than a binding come in several parts.
struct Stored {
    parts: Vec<wgpu::Buffer>,
    /// Rows of the table in every part but the last, where there are several.
    rows: u32,
    /// f16, two a word, in the place of f32.
    half: bool,
}

/// A launch on the device: a step, or its share of one part of a table.
struct Launch<'a> {
    op: Op,
    step: &'a Step,
    pipeline: PipelineId,
    part: usize,
}

/// What a bind group depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct GroupKey {
    pipeline: PipelineId,
    part: usize,
    inputs: [Option<Buffer>; 7],
    output: Buffer,
}

/// One model's buffers on a device.
pub struct GpuEngine {
    gpu: Gpu,
    buffers: HashMap<Buffer, Stored>,
    bind_groups: HashMap<GroupKey, wgpu::BindGroup>,
    uniforms: Uniforms,
    offsets: Vec<u32>,
    staging: Option<wgpu::Buffer>,
    timer: Option<Timer>,
    gpu_ms: Option<f64>,
}

impl GpuEngine {
    pub(super) fn new(gpu: Gpu) -> Self {
        let uniforms = Uniforms::new(&gpu.device.device);
        let timer = gpu.device.timestamps.then(|| Timer::new(&gpu.device.device, &gpu.device.queue, 1));
        GpuEngine {
            gpu,
            buffers: HashMap::new(),
            bind_groups: HashMap::new(),
            uniforms,
            offsets: Vec::new(),
            staging: None,
            timer,
            gpu_ms: None,
        }
    }

    pub fn adapter(&self) -> &str {
        self.gpu.adapter()
    }

    pub(super) fn is_software(&self) -> bool {
        self.gpu.device.software
    }

    /// The forms of kernels that run here, and the measurements behind the choice.
    pub fn variants(&self) -> &Variants {
        self.gpu.variants()
    }

    /// Milliseconds that the device spent on the last run, where it can tell.
    pub fn gpu_ms(&self) -> Option<f64> {
        self.gpu_ms
    }

    pub(super) fn limits(&self) -> &wgpu::Limits {
        &self.gpu.device.limits
    }

    pub(super) fn has_timestamps(&self) -> bool {
        self.gpu.device.timestamps
    }

    /// Bytes of all buffers of the model and its runs.
    pub fn bytes(&self) -> u64 {
        self.buffers.values().flat_map(|stored| &stored.parts).map(wgpu::Buffer::size).sum()
    }

    /// How many bind groups and parameter sets are kept on the device, and the bytes of its buffers: a run that is
    /// repeated adds to none.
    pub fn kept(&self) -> (usize, usize, u64) {
        (self.bind_groups.len(), self.uniforms.len(), self.bytes())
    }

    pub(super) fn force(&mut self, kernel: KernelId, form: usize) {
        self.gpu = self.gpu.with_form(kernel, form, false);
    }

    pub(super) fn has(&self, buffer: Buffer) -> bool {
        self.buffers.contains_key(&buffer)
    }

    pub(super) fn upload(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        match weight_kernel(buffer) {
            Some(kernel) if self.gpu.variants.half(kernel) && fits_half(data) => self.upload_half(buffer, data),
            _ => self.write(buffer, bytemuck::cast_slice(data), false),
        }
    }

    /// Rounds to f16, which loses nothing of what [`fits_half`].
    pub(super) fn upload_half(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        let mut halves = vec![half::f16::ZERO; data.len().next_multiple_of(2)];
        halves[..data.len()].convert_from_f32_slice(data);
        self.write(buffer, bytemuck::cast_slice(&halves), true)
    }

    fn write(&mut self, buffer: Buffer, bytes: &[u8], half: bool) -> Result<(), EngineError> {
        self.ensure(buffer, bytes.len(), half)?;
        self.gpu.device.queue.write_buffer(&self.buffers[&buffer].parts[0], 0, bytes);
        self.check()
    }

    /// A table of rows of `width` numbers, in as many parts as it takes to bind each.
    pub(super) fn upload_rows(&mut self, buffer: Buffer, data: &[f32], width: usize) -> Result<(), EngineError> {
        let half = weight_kernel(buffer).is_some_and(|kernel| self.gpu.variants.half(kernel)) && fits_half(data);
        let row_bytes = width * if half { 2 } else { 4 };
        // Records of the vocabulary come a slab at a time.
        let slab_bytes = row_bytes as u64 * u64::from(SLAB);
        let slabs = self.binding_limit() / slab_bytes;
        if (data.len() / width * row_bytes) as u64 <= self.binding_limit() || slabs == 0 {
            return self.upload(buffer, data);
        }
        let rows = slabs as u32 * SLAB;
        let mut parts = Vec::new();
        for part in data.chunks(rows as usize * width) {
            self.buffers.remove(&buffer);
            if half {
                self.upload_half(buffer, part)?;
            } else {
                self.write(buffer, bytemuck::cast_slice(part), false)?;
            }
            parts.extend(self.buffers.remove(&buffer).into_iter().flat_map(|stored| stored.parts));
        }
        self.buffers.insert(buffer, Stored { parts, rows, half });
        Ok(())
    }

    fn binding_limit(&self) -> u64 {
        let limits = &self.gpu.device.limits;
        limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
    }

    /// Makes a buffer of at least that many bytes. A longer text replaces the working buffers by larger ones.
    fn ensure(&mut self, buffer: Buffer, bytes: usize, half: bool) -> Result<(), EngineError> {
        // Bindings of vec4 arrays need whole vec4s.
        let bytes = bytes.next_multiple_of(16) as u64;
        let limit = self.binding_limit();
        if bytes > limit {
            return Err(EngineError::TooLarge { buffer, bytes, limit });
        }
        let fits = |stored: &Stored| stored.half == half && stored.parts.len() == 1 && stored.parts[0].size() >= bytes;
        if !self.buffers.get(&buffer).is_some_and(fits) {
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
            let parts = vec![create(&self.gpu.device.device, bytes, usage)];
            self.buffers.insert(buffer, Stored { parts, rows: 0, half });
            self.bind_groups.clear();
        }
        Ok(())
    }

    fn check(&self) -> Result<(), EngineError> {
        let failure = self.gpu.device.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map_or(Ok(()), Err)
    }

    fn get(&self, buffer: Buffer) -> Result<&Stored, EngineError> {
        self.buffers.get(&buffer).ok_or(EngineError::Unwritten(buffer))
    }

    /// The steps as launches: with the forms that run here, and a step on a table in parts once a part.
    fn launches<'a>(&self, steps: &'a [Step]) -> Result<Vec<Launch<'a>>, EngineError> {
        let mut launches = Vec::with_capacity(steps.len());
        for step in steps {
            let (kernel, form) = (step.op.kernel(), self.gpu.variants.form(&step.op));
            if !step.op.has_weights() {
                launches.push(Launch { op: step.op, step, pipeline: (kernel, form, false), part: 0 });
                continue;
            }
            let weights = self.get(step.inputs[WEIGHT_INPUT])?;
            let pipeline = (kernel, form, weights.half);
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
        let result = self.run_timed(steps, read, timer.as_ref(), usize::MAX).await;
        self.timer = timer;
        let (data, passes) = result?;
        self.gpu_ms = passes.first().copied().flatten();
        Ok(data)
    }

    /// Milliseconds of each step in a pass of its own; None where the device can't tell.
    pub(super) async fn time_each(&mut self, steps: &[Step]) -> Result<Vec<Option<f64>>, EngineError> {
        let device = Rc::clone(&self.gpu.device);
        let timer = device.timestamps.then(|| Timer::new(&device.device, &device.queue, steps.len() as u32));
        Ok(self.run_timed(steps, &[], timer.as_ref(), 1).await?.1)
    }

    /// What is read, and the milliseconds of every pass of so many launches, where there is a timer for them.
    async fn run_timed(
        &mut self,
        steps: &[Step],
        read: &[(Buffer, usize)],
        timer: Option<&Timer>,
        launches_a_pass: usize,
    ) -> Result<(Vec<Vec<f32>>, Vec<Option<f64>>), EngineError> {
        self.check()?;
        for step in steps {
            self.ensure(step.output, step.op.output_words() * 4, false)?;
        }
        let launches = self.launches(steps)?;
        let params: Vec<&[u8]> = launches.iter().map(|launch| launch.op.params()).collect();
        let device = Rc::clone(&self.gpu.device);
        let mut offsets = std::mem::take(&mut self.offsets);
        if self.uniforms.offsets((&device.device, &device.queue), &params, &mut offsets) {
            self.bind_groups.clear();
        }
        let mut encoder = device.device.create_command_encoder(&Default::default());
        let size = launches_a_pass.min(launches.len().max(1));
        for (pass, launches) in launches.chunks(size).enumerate() {
            let timestamp_writes = timer.map(|timer| timer.writes(pass as u32));
            let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
            self.encode(&mut encoder.begin_compute_pass(&descriptor), launches, &offsets[pass * size..])?;
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
            encoder.copy_buffer_to_buffer(&self.get(*buffer)?.parts[0], 0, &staging, at, bytes);
            at += bytes;
        }
        if let Some(timer) = timer {
            timer.resolve(&mut encoder, &staging, at);
        }
        self.gpu.device.queue.submit([encoder.finish()]);
        let data = self.map(&staging, at + timing).await?;
        self.check()?;
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
                pass.set_pipeline(&self.gpu.pipeline(launch.pipeline));
                current = Some(launch.pipeline);
            }
            let [x, y, z] = launch.op.form_groups(launch.pipeline.1);
            bind(&mut self.bind_groups, &self.gpu, &self.buffers, &self.uniforms, launch, |group| {
                pass.set_bind_group(0, group, &[*offset]);
            })?;
            pass.dispatch_workgroups(x, y, z);
        }
        Ok(())
    }

    fn staging(&mut self, bytes: u64) -> wgpu::Buffer {
        match &self.staging {
            Some(buffer) if buffer.size() >= bytes => buffer.clone(),
            _ => {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                let buffer = create(&self.gpu.device.device, bytes.max(4), usage);
                self.staging = Some(buffer.clone());
                buffer
            }
        }
    }

    /// Waits for the GPU and copies the first bytes of the staging buffer out.
    async fn map(&self, staging: &wgpu::Buffer, bytes: u64) -> Result<Vec<f32>, EngineError> {
        let (sender, receiver) = futures_channel::oneshot::channel();
        staging.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            // A receiver that is gone belongs to a run that was dropped.
            let _ = sender.send(result);
        });
        // Natively somebody has to wait; in the browser this does nothing and the event loop calls back.
        let polled = self.gpu.device.device.poll(wgpu::PollType::wait_indefinitely());
        polled.map_err(|e| EngineError::Gpu(e.to_string()))?;
        match receiver.await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return Err(self.check().err().unwrap_or_else(|| EngineError::Gpu(e.to_string()))),
            Err(_) => return Err(EngineError::Gpu("the result was never delivered".into())),
        }
        let view = staging.get_mapped_range(0..bytes).map_err(|e| EngineError::Gpu(e.to_string()))?;
        let data = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        staging.unmap();
        Ok(data)
    }
}

/// Finds or makes a launch's bind group, for `use_it`.
fn bind(
    bind_groups: &mut HashMap<GroupKey, wgpu::BindGroup>,
    gpu: &Gpu,
    buffers: &HashMap<Buffer, Stored>,
    uniforms: &Uniforms,
    launch: &Launch,
    use_it: impl FnOnce(&wgpu::BindGroup),
) -> Result<(), EngineError> {
    let Launch { step, pipeline, part, .. } = launch;
    let inputs = std::array::from_fn(|i| step.inputs.get(i).copied());
    match bind_groups.entry(GroupKey { pipeline: *pipeline, part: *part, inputs, output: step.output }) {
        Entry::Occupied(entry) => use_it(entry.get()),
        Entry::Vacant(entry) => {
            let spec = pipeline.0.spec();
            let size = NonZero::new(spec.params_bytes as u64);
            let parameters = wgpu::BufferBinding { buffer: &uniforms.buffer, offset: 0, size };
            let mut entries =
                vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(parameters) }];
            for (i, buffer) in step.inputs.iter().chain([&step.output]).enumerate() {
                let stored = buffers.get(buffer).ok_or(EngineError::Unwritten(*buffer))?;
                let part = stored.parts.get(*part).unwrap_or(&stored.parts[0]);
                let resource = part.as_entire_binding();
                entries.push(wgpu::BindGroupEntry { binding: i as u32 + 1, resource });
            }
            let group = gpu.device.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(spec.stem),
                layout: &gpu.pipeline(*pipeline).get_bind_group_layout(0),
                entries: &entries,
            });
            use_it(entry.insert(group));
        }
    }
    Ok(())
}

/// The kernel whose choice of storage decides on that of a buffer; None for what is always f32. The projection is:
/// the spectra read it as well.
fn weight_kernel(buffer: Buffer) -> Option<KernelId> {
    match buffer {
        Buffer::TokenEmbedding => Some(KernelId::Unembed),
        Buffer::Layer(_, LayerPart::OutputWeight | LayerPart::UpWeight | LayerPart::DownWeight) => {
            Some(KernelId::Matmul)
        }
        _ => None,
    }
}

/// Whether every number is one that f16 holds, as those of f16 checkpoints are.
fn fits_half(data: &[f32]) -> bool {
    data.iter().all(|x| half::f16::from_f32(*x).to_f32().to_bits() == x.to_bits())
}

fn create(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}
