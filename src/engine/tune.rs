//! Which form of a kernel this adapter runs fastest, found by a short measurement when it is opened.

use rustc_hash::FxHashMap;
use web_time::Instant;

use super::{EngineError, Gpu, GpuEngine};
use crate::kernels::{KernelId, Op, Spec, TABLE, WEIGHT_INPUT, Weights, layer_norm, matmul};
use crate::model::{Buffer, Step};

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// Stem of the kernel.
    pub kernel: &'static str,
    /// Name of its form.
    pub form: &'static str,
    /// How its weights were stored and read.
    pub weights: Weights,
    /// Milliseconds a launch: by the device's own clock where it has one, otherwise with the waiting.
    pub ms: f64,
}

/// The forms that an adapter runs, and what they were chosen by.
#[derive(Clone, Debug, Default)]
pub struct Variants {
    /// Forms other than a kernel's first.
    forms: FxHashMap<KernelId, usize>,
    /// The forms of matrix products with at least so many outputs, ascending, where they are others.
    larger: Vec<(u32, usize)>,
    /// Kernels whose weights are stored as f16 where that loses nothing.
    half: Vec<KernelId>,
    /// Whether shaders read those as numbers of the device's own.
    native: bool,
    /// Every measurement, in the order in which they were made.
    pub timings: Vec<Timing>,
}

/// Outputs from which on a matrix product counts as of middle size: 64×64 tiles then fill some twenty cores.
const MIDDLE: u32 = 100_000;
/// The same for large and for vast, where tiles of 64×64 and of 128×128 take over: as measured at 256·192→4096 and
/// 1024³ against 512³, and at 2048³, on one GPU. Only long texts of larger models have such, and their forms take as
/// long to compile as all others together: they are not measured at start.
const LARGE: u32 = 1 << 20;
const VAST: u32 = 1 << 22;

/// Software adapters silently end all loops of an invocation after 65535 turns together; a text beyond that takes
/// the form that shares them among threads.
const TURNS: u32 = 60_000;

impl Variants {
    /// The form that runs this launch.
    pub(super) fn form(&self, op: &Op) -> usize {
        let form = self.chosen_form(op.kernel());
        match op {
            Op::Matmul(p) => {
                self.larger.iter().rev().find(|(least, _)| p.rows * p.cols >= *least).map_or(form, |(_, form)| *form)
            }
            Op::Attention(p) if p.tokens.div_ceil(16) * (1 + (p.query.width + p.value.width) / 4) > TURNS => 0,
            _ => (0..=form).rev().find(|form| op.takes_form(*form)).unwrap_or(0),
        }
    }

    /// The form that runs most launches of a kernel.
    pub(super) fn chosen_form(&self, kernel: KernelId) -> usize {
        self.forms.get(&kernel).copied().unwrap_or(0)
    }

    /// Whether queries that small matrices make want a launch of their own: GPUs make them inside attention.
    pub(super) fn queries_apart(&self) -> bool {
        [KernelId::Attention, KernelId::LinearAttention].iter().any(|kernel| self.chosen_form(*kernel) != 0)
    }

    pub(super) fn half(&self, kernel: KernelId) -> bool {
        self.half.contains(&kernel)
    }

    pub(super) fn set_form(&mut self, kernel: KernelId, form: usize) {
        self.forms.insert(kernel, form);
        if kernel == KernelId::Matmul {
            self.larger.clear();
        }
    }

    /// How weights that are stored as f16, or as f32, are read.
    pub(super) fn reading(&self, half: bool) -> Weights {
        match (half, self.native) {
            (false, _) => Weights::F32,
            (true, false) => Weights::Unpacked,
            (true, true) => Weights::Native,
        }
    }

    pub(super) fn weights(&self, kernel: KernelId) -> Weights {
        self.reading(self.half(kernel))
    }

