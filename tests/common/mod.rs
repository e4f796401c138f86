//! What the GPU tests share.

use cascade::engine::Gpu;
#[allow(unused_imports)] // The same.
use cascade::kernels::KernelId;

/// The device that the tests run on. Having none is a failure: a run that skips the GPU proves nothing.
pub fn gpu() -> Gpu {
    pollster::block_on(Gpu::request()).unwrap_or_else(|e| {
        panic!("no GPU adapter ({e}): install a Vulkan driver; the software one is the package mesa-vulkan-drivers")
    })
}

/// The device with each set of forms that goes together: for software adapters, for GPUs, and for GPUs with large
/// models; the latter two with weights as f16 where they fit.
#[allow(dead_code)] // Not every test file goes through them.
pub fn variants() -> [(&'static str, Gpu); 3] {
    use KernelId::{Attention, LayerNorm, LinearAttention, Matmul, Unembed};
    let gpu = gpu();
    let with = |forms: [&str; 5], half: bool| {
        let kernels = [Matmul, Unembed, Attention, LinearAttention, LayerNorm];
        kernels.into_iter().zip(forms).fold(gpu.clone(), |gpu, (kernel, name)| {
            let form = kernel.spec().form(name).unwrap_or_else(|| panic!("{kernel:?} has no form {name}"));
            gpu.with_form(kernel, form, half && kernel.spec().forms[form].half_source.is_some())
        })
    };
    [
        ("rows", with(["wide", "rows", "rows", "rows", "rows"], false)),
        ("tiles", with(["tile", "tile", "tile", "tile", "group"], true)),
        ("big tiles", with(["big", "tile", "tile", "tile", "group"], true)),
    ]
}
