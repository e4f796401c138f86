//! The GPU engine: one encoder, one submit and one small readback a run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use super::{EngineError, tune};
use crate::kernels::{KernelId, Op, TABLE, matmul_wide};
use crate::model::{Buffer, Step};

/// Why there is no GPU to use; each says what a visitor can do about it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoGpu {
    #[error("this page is not in a secure context: open it over https, or from localhost")]
    InsecureContext,
    #[error("this browser has no WebGPU: use a current Chrome, Edge, Safari or Firefox, or switch WebGPU on")]
    NoApi,
    #[error("the browser found no usable GPU adapter ({0}): check that hardware acceleration is on")]
    NoAdapter(String),
    #[error("this GPU offers {found} {what}, and {needed} are needed")]
    Limits { what: &'static str, found: u64, needed: u64 },
    #[error("the GPU device failed: {0}")]
    Device(String),
}

/// An opened device with every kernel compiled. Cheap to clone; models share it.
#[derive(Clone)]
pub struct Gpu(Rc<Device>);

#[derive(Clone)]
struct Device {
    adapter: String,
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// In the order of [`TABLE`].
    pipelines: Vec<wgpu::ComputePipeline>,
    limits: wgpu::Limits,
    /// Whether matrix products run as [`Op::MatmulWide`].
    wide: bool,
    /// The first error that the device reported outside of any call of ours.
    failure: Arc<Mutex<Option<EngineError>>>,
}

/// Uniform offsets are multiples of this: the largest alignment that WebGPU allows a device to ask for.
const UNIFORM_STRIDE: usize = 256;

impl Gpu {
    /// Opens the fastest adapter there is and compiles the kernels.
    pub async fn request() -> Result<Gpu, NoGpu> {
        #[cfg(target_arch = "wasm32")]
        browser_support()?;
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance.request_adapter(&options).await.map_err(|e| NoGpu::NoAdapter(e.to_string()))?;
        let offered = adapter.limits();
        let needed = wgpu::Limits::default();
        for (what, found, needed) in [
            ("storage buffers a shader stage", offered.max_storage_buffers_per_shader_stage, 6),
            ("threads a workgroup", offered.max_compute_invocations_per_workgroup, 64),
            ("bytes of workgroup memory", offered.max_compute_workgroup_storage_size, 8192),
        ] {
            if found < needed {
                return Err(NoGpu::Limits { what, found: found.into(), needed: needed.into() });
            }
        }
        // Everything WebGPU guarantees, as far as this adapter has it, and its real buffer sizes.
        let limits = wgpu::Limits {
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            max_buffer_size: offered.max_buffer_size,
            ..needed.or_worse_values_from(&offered)
        };
        let descriptor = wgpu::DeviceDescriptor { required_limits: limits.clone(), ..Default::default() };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|e| NoGpu::Device(e.to_string()))?;

        let failure = Arc::new(Mutex::new(None));
        let lost = Arc::clone(&failure);
        device.set_device_lost_callback(move |reason, message| {
            // A device that we dropped ourselves is no failure.
            if reason != wgpu::DeviceLostReason::Destroyed {
                keep_first(&lost, EngineError::Lost(message));
            }
        });
        let refused = Arc::clone(&failure);
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            keep_first(&refused, EngineError::Gpu(e.to_string()));
        }));
        let info = adapter.get_info();
        let adapter = if info.name.is_empty() { "WebGPU adapter".into() } else { info.name };
        let pipelines = TABLE.iter().map(|spec| pipeline(&device, spec, spec.source)).collect();
        let mut opened = Device { adapter, device, queue, pipelines, limits, failure, wide: false };
        // A measurement that fails says nothing about the device; if that is broken, the first run will tell.
        opened.wide = tune::prefers_wide(&Gpu(Rc::new(opened.clone()))).await.unwrap_or(false);
        Ok(Gpu(Rc::new(opened)))
    }

    /// The variant of a kernel that runs fastest here.
    pub(super) fn tuned(&self, op: Op) -> Op {
        match op {
            Op::Matmul(params) if self.0.wide => Op::MatmulWide(matmul_wide::Params(params)),
            other => other,
        }
    }

    /// The adapter's name.
    pub fn adapter(&self) -> &str {
        &self.0.adapter
    }

    /// The same device with another shader text for one kernel: the tests break each and expect to see it.
    #[doc(hidden)]
    pub fn with_source(&self, kernel: KernelId, source: &str) -> Gpu {
        let mut changed = Device::clone(&self.0);
        changed.pipelines[kernel as usize] = pipeline(&changed.device, kernel.spec(), source);
        Gpu(Rc::new(changed))
    }
}

