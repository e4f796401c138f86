//! The kernels: one file a shader, same stem. Each file has the parameter struct that the shader reads
//! as its uniform, the dispatch size, and a plain CPU `reference` written from the formula. Both engines
//! run the same [`Op`]s; the references are the tests' oracle for the shaders and for the faster forms of the CPU engine
//! in `fast`.
//!
//! To add one: `shaders/x.wgsl`, `src/kernels/x.rs`, one row in the table below.
//!
//! A kernel may have several *forms*, one of which the engine picks for the adapter: then `shaders/x.wgsl` holds
//! what they share (parameters, bindings, epilogue), `shaders/x_form.wgsl` one entry point each, and the table
//! lists the pieces of every form.

use bytemuck::Pod;

pub mod double;
mod fast;
pub mod memory;

/// What a kernel file provides. `Self` is the uniform, 4-byte words only, a multiple of 16 bytes.
pub trait Kernel: Pod {
    /// Names of the read-only inputs, bindings 1…n in the shader; the output is binding n + 1.
    const INPUTS: &'static [&'static str];
    /// Workgroups in x, y, z; of the first form, where there are several.
    fn groups(&self) -> [u32; 3];
    /// Workgroups of the form at that place in the table.
    fn form_groups(&self, _form: usize) -> [u32; 3] {
        self.groups()
    }
    /// Whether that form takes these parameters; the first takes all, and where one does not, the next before it does
    /// that takes them.
    fn takes_form(&self, _form: usize) -> bool {
        true
    }
    /// Length of the output buffer in f32 words.
    fn output_words(&self) -> usize;
    /// The formula, with f64 accumulators. Inputs and output are laid out as in the shader.
    fn reference(&self, inputs: &[&[f32]], output: &mut [f32]);
}

/// What the engines and the shader tests need to know of a kernel without an instance of it.
pub struct Spec {
    pub id: KernelId,
    pub stem: &'static str,
    pub inputs: &'static [&'static str],
    pub params_bytes: usize,
    /// Never empty. All compute the same; the first runs well everywhere.
    pub forms: &'static [Form],
}

/// One way to run a kernel.
pub struct Form {
    pub name: &'static str,
    /// The texts that are compiled: `common.wgsl` followed by the kernel's own pieces. One, or for kernels that have
    /// weights one for each of [`Weights::ALL`], which begins with what reads them.
    pub sources: &'static [&'static str],
}

impl Form {
    /// The text that reads its weights so; the only one, where there are none.
    pub fn source(&self, weights: Weights) -> &'static str {
        self.sources.get(weights as usize).unwrap_or(&self.sources[0])
    }
}

/// How weights are stored and read. Arithmetic is in f32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weights {
    F32,
    /// f16, two a word, taken apart by the shader.
    Unpacked,
    /// The same bytes as numbers of a type that the device has: the feature `shader-f16`.
    Native,
}

impl Weights {
    /// In the order of their numbers; what any device can do comes first.
    pub const ALL: &[Weights] = &[Weights::F32, Weights::Unpacked, Weights::Native];

    pub fn name(self) -> &'static str {
        match self {
            Weights::F32 => "f32",
            Weights::Unpacked => "unpacked f16",
            Weights::Native => "native f16",
        }
    }

    /// Whether they are stored as f16.
    pub fn are_half(self) -> bool {
        self != Weights::F32
    }
}

/// Inputs of the kernels that take several layers at once, in `shaders/six.wgsl`; those that are not used may be bound to
/// anything.
pub const SIX: &[&str] = &["x0", "x1", "x2", "x3", "x4", "x5"];

/// Where a kernel that has weights binds them: the input at this place.
pub const WEIGHT_INPUT: usize = 1;

macro_rules! text {
    ($($piece:expr),+) => {
        concat!(
            include_str!("../../shaders/common.wgsl"),
            $("\n", include_str!(concat!("../../shaders/", $piece, ".wgsl"))),+
        )
    };
}

macro_rules! weighted {
    ($weights:literal, $($piece:expr),+) => {
        concat!(include_str!(concat!("../../shaders/weight_", $weights, ".wgsl")), "\n", text!($($piece),+))
    };
}

macro_rules! forms {
    ($module:ident) => {
        &[Form { name: stringify!($module), sources: &[text!(stringify!($module))] }]
    };
    ($module:ident weight { $($form:ident = [$($piece:literal),+]),+ $(,)? }) => {
        &[$(Form {
            name: stringify!($form),
            sources: &[
                weighted!("f32", $($piece),+),
                weighted!("f16_unpacked", $($piece),+),
                weighted!("f16_native", $($piece),+),
            ],
        }),+]
    };
    ($module:ident plain { $($form:ident = [$($piece:literal),+]),+ $(,)? }) => {
        &[$(Form { name: stringify!($form), sources: &[text!($($piece),+)] }),+]
    };
}

