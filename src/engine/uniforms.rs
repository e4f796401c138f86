//! The kernels' parameters on the device. A set that was written once is never written again: most launches of a
//! model share a few sets, and a toggle that is repeated writes none.

use rustc_hash::FxHashMap;

/// Uniform offsets are multiples of this: the largest alignment that WebGPU allows a device to ask for.
const STRIDE: usize = 256;
/// Sets to begin with.
const SETS: usize = 256;

pub(super) struct Uniforms {
    pub buffer: wgpu::Buffer,
    sets: FxHashMap<Vec<u8>, u32>,
}

impl Uniforms {
    pub fn new(device: &wgpu::Device) -> Self {
        Uniforms { buffer: buffer(device, SETS), sets: FxHashMap::default() }
    }

    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Where every one of these parameter sets lies. True where the buffer had to be replaced.
    pub fn offsets(&mut self, gpu: (&wgpu::Device, &wgpu::Queue), all: &[&[u8]], offsets: &mut Vec<u32>) -> bool {
        if self.try_offsets(gpu.1, all, offsets) {
            return false;
        }
        // Sets of texts that are gone: what is left of the buffer may do for this run alone.
        self.sets.clear();
        if self.try_offsets(gpu.1, all, offsets) {
            return false;
        }
        self.sets.clear();
        self.buffer.destroy();
        self.buffer = buffer(gpu.0, all.len().next_power_of_two());
        self.try_offsets(gpu.1, all, offsets);
        true
    }

    /// False where the buffer is full.
    fn try_offsets(&mut self, queue: &wgpu::Queue, all: &[&[u8]], offsets: &mut Vec<u32>) -> bool {
        offsets.clear();
        for set in all {
            let next = self.sets.len() * STRIDE;
            let offset = match self.sets.get(*set) {
                Some(offset) => *offset,
                None if next as u64 >= self.buffer.size() => return false,
                None => {
                    queue.write_buffer(&self.buffer, next as u64, set);
                    self.sets.insert(set.to_vec(), next as u32);
                    next as u32
                }
            };
            offsets.push(offset);
        }
        true
    }
}

impl Drop for Uniforms {
    fn drop(&mut self) {
        self.buffer.destroy();
    }
}

fn buffer(device: &wgpu::Device, sets: usize) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("parameters"),
        size: (sets * STRIDE) as u64,
        usage,
        mapped_at_creation: false,
    })
}