fn keep_first(failure: &Mutex<Option<EngineError>>, error: EngineError) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

fn pipeline(device: &wgpu::Device, spec: &crate::kernels::Spec, source: &str) -> wgpu::ComputePipeline {
    let storage =
        |binding: usize, read_only: bool| entry(binding, wgpu::BufferBindingType::Storage { read_only }, false);
    let output = spec.inputs.len() + 1;
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform, true)];
    entries.extend((1..output).map(|b| storage(b, true)));
    entries.push(storage(output, false));
    let bind_layout =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(spec.stem), entries: &entries });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(spec.stem),
        bind_group_layouts: &[Some(&bind_layout)],
        ..Default::default()
    });
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(spec.stem),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(spec.stem),
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    })
}

fn entry(binding: usize, ty: wgpu::BufferBindingType, dynamic: bool) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: dynamic, min_binding_size: None },
        count: None,
    }
}

#[cfg(target_arch = "wasm32")]
fn browser_support() -> Result<(), NoGpu> {
    let window = web_sys::window().ok_or(NoGpu::NoApi)?;
    let gpu = js_sys::Reflect::get(&window.navigator(), &"gpu".into());
    match gpu {
        Ok(value) if !value.is_undefined() && !value.is_null() => Ok(()),
        // Browsers hide the API from pages that anyone on the network could have changed.
        _ if !window.is_secure_context() => Err(NoGpu::InsecureContext),
        _ => Err(NoGpu::NoApi),
    }
}

/// One model's buffers on a device.
pub struct GpuEngine {
    gpu: Gpu,
    buffers: HashMap<Buffer, wgpu::Buffer>,
    bind_groups: HashMap<(KernelId, Vec<Buffer>, Buffer), wgpu::BindGroup>,
    uniforms: Option<wgpu::Buffer>,
    staging: Option<wgpu::Buffer>,
}

impl GpuEngine {
    pub(super) fn new(gpu: Gpu) -> Self {
        GpuEngine { gpu, buffers: HashMap::new(), bind_groups: HashMap::new(), uniforms: None, staging: None }
    }

    pub fn adapter(&self) -> &str {
        self.gpu.adapter()
    }

    pub(super) fn tuned(&self, op: Op) -> Op {
        self.gpu.tuned(op)
    }

    pub(super) fn has(&self, buffer: Buffer) -> bool {
        self.buffers.contains_key(&buffer)
    }

    pub(super) fn upload(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        self.ensure(buffer, data.len())?;
        self.gpu.0.queue.write_buffer(&self.buffers[&buffer], 0, bytemuck::cast_slice(data));
        self.check()
    }

    /// Makes a buffer of at least that many words. A longer text replaces the working buffers by larger ones.
    fn ensure(&mut self, buffer: Buffer, words: usize) -> Result<(), EngineError> {
        // Bindings of vec4 arrays need whole vec4s.
        let bytes = (words.next_multiple_of(4) * 4) as u64;
        let limits = &self.gpu.0.limits;
        let limit = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        if bytes > limit {
            return Err(EngineError::TooLarge { buffer, bytes, limit });
        }
        if self.buffers.get(&buffer).is_none_or(|b| b.size() < bytes) {
            let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
            let made = create(&self.gpu.0.device, bytes, usage);
            self.buffers.insert(buffer, made);
            self.bind_groups.clear();
        }
        Ok(())
    }

