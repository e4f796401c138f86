//! Opening a device and compiling the kernels for it; why there may be none.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::EngineError;
use super::tune::{Variants, tune};
use crate::kernels::{KernelId, Spec, Weights};

/// Why there is no GPU to use; [`crate::browser`] says what a visitor can do about it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoGpu {
    #[error("this page is not in a secure context")]
    InsecureContext,
    #[error("this browser offers no WebGPU")]
    NoApi,
    #[error("the browser found no usable GPU adapter ({0})")]
    NoAdapter(String),
    #[error("this GPU offers {found} {what}, and {needed} are needed")]
    Limits { what: &'static str, found: u64, needed: u64 },
    #[error("the GPU device failed: {0}")]
    Device(String),
}

/// An opened device with the forms of the kernels that it runs fastest. Cheap to clone; models share it.
#[derive(Clone)]
pub struct Gpu {
    pub(super) device: Rc<Device>,
    pub(super) variants: Rc<Variants>,
}

pub(super) struct Device {
    pub(super) adapter: String,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) limits: wgpu::Limits,
    /// Whether the adapter is software on the processor.
    pub(super) software: bool,
    /// Whether passes can be timed on the device.
    pub(super) timestamps: bool,
    /// Compiled on first use.
    pipelines: RefCell<FxHashMap<PipelineId, Rc<wgpu::ComputePipeline>>>,
    /// Texts that the tests put in the place of a kernel's own.
    sources: FxHashMap<PipelineId, String>,
    /// Whether pairs of f32 keep what they should: see [`super::spectra`].
    pub(super) doubles: Cell<Option<bool>>,
    /// The first error that the device reported outside of any call of ours.
    pub(super) failure: Arc<Mutex<Option<EngineError>>>,
}

/// Kernel, form, and how it reads its weights.
pub(super) type PipelineId = (KernelId, usize, Weights);

impl Gpu {
    /// Opens the fastest adapter there is and chooses the forms of the kernels for it.
    pub async fn request() -> Result<Gpu, NoGpu> {
        Self::request_within(None).await
    }

    /// The same with smaller buffer sizes than the adapter's own.
    pub async fn request_within(sizes: Option<wgpu::Limits>) -> Result<Gpu, NoGpu> {
        #[cfg(target_arch = "wasm32")]
        browser_support()?;
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let fastest = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = match instance.request_adapter(&fastest).await {
            Ok(adapter) => adapter,
            // Chromium can say that there is none while it is still starting its GPU process, and find one when asked
            // again.
            Err(_) => instance
                .request_adapter(&wgpu::RequestAdapterOptions::default())
                .await
                .map_err(|e| NoGpu::NoAdapter(e.to_string()))?,
        };
        let offered = adapter.limits();
        let needed = wgpu::Limits::default();
        for (what, found, needed) in [
            ("storage buffers a shader stage", offered.max_storage_buffers_per_shader_stage, 6),
            ("threads a workgroup", offered.max_compute_invocations_per_workgroup, 256),
            ("bytes of workgroup memory", offered.max_compute_workgroup_storage_size, 16384),
        ] {
            if found < needed {
                return Err(NoGpu::Limits { what, found: found.into(), needed: needed.into() });
            }
        }
        // Everything WebGPU guarantees, as far as this adapter has it, and its real buffer sizes.
        let sizes = sizes.unwrap_or_else(|| offered.clone());
        let limits = wgpu::Limits {
            max_storage_buffer_binding_size: sizes
                .max_storage_buffer_binding_size
                .min(offered.max_storage_buffer_binding_size),
            max_buffer_size: sizes.max_buffer_size.min(offered.max_buffer_size),
            ..needed.or_worse_values_from(&offered)
        };
        let required_features = adapter.features() & (wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16);
        let descriptor =
            wgpu::DeviceDescriptor { required_limits: limits.clone(), required_features, ..Default::default() };
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
        // Browsers say so of their fallback adapter.
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let adapter = if info.name.is_empty() { "WebGPU adapter".into() } else { info.name };
        let device = Rc::new(Device {
            adapter,
            device,
            queue,
            limits,
            software,
            timestamps: required_features.contains(wgpu::Features::TIMESTAMP_QUERY),
            pipelines: RefCell::default(),
            sources: FxHashMap::default(),
            doubles: Cell::new(None),
            failure,
        });
        let untuned = Gpu { device, variants: Rc::default() };
        let variants = match tune(&untuned).await {
            Ok(variants) => variants,
            // A form that this device refuses says nothing about the first ones, which do without measurements.
            Err(EngineError::Gpu(_)) => {
                untuned.device.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
                Variants::default()
            }
            // The first run will tell.
            Err(_) => Variants::default(),
        };
        let gpu = Gpu { variants: Rc::new(variants), ..untuned };
        gpu.compile_ahead();
        Ok(gpu)
    }

