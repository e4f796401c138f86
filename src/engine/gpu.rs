//! Opening a device and compiling the kernels for it; why there may be none.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use super::{EngineError, tune};
use crate::kernels::{KernelId, Op, TABLE, matmul_wide};

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

/// An opened device with every kernel compiled. Cheap to clone; models share it.
#[derive(Clone)]
pub struct Gpu(pub(super) Rc<Device>);

#[derive(Clone)]
pub(super) struct Device {
    pub(super) adapter: String,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// In the order of [`TABLE`].
    pub(super) pipelines: Vec<wgpu::ComputePipeline>,
    pub(super) limits: wgpu::Limits,
    /// Whether the adapter is software on the processor.
    pub(super) software: bool,
    /// Whether matrix products run as [`Op::MatmulWide`].
    pub(super) wide: bool,
    /// The first error that the device reported outside of any call of ours.
    pub(super) failure: Arc<Mutex<Option<EngineError>>>,
}

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
        // Browsers say so of their fallback adapter.
        let software = info.device_type == wgpu::DeviceType::Cpu;
        let adapter = if info.name.is_empty() { "WebGPU adapter".into() } else { info.name };
        let pipelines = TABLE.iter().map(|spec| pipeline(&device, spec, spec.source)).collect();
        let mut opened = Device { adapter, device, queue, pipelines, limits, failure, software, wide: false };
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