    pub(super) fn set_weights(&mut self, kernel: KernelId, weights: Weights) {
        self.half.retain(|k| *k != kernel);
        if weights.are_half() {
            self.half.push(kernel);
            self.native = weights == Weights::Native;
        }
    }

    /// What was chosen: kernel, form, and how its weights are stored and read, of kernels with a choice.
    pub fn chosen(&self) -> Vec<(&'static str, String, Weights)> {
        let choices = TABLE.iter().filter(|spec| spec.forms.len() > 1);
        choices.map(|spec| (spec.stem, self.names(spec), self.weights(spec.id))).collect()
    }

    /// The form of most launches, and those of larger matrix products with the outputs from which on they serve.
    fn names(&self, spec: &Spec) -> String {
        let mut last = self.chosen_form(spec.id);
        let mut names = spec.forms[last].name.to_owned();
        for (least, form) in self.larger.iter().filter(|_| spec.id == KernelId::Matmul) {
            if std::mem::replace(&mut last, *form) != *form {
                names.push_str(&format!(", {} from {least} outputs on", spec.forms[*form].name));
            }
        }
        names
    }
}

/// A launch of one form that is measured.
#[derive(Clone, Copy)]
struct Candidate {
    op: Op,
    form: usize,
    weights: Weights,
}

/// Measurements after which a GPU is believed to be software under another name.
const LOOKS: usize = 4;
/// Measurements a form, the first of which is thrown away.
const ROUNDS: usize = 4;
/// A form that is this much slower in the first measurement is not measured again.
const HOPELESS: f64 = 1.5;
/// Another form than the first must be faster by more than the noise of such short measurements.
const MARGIN: f64 = 0.95;
/// What a measurement should take at least, in milliseconds, and the launches it may take for that.
const LONG_ENOUGH_MS: f64 = 3.0;
const MOST_LAUNCHES: usize = 256;

/// Measures and chooses. `gpu` has no choices yet.
///
/// Software adapters pay for barriers and shared memory, GPUs for threads that each go their own way; and software
/// adapters take up to seconds to compile what they run badly. So the first measurement, of the kernel that
/// compiles quickest, tells the two apart, and only what suits is compiled at all.
pub(super) async fn tune(gpu: &Gpu) -> Result<Variants, EngineError> {
    use KernelId::{Attention, ChunkState, Embed, LayerNorm, LinearAttention, Matmul, TokenScores, Unembed};
    let mut bench = Bench { engine: GpuEngine::new(gpu.clone()).in_one_submit(), variants: Variants::default() };
    bench.upload(96 * 384, 96 * 192)?;
    let norm = Op::LayerNorm(layer_norm::Params { rows: 64, d_model: 192, epsilon: 1e-5, pad: 0 });
    // A device's first launches can take fifty times as long as all that follow: one that does not call itself software
    // must show it more than once.
    for _ in 0..LOOKS {
        bench.choose(norm, &["group", "rows"]).await?;
        if gpu.device.software || bench.variants.chosen_form(LayerNorm) == 0 {
            break;
        }
    }
    let small = matmul::Params { rows: 64, inner: 192, cols: 96, flags: 0 };
    if bench.variants.chosen_form(LayerNorm) != 0 {
        // On software the wide form is the rule; on a busy machine the narrow one must show that it is the exception.
        bench.choose(Op::Matmul(small), &["wide", "narrow"]).await?;
        // Ten times as fast as its rival on every software adapter seen. f16 weights cost those a tenth more time.
        bench.set(&[
            (Unembed, "rows"),
            (TokenScores, "rows"),
            (Attention, "rows"),
            (ChunkState, "blocks"),
            (LinearAttention, "rows"),
        ]);
        return Ok(bench.variants);
    }
    // The same the other way round on every GPU, and slow to compile: not worth a measurement.
    let split = [TokenScores, Attention, ChunkState, LinearAttention].map(|kernel| (kernel, "split"));
    bench.set(&split);
    bench.set(&[(Unembed, "tile")]);
    bench.upload(256 * 768, 768 * 192)?;
    let product = |inner, cols| Op::Matmul(matmul::Params { rows: 256, inner, cols, flags: 0 });
    let (few, middle) = (product(768, 192), product(192, 768));
    let names = ["narrow", "tile", "split", "strip"];
    bench.choose(middle, &names).await?;
    let mut larger = vec![(MIDDLE, bench.variants.chosen_form(Matmul))];
    if larger[0].1 != 0 {
        let tiles = [(LARGE, "tile"), (VAST, "big")];
        larger.extend(tiles.into_iter().filter_map(|(least, name)| Some((least, Matmul.spec().form(name)?))));
    }
    bench.choose(few, &names).await?;
    bench.variants.larger = larger;
    // The device's own f16 where it has them.
    for weights in gpu.weights().iter().copied().filter(|weights| weights.are_half()).rev() {
        if bench.reads_exactly(middle, weights).await? {
            bench.choose_storage(&[Matmul, Unembed, Embed], middle, weights).await?;
            break;
        }
    }
    Ok(bench.variants)
}

