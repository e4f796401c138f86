//! What the GPU tests share.

use cascade::engine::Gpu;

/// The device that the tests run on. Having none is a failure: a run that skips the GPU proves nothing.
pub fn gpu() -> Gpu {
    pollster::block_on(Gpu::request()).unwrap_or_else(|e| {
        panic!("no GPU adapter ({e}): install a Vulkan driver; the software one is the package mesa-vulkan-drivers")
    })
}