    fn check(&self) -> Result<(), EngineError> {
        let failure = self.gpu.0.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map_or(Ok(()), Err)
    }

    pub(super) async fn run(&mut self, steps: &[Step], read: &[(Buffer, usize)]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.check()?;
        for step in steps {
            self.ensure(step.output, step.op.output_words())?;
        }
        self.write_uniforms(steps);
        let device = self.gpu.0.device.clone();
        let mut encoder = device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            for (i, step) in steps.iter().enumerate() {
                let [x, y, z] = step.op.groups();
                pass.set_pipeline(&self.gpu.0.pipelines[step.op.kernel() as usize]);
                pass.set_bind_group(0, self.bind_group(step)?, &[(i * UNIFORM_STRIDE) as u32]);
                pass.dispatch_workgroups(x, y, z);
            }
        }
        let words: usize = read.iter().map(|(_, words)| words).sum();
        let staging = self.staging((words * 4) as u64);
        let mut at = 0;
        for (buffer, words) in read {
            let bytes = (words * 4) as u64;
            let source = self.buffers.get(buffer).ok_or(EngineError::Unwritten(*buffer))?;
            encoder.copy_buffer_to_buffer(source, 0, &staging, at, bytes);
            at += bytes;
        }
        self.gpu.0.queue.submit([encoder.finish()]);
        let data = self.map(&staging, at).await?;
        self.check()?;
        let mut rest = data.as_slice();
        Ok(read
            .iter()
            .map(|(_, words)| {
                let (head, tail) = rest.split_at(*words);
                rest = tail;
                head.to_vec()
            })
            .collect())
    }

    fn write_uniforms(&mut self, steps: &[Step]) {
        let mut bytes = vec![0u8; steps.len().max(1) * UNIFORM_STRIDE];
        for (i, step) in steps.iter().enumerate() {
            let params = step.op.params();
            bytes[i * UNIFORM_STRIDE..][..params.len()].copy_from_slice(params);
        }
        if self.uniforms.as_ref().is_none_or(|b| b.size() < bytes.len() as u64) {
            let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
            self.uniforms = Some(create(&self.gpu.0.device, bytes.len() as u64, usage));
            self.bind_groups.clear();
        }
        if let Some(uniforms) = &self.uniforms {
            self.gpu.0.queue.write_buffer(uniforms, 0, &bytes);
        }
    }

    fn bind_group(&mut self, step: &Step) -> Result<&wgpu::BindGroup, EngineError> {
        let kernel = step.op.kernel();
        let key = (kernel, step.inputs.clone(), step.output);
        match self.bind_groups.entry(key) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let device = &self.gpu.0;
                let size = NonZero::new(kernel.spec().params_bytes as u64);
                let uniforms = self.uniforms.iter().map(|buffer| wgpu::BufferBinding { buffer, offset: 0, size });
                let storage = step.inputs.iter().chain([&step.output]).map(|b| match self.buffers.get(b) {
                    Some(buffer) => Ok(buffer.as_entire_buffer_binding()),
                    None => Err(EngineError::Unwritten(*b)),
                });
                let resources = uniforms.map(Ok).chain(storage).enumerate();
                let entries = resources.map(|(binding, buffer)| {
                    let resource = wgpu::BindingResource::Buffer(buffer?);
                    Ok(wgpu::BindGroupEntry { binding: binding as u32, resource })
                });
                Ok(entry.insert(device.device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: Some(kernel.spec().stem),
                    layout: &device.pipelines[kernel as usize].get_bind_group_layout(0),
                    entries: &entries.collect::<Result<Vec<_>, EngineError>>()?,
                })))
            }
        }
    }

    fn staging(&mut self, bytes: u64) -> wgpu::Buffer {
        match &self.staging {
            Some(buffer) if buffer.size() >= bytes => buffer.clone(),
            _ => {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                let buffer = create(&self.gpu.0.device, bytes.max(4), usage);
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
        let polled = self.gpu.0.device.poll(wgpu::PollType::wait_indefinitely());
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

fn create(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}