struct Bench {
    engine: GpuEngine,
    variants: Variants,
}

const INPUT: Buffer = Buffer::Projected;
const OUTPUT: Buffer = Buffer::Partials;
const WEIGHT: [Buffer; 2] = [Buffer::TokenEmbedding, Buffer::PositionEmbedding];

impl Bench {
    fn upload(&mut self, input: usize, weight: usize) -> Result<(), EngineError> {
        self.engine.upload(INPUT, &vec![0.5; input])?;
        // Numbers that f16 holds, the smallest of them first.
        let least = half::f16::MIN_POSITIVE_SUBNORMAL.to_f32();
        let value = |i: usize| if i < 96 * 192 { least * (i % 5) as f32 } else { (i % 7) as f32 / 8.0 - 0.375 };
        let weights: Vec<f32> = (0..weight).map(value).collect();
        self.engine.upload(WEIGHT[0], &weights)?;
        self.engine.upload_half(WEIGHT[1], &weights)
    }

    fn set(&mut self, forms: &[(KernelId, &str)]) {
        for (kernel, name) in forms {
            self.variants.set_form(*kernel, kernel.spec().form(name).unwrap_or(0));
        }
    }

    /// Sets the kernel's form to the fastest of those named.
    async fn choose(&mut self, op: Op, forms: &[&str]) -> Result<(), EngineError> {
        let spec = op.kernel().spec();
        let candidates = forms.iter().filter_map(|name| spec.form(name));
        let candidates: Vec<Candidate> = candidates.map(|form| Candidate { op, form, weights: Weights::F32 }).collect();
        let times = self.race(&candidates).await?;
        let best = (0..times.len()).min_by(|a, b| times[*a].total_cmp(&times[*b])).unwrap_or(0);
        let best = if times[best] < MARGIN * times[0] { best } else { 0 };
        self.variants.set_form(op.kernel(), candidates[best].form);
        Ok(())
    }

    /// The candidates of a launch with weights as f32 and as f16 that are read so.
    fn storages(&self, op: Op, half: Weights) -> [Candidate; 2] {
        let form = self.variants.form(&op);
        [Weights::F32, half].map(|weights| Candidate { op, form, weights })
    }

    /// Whether weights as f16 that are read so give the same as f32: an adapter may drop the smallest numbers.
    async fn reads_exactly(&mut self, op: Op, half: Weights) -> Result<bool, EngineError> {
        let [full, half] = self.storages(op, half);
        Ok(self.launch(full, 1).await?.1 == self.launch(half, 1).await?.1)
    }

    /// f16 takes half the memory: it is chosen unless it is slower.
    async fn choose_storage(&mut self, kernels: &[KernelId], op: Op, half: Weights) -> Result<(), EngineError> {
        let times = self.race(&self.storages(op, half)).await?;
        let chosen = if times[1] * MARGIN <= times[0] { half } else { Weights::F32 };
        kernels.iter().for_each(|kernel| self.variants.set_weights(*kernel, chosen));
        Ok(())
    }