    /// The adapter's name.
    pub fn adapter(&self) -> &str {
        &self.device.adapter
    }

    /// The forms of kernels chosen for this adapter, and the measurements behind the choice.
    pub fn variants(&self) -> &Variants {
        &self.variants
    }

    /// The ways in which kernels can read their weights here.
    pub fn weights(&self) -> &'static [Weights] {
        let native = self.device.device.features().contains(wgpu::Features::SHADER_F16);
        if native { Weights::ALL } else { &[Weights::F32, Weights::Unpacked] }
    }

    /// Starts to compile what any first run needs, while the weights are on their way; a browser does that in
    /// another process.
    fn compile_ahead(&self) {
        use KernelId::{Attention, Embed, HeadProduct, LayerNorm, Matmul, RowNorms, TokenScores, Unembed};
        use KernelId::{Bisection, Cholesky, Congruence, Gram, Tridiagonal};
        self.compile(&[Embed, LayerNorm, Matmul, Attention, Unembed, TokenScores, RowNorms]);
        if self.variants.queries_apart() {
            self.compile(&[HeadProduct]);
        }
        if !self.device.software {
            self.compile(&[Gram, Cholesky, Congruence, Tridiagonal, Bisection]);
        }
    }

    /// The same for what a first change to a linear mode needs.
    pub(super) fn compile_linear(&self) {
        self.compile(&[KernelId::ChunkState, KernelId::ChunkScan, KernelId::LinearAttention]);
    }

    fn compile(&self, kernels: &[KernelId]) {
        for kernel in kernels {
            self.pipeline((*kernel, self.variants.chosen_form(*kernel), self.variants.weights(*kernel)));
        }
    }

    /// The first failure that the device reported, from then on.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let failure = self.device.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map_or(Ok(()), Err)
    }

    pub(super) fn pipeline(&self, id: PipelineId) -> Rc<wgpu::ComputePipeline> {
        let mut pipelines = self.device.pipelines.borrow_mut();
        let make = || {
            let spec = id.0.spec();
            let own = spec.forms[id.1].source(id.2);
            let source = self.device.sources.get(&id).map_or(own, String::as_str);
            Rc::new(make_pipeline(&self.device.device, spec, source))
        };
        Rc::clone(pipelines.entry(id).or_insert_with(make))
    }

    /// The same device with that form of a kernel, and its weights read so: the tests go through all.
    #[doc(hidden)]
    pub fn with_form(&self, kernel: KernelId, form: usize, weights: Weights) -> Gpu {
        let mut variants = Variants::clone(&self.variants);
        variants.set_form(kernel, form);
        variants.set_weights(kernel, weights);
        Gpu { variants: Rc::new(variants), device: Rc::clone(&self.device) }
    }

    /// The same device with another shader text for one form of a kernel: the tests break each and expect to see it.
    #[doc(hidden)]
    pub fn with_source(&self, kernel: KernelId, form: usize, weights: Weights, source: &str) -> Gpu {
        let Device { adapter, device, queue, limits, software, timestamps, failure, .. } = &*self.device;
        let changed = Device {
            adapter: adapter.clone(),
            device: device.clone(),
            queue: queue.clone(),
            limits: limits.clone(),
            software: *software,
            timestamps: *timestamps,
            pipelines: RefCell::default(),
            sources: FxHashMap::from_iter([((kernel, form, weights), source.to_string())]),
            doubles: Cell::new(None),
            failure: Arc::clone(failure),
        };
        Gpu { device: Rc::new(changed), variants: Rc::clone(&self.variants) }.with_form(kernel, form, weights)
    }
}

fn keep_first(failure: &Mutex<Option<EngineError>>, error: EngineError) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

fn make_pipeline(device: &wgpu::Device, spec: &Spec, source: &str) -> wgpu::ComputePipeline {
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
        // Kernels write before they read. Clearing first takes a barrier, and on some drivers one thread.
        compilation_options: wgpu::PipelineCompilationOptions {
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
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
