//! The GPU engine: one encoder, one submit and one small readback a run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::num::NonZero;
use std::sync::PoisonError;

use super::{EngineError, Gpu};
use crate::kernels::{KernelId, Op};
use crate::model::{Buffer, Step};

/// Uniform offsets are multiples of this: the largest alignment that WebGPU allows a device to ask for.
const UNIFORM_STRIDE: usize = 256;

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

    pub(super) fn is_software(&self) -> bool {
        self.gpu.0.software
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