    /// Milliseconds a launch of each candidate: the best of a few rounds, fewer for the hopeless. By the device's clock,
    /// if it goes at all: a browser's is coarse, and what it adds to a run is several times what many launches take.
    async fn race(&mut self, candidates: &[Candidate]) -> Result<Vec<f64>, EngineError> {
        let mut times = vec![f64::INFINITY; candidates.len()];
        let mut launches = 1;
        let mut clock_goes = false;
        for round in 0..ROUNDS {
            let best = times.iter().copied().fold(f64::INFINITY, f64::min);
            for (candidate, time) in candidates.iter().zip(&mut times) {
                if round > 1 && *time > HOPELESS * best {
                    continue;
                }
                let (waited, _) = self.launch(*candidate, launches).await?;
                let ms = self.engine.gpu_ms().filter(|_| clock_goes).unwrap_or(waited);
                // The first round only warms up.
                if round > 0 {
                    *time = time.min(ms / launches as f64);
                }
            }
            while round == 0 && launches < MOST_LAUNCHES {
                let (waited, _) = self.launch(candidates[0], launches).await?;
                let on_device = self.engine.gpu_ms();
                clock_goes = on_device.is_some();
                if on_device.unwrap_or(waited) >= LONG_ENOUGH_MS {
                    break;
                }
                launches *= 4;
            }
        }
        for (candidate, ms) in candidates.iter().zip(&times) {
            let spec = candidate.op.kernel().spec();
            let (form, weights) = (spec.forms[candidate.form].name, candidate.weights);
            self.variants.timings.push(Timing { kernel: spec.stem, form, weights, ms: *ms });
        }
        Ok(times)
    }

    /// Milliseconds until the results of so many launches are there, and the first words of the output.
    async fn launch(&mut self, candidate: Candidate, count: usize) -> Result<(f64, Vec<f32>), EngineError> {
        let Candidate { op, form, weights } = candidate;
        self.engine.force(op.kernel(), form, weights);
        let inputs = (0..op.kernel().spec().inputs.len()).map(|i| match op.has_weights() && i == WEIGHT_INPUT {
            true => WEIGHT[usize::from(weights.are_half())],
            false => INPUT,
        });
        let steps = vec![Step { op, inputs: inputs.collect(), output: OUTPUT }; count];
        let start = Instant::now();
        let words = self.engine.run(&steps, &[(OUTPUT, 64)]).await?.swap_remove(0);
        Ok((start.elapsed().as_secs_f64() * 1e3, words))
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;

    #[test]
    fn an_adapter_that_drops_the_smallest_f16_is_caught() {
        let gpu = block_on(Gpu::request()).expect("an adapter");
        let op = Op::Matmul(matmul::Params { rows: 1, inner: 192, cols: 64, flags: 0 });
        let exact = |gpu: Gpu, weights| {
            let mut bench = Bench { engine: GpuEngine::new(gpu), variants: Variants::default() };
            bench.upload(192, 96 * 192).expect("buffers");
            block_on(bench.reads_exactly(op, weights)).expect("a run")
        };
        for weights in gpu.weights().iter().copied().filter(|weights| weights.are_half()) {
            let source =
                KernelId::Matmul.spec().forms[0].source(weights).replace("weight_quad(at: u32)", "kept(at: u32)");
            let flush = "fn weight_quad(at: u32) -> vec4<f32> {
                let w = kept(at);
                return select(vec4<f32>(0.0), w, abs(w) > vec4<f32>(6e-5));
            }";
            let broken = gpu.with_source(KernelId::Matmul, 0, weights, &(source + flush));
            assert!(exact(gpu.clone(), weights), "{weights:?}");
            assert!(!exact(broken, weights), "{weights:?}");
        }
    }
}
