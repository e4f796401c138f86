//! What the GPU tests share.

use cascade::engine::Gpu;
#[allow(unused_imports)] // The same.
use cascade::kernels::{KernelId, Weights};

/// The device that the tests run on. Having none is a failure: a run that skips the GPU proves nothing.
pub fn gpu() -> Gpu {
    pollster::block_on(Gpu::request()).unwrap_or_else(|e| {
        panic!("no GPU adapter ({e}): install a Vulkan driver; the software one is the package mesa-vulkan-drivers")
    })
}

/// The device with each set of forms that goes together: for software adapters, and for GPUs with each of the matrix
/// products that they may choose; the latter with weights as f16, native where it can be, where they fit.
#[allow(dead_code)] // Not every test file goes through them.
pub fn variants() -> [(&'static str, Gpu); 5] {
    use KernelId::{Attention, ChunkState, LayerNorm, LinearAttention, Matmul, TokenScores, Unembed};
    let gpu = gpu();
    let half = gpu.weights()[gpu.weights().len() - 1];
    let with = |forms: [&str; 7], weights: Weights| {
        let kernels = [Matmul, Unembed, TokenScores, Attention, ChunkState, LinearAttention, LayerNorm];
        kernels.into_iter().zip(forms).fold(gpu.clone(), |gpu, (kernel, name)| {
            let form = kernel.spec().form(name).unwrap_or_else(|| panic!("{kernel:?} has no form {name}"));
            gpu.with_form(kernel, form, if kernel.spec().has_weights() { weights } else { Weights::F32 })
        })
    };
    let on_gpu = |product| with([product, "tile", "split", "split", "split", "split", "group"], half);
    [
        ("rows", with(["wide", "rows", "rows", "rows", "blocks", "rows", "rows"], Weights::F32)),
        ("tiles", on_gpu("tile")),
        ("big tiles", on_gpu("big")),
        ("split sums", on_gpu("split")),
        ("strips", on_gpu("strip")),
    ]
}
