//! The kernels: one file a shader, same stem. Each file has the parameter struct that the shader reads
//! as its uniform, the dispatch size, and a plain CPU `reference` written from the formula. Both engines
//! run the same [`Op`]s; the references are the tests' oracle for the shaders and for the faster forms of the CPU engine
//! in `fast`.
//!
//! To add one: `shaders/x.wgsl`, `src/kernels/x.rs`, one row in the table below.

use bytemuck::Pod;

mod fast;
pub mod memory;

/// What a kernel file provides. `Self` is the uniform, 4-byte words only, a multiple of 16 bytes.
pub trait Kernel: Pod {
    /// Names of the read-only inputs, bindings 1…n in the shader; the output is binding n + 1.
    const INPUTS: &'static [&'static str];
    /// Workgroups in x, y, z.
    fn groups(&self) -> [u32; 3];
    /// Length of the output buffer in f32 words.
    fn output_words(&self) -> usize;
    /// The formula, with f64 accumulators. Inputs and output are laid out as in the shader.
    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]);
}

/// What the engines and the shader tests need to know of a kernel without an instance of it.
pub struct Spec {
    pub id: KernelId,
    pub stem: &'static str,
    /// The text that is compiled: `common.wgsl` followed by the kernel's own file.
    pub source: &'static str,
    pub inputs: &'static [&'static str],
    pub params_bytes: usize,
}

macro_rules! kernel_table {
    ($($op:ident = $module:ident),* $(,)?) => {
        $(pub mod $module;)*

        /// One kernel launch: which kernel, with which parameters.
        #[derive(Clone, Copy, Debug)]
        pub enum Op { $($op($module::Params)),* }

        /// A kernel's row in [`TABLE`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum KernelId { $($op),* }

        pub const TABLE: &[Spec] = &[$(Spec {
            id: KernelId::$op,
            stem: stringify!($module),
            source: concat!(
                include_str!("../../shaders/common.wgsl"),
                include_str!(concat!("../../shaders/", stringify!($module), ".wgsl"))
            ),
            inputs: <$module::Params as Kernel>::INPUTS,
            params_bytes: size_of::<$module::Params>(),
        }),*];

        impl Op {
            pub fn kernel(&self) -> KernelId {
                match self { $(Op::$op(_) => KernelId::$op),* }
            }
            pub fn params(&self) -> &[u8] {
                match self { $(Op::$op(p) => bytemuck::bytes_of(p)),* }
            }
            /// The launch of a kernel whose uniform holds these bytes: the inverse of [`Op::params`].
            pub fn from_params(kernel: KernelId, bytes: &[u8]) -> Op {
                match kernel { $(KernelId::$op => Op::$op(bytemuck::pod_read_unaligned(bytes))),* }
            }
            pub fn groups(&self) -> [u32; 3] {
                match self { $(Op::$op(p) => p.groups()),* }
            }
            pub fn output_words(&self) -> usize {
                match self { $(Op::$op(p) => p.output_words()),* }
            }
            pub fn reference(&self, inputs: &[&[f32]], output: &mut [f32]) {
                match self { $(Op::$op(p) => p.reference(inputs, output)),* }
            }
        }
    };
}

kernel_table! {
    Embed = embed,
    Interleave = interleave,
    LayerNorm = layer_norm,
    Matmul = matmul,
    MatmulWide = matmul_wide,
    HeadProduct = head_product,
    Attention = attention,
    ChunkState = chunk_state,
    ChunkScan = chunk_scan,
    LinearAttention = linear_attention,
    Unembed = unembed,
    TokenScores = token_scores,
    Gram = gram,
    Orthogonalize = orthogonalize,
    RowNorms = row_norms,
    Congruence = congruence,
}

impl KernelId {
    pub fn spec(self) -> &'static Spec {
        &TABLE[self as usize]
    }
}

/// A view of per-head vectors inside a buffer: vector of token t and head h starts at
/// `offset + t·row + h·head`, in words.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct HeadView {
    pub offset: u32,
    pub row: u32,
    pub head: u32,
    /// Length of each vector.
    pub width: u32,
}

impl HeadView {
    /// The vector of token `t`, head `h`.
    pub fn slice<'a>(&self, data: &'a [f32], t: usize, h: usize) -> &'a [f32] {
        let start = self.offset as usize + t * self.row as usize + h * self.head as usize;
        &data[start..start + self.width as usize]
    }
}

/// Dot product with f64 accumulators, in eight lanes so that it vectorises.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0f64; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    for (x, y) in a8.zip(b8) {
        for i in 0..8 {
            lanes[i] += f64::from(x[i]) * f64::from(y[i]);
        }
    }
    lanes.iter().sum::<f64>() + tail
}

/// out += scale · row, element by element.
pub(crate) fn add_scaled(out: &mut [f64], row: &[f32], scale: f64) {
    for (o, x) in out.iter_mut().zip(row) {
        *o += scale * f64::from(*x);
    }
}

/// Rounds an f64 row to f32 storage.
pub(crate) fn store(out: &mut [f32], row: impl IntoIterator<Item = f64>) {
    for (o, x) in out.iter_mut().zip(row) {
        *o = x as f32;
    }
}