macro_rules! kernel_table {
    ($($op:ident = $module:ident $($kind:ident $forms:tt)?),* $(,)?) => {
        $(pub mod $module;)*

        /// One kernel launch: which kernel, with which parameters.
        #[derive(Clone, Copy, Debug)]
        pub enum Op { $($op($module::Params)),* }

        /// A kernel's row in [`TABLE`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum KernelId { $($op),* }

        impl KernelId {
            /// In the order of their numbers.
            pub const ALL: &[KernelId] = &[$(KernelId::$op),*];
        }

        pub const TABLE: &[Spec] = &[$(Spec {
            id: KernelId::$op,
            stem: stringify!($module),
            inputs: <$module::Params as Kernel>::INPUTS,
            params_bytes: size_of::<$module::Params>(),
            forms: forms!($module $($kind $forms)?),
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
            /// Workgroups of the first form, and of any.
            pub fn groups(&self) -> [u32; 3] {
                self.form_groups(0)
            }
            pub fn form_groups(&self, form: usize) -> [u32; 3] {
                match self { $(Op::$op(p) => p.form_groups(form)),* }
            }
            pub fn takes_form(&self, form: usize) -> bool {
                match self { $(Op::$op(p) => p.takes_form(form)),* }
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
    Embed = embed weight { plain = ["embed"] },
    Interleave = interleave,
    LayerNorm = layer_norm plain {
        group = ["layer_norm", "layer_norm_group"],
        rows = ["layer_norm", "layer_norm_rows"],
    },
    Matmul = matmul weight {
        narrow = ["matmul", "matmul_narrow"],
        wide = ["matmul", "block", "matmul_wide"],
        tile = ["matmul", "quads", "tile", "matmul_tile"],
        big = ["matmul", "quads", "matmul_big"],
        split = ["matmul", "quads", "split_32", "matmul_split"],
        strip = ["matmul", "quads", "split_16", "matmul_split"],
    },
    HeadProduct = head_product,
    Attention = attention plain {
        split = ["attention", "feature_identity", "query_tile", "attention_split"],
        rows = ["attention", "feature_identity", "rows", "attention_rows"],
    },
    ChunkState = chunk_state plain {
        split = ["chunk_state", "chunk_state_split"],
        blocks = ["chunk_state", "chunk_state_blocks"],
    },
    ChunkScan = chunk_scan,
    LinearAttention = linear_attention plain {
        split = ["linear_attention", "feature_given", "query_tile", "linear_attention_split"],
        rows_elu1 = ["linear_attention", "feature_given", "rows", "linear_attention_rows"],
        rows = ["linear_attention", "feature_identity", "rows", "linear_attention_rows"],
    },
    Unembed = unembed weight {
        rows = ["record", "unembed", "block", "unembed_rows"],
        tile = ["record", "unembed", "quads", "tile", "unembed_tile"],
    },
    TokenScores = token_scores plain {
        split = ["record", "token_scores", "token_scores_split"],
        rows = ["record", "token_scores", "token_scores_rows"],
    },
    RowNorms = row_norms plain { row_norms = ["six", "row_norms"] },
    Gram = gram plain { gram = ["six", "double", "gram"] },
    Cholesky = cholesky plain { cholesky = ["double", "cholesky"] },
    Congruence = congruence plain { congruence = ["double", "congruence"] },
    Tridiagonal = tridiagonal plain { tridiagonal = ["double", "tridiagonal"] },
    Bisection = bisection plain { bisection = ["double", "bisection"] },
}

impl KernelId {
    pub fn spec(self) -> &'static Spec {
        &TABLE[self as usize]
    }
}

impl Op {
    /// Whether the input at [`WEIGHT_INPUT`] holds weights, which may be stored as f16.
    pub fn has_weights(&self) -> bool {
        self.kernel().spec().has_weights()
    }

    /// Rows of the weights.
    pub fn weight_rows(&self) -> u32 {
        match self {
            Op::Embed(p) => p.vocab,
            Op::Unembed(p) => p.vocab,
            Op::Matmul(p) => p.cols,
            _ => 0,
        }
    }

    /// The share of this launch that needs `rows` rows of the weights from `first` on. Only the embedding may be
    /// larger than a binding, so only its kernels have shares; others come back whole.
    pub fn part(&self, first: u32, rows: u32) -> Op {
        match *self {
            Op::Embed(p) => Op::Embed(embed::Params { first_id: first, vocab: rows, ..p }),
            Op::Unembed(p) => Op::Unembed(unembed::Params { first_id: first, vocab: rows, ..p }),
            whole => whole,
        }
    }
}

impl Spec {
    pub fn has_weights(&self) -> bool {
        self.forms[0].sources.len() > 1
    }

    /// The form of that name.
    pub fn form(&self, name: &str) -> Option<usize> {
        self.forms.iter().position(|form| form.name == name)
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

    /// The query of token `t`, head `h`, in f64: what lies there, times that head's of so many square matrices, which
    /// the heads use in turn, where there are any.
    fn query(&self, data: &[f32], (kernels, matrices): (u32, &[f32]), t: usize, h: usize) -> Vec<f64> {
        let (z, w) = (self.slice(data, t, h), self.width as usize);
        if kernels == 0 {
            return z.iter().map(|x| f64::from(*x)).collect();
        }
        let mut query = vec![0.0; w];
        let matrix = &matrices[h % kernels as usize * w * w..][..w * w];
        for (x, row) in z.iter().zip(matrix.chunks_exact(w)) {
            add_scaled(&mut query, row, f64::from(*x));
        }
        query
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
