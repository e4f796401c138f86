//! One model's buffers on a device, and the bind groups that name them: what a run finds there again.

use std::collections::hash_map::Entry;
use std::num::NonZero;
use std::rc::Rc;

use half::slice::HalfFloatSliceExt;
use rustc_hash::FxHashMap;

use super::gpu::PipelineId;
use super::uniforms::Uniforms;
use super::{EngineError, Gpu};
use crate::kernels::KernelId;
use crate::kernels::unembed::SLAB;
use crate::model::{Buffer, LayerPart, Step};

/// A buffer of a model. Only tables that are larger than a binding come in several parts.
pub(super) struct Stored {
    pub parts: Vec<wgpu::Buffer>,
    /// Rows of the table in every part but the last, where there are several.
    pub rows: u32,
    /// f16, two a word, in the place of f32.
    pub half: bool,
}

/// What a bind group depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct GroupKey {
    pipeline: PipelineId,
    part: usize,
    inputs: [Option<Buffer>; 7],
    output: Buffer,
}

/// Maps are looked into for every launch, by keys of our own making: their hash is quick, and need not resist strangers.
pub(super) struct Memory {
    pub gpu: Gpu,
    buffers: FxHashMap<Buffer, Stored>,
    bind_groups: FxHashMap<GroupKey, wgpu::BindGroup>,
    uniforms: Uniforms,
}

impl Memory {
    pub fn new(gpu: Gpu) -> Self {
        let uniforms = Uniforms::new(&gpu.device.device);
        Memory { gpu, buffers: FxHashMap::default(), bind_groups: FxHashMap::default(), uniforms }
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.buffers.values().flat_map(|stored| &stored.parts).map(wgpu::Buffer::size).sum()
    }

    /// How many bind groups and parameter sets are kept, and the bytes of all buffers.
    pub fn kept(&self) -> (usize, usize, u64) {
        (self.bind_groups.len(), self.uniforms.len(), self.bytes())
    }

    pub fn has(&self, buffer: Buffer) -> bool {
        self.buffers.contains_key(&buffer)
    }

    pub fn upload(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        match weight_kernel(buffer) {
            Some(kernel) if self.gpu.variants.half(kernel) && fits_half(data) => self.upload_half(buffer, data),
            _ => self.write(buffer, bytemuck::cast_slice(data), false),
        }
    }

    /// Rounds to f16, which loses nothing of what [`fits_half`].
    pub fn upload_half(&mut self, buffer: Buffer, data: &[f32]) -> Result<(), EngineError> {
        let mut halves = vec![half::f16::ZERO; data.len().next_multiple_of(2)];
        halves[..data.len()].convert_from_f32_slice(data);
        self.write(buffer, bytemuck::cast_slice(&halves), true)
    }

    fn write(&mut self, buffer: Buffer, bytes: &[u8], half: bool) -> Result<(), EngineError> {
        self.ensure(buffer, bytes.len(), half)?;
        self.gpu.device.queue.write_buffer(&self.buffers[&buffer].parts[0], 0, bytes);
        self.gpu.check()
    }

    /// A table of rows of `width` numbers, in as many parts as it takes to bind each.
    pub fn upload_rows(&mut self, buffer: Buffer, data: &[f32], width: usize) -> Result<(), EngineError> {
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
            self.discard(buffer);
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
    pub fn ensure(&mut self, buffer: Buffer, bytes: usize, half: bool) -> Result<(), EngineError> {
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
            self.discard(buffer);
            self.buffers.insert(buffer, Stored { parts, rows: 0, half });
            self.bind_groups.clear();
        }
        Ok(())
    }

    /// Gives a buffer's memory back. In a browser it would stay taken until the garbage collector comes.
    fn discard(&mut self, buffer: Buffer) {
        self.buffers.remove(&buffer).into_iter().flat_map(|stored| stored.parts).for_each(|part| part.destroy());
    }

    pub fn get(&self, buffer: Buffer) -> Result<&Stored, EngineError> {
        self.buffers.get(&buffer).ok_or(EngineError::Unwritten(buffer))
    }

    /// Where each launch's parameters lie, in bytes; those that are new are uploaded.
    pub fn offsets(&mut self, params: &[&[u8]], offsets: &mut Vec<u32>) {
        let device = Rc::clone(&self.gpu.device);
        if self.uniforms.offsets((&device.device, &device.queue), params, offsets) {
            self.bind_groups.clear();
        }
    }

    /// Finds or makes the bind group of a step, or of its share of one part of a table.
    pub fn bind(&mut self, step: &Step, pipeline: PipelineId, part: usize) -> Result<&wgpu::BindGroup, EngineError> {
        let inputs = std::array::from_fn(|i| step.inputs.get(i).copied());
        let entry = match self.bind_groups.entry(GroupKey { pipeline, part, inputs, output: step.output }) {
            Entry::Occupied(entry) => return Ok(entry.into_mut()),
            Entry::Vacant(entry) => entry,
        };
        let spec = pipeline.0.spec();
        let size = NonZero::new(spec.params_bytes as u64);
        let parameters = wgpu::BufferBinding { buffer: &self.uniforms.buffer, offset: 0, size };
        let mut entries =
            vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(parameters) }];
        for (i, buffer) in step.inputs.iter().chain([&step.output]).enumerate() {
            let stored = self.buffers.get(buffer).ok_or(EngineError::Unwritten(*buffer))?;
            let part = stored.parts.get(part).unwrap_or(&stored.parts[0]);
            entries.push(wgpu::BindGroupEntry { binding: i as u32 + 1, resource: part.as_entire_binding() });
        }
        Ok(entry.insert(self.gpu.device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(spec.stem),
            layout: &self.gpu.pipeline(pipeline).get_bind_group_layout(0),
            entries: &entries,
        })))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.buffers.values().flat_map(|stored| &stored.parts).for_each(wgpu::Buffer::destroy);
    }
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

pub(super) fn create(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}
