//! What runs the model, for people who want to know.

use super::{Engine, Timing};
use crate::kernels::Weights;

/// Of one opened engine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub engine: &'static str,
    pub adapter: String,
    /// Whether the processor does the work, be it under a GPU's name.
    pub software: bool,
    /// Name and value of the device's limits that matter here; none on the CPU.
    pub limits: Vec<(&'static str, u64)>,
    /// Kernel, the forms that were chosen for it, and how its weights are stored and read; kernels with a choice.
    pub forms: Vec<(&'static str, String, Weights)>,
    /// The measurements behind the choice.
    pub timings: Vec<Timing>,
    /// Whether the device can time itself.
    pub timestamps: bool,
    /// Whether pairs of f32 keep on this device what they should, so that it solves the spectra; None before it was tried.
    pub doubles: Option<bool>,
    /// Bytes of all buffers on the device.
    pub bytes: Option<u64>,
}

impl Engine {
    pub fn facts(&self) -> Facts {
        let facts =
            Facts { engine: self.name(), adapter: self.adapter(), software: self.is_software(), ..Facts::default() };
        let Engine::Gpu(gpu) = self else { return facts };
        let limits = gpu.limits();
        Facts {
            limits: vec![
                ("bytes in one buffer", limits.max_buffer_size),
                ("bytes in one binding", limits.max_storage_buffer_binding_size),
                ("storage buffers a shader", limits.max_storage_buffers_per_shader_stage.into()),
                ("threads a workgroup", limits.max_compute_invocations_per_workgroup.into()),
                ("bytes of workgroup memory", limits.max_compute_workgroup_storage_size.into()),
            ],
            forms: gpu.variants().chosen(),
            timings: gpu.variants().timings.clone(),
            timestamps: gpu.has_timestamps(),
            doubles: gpu.doubles().get(),
            bytes: Some(gpu.bytes()),
            ..facts
        }
    }
}
