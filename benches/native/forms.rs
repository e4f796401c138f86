//! Every form of the kernels that have several, at the sizes that count. Each is compared with the formula on some of its
//! output before it is timed.

use std::time::Instant;

use cascade::engine::{Engine, Gpu};
use cascade::kernels::unembed::{RECORD, TOP};
use cascade::kernels::{
    HeadView, KernelId, Op, attention, chunk_scan, chunk_state, dot, linear_attention, matmul, token_scores, unembed,
};
use cascade::model::random::Rng;
use pollster::block_on;

use crate::report::Row;
use crate::{Bench, median, storage, timed};

/// Rows, inner, columns: cubes as elsewhere, then a layer's products on 256 tokens, and the vocabulary's.
const SIZES: [(u32, u32, u32); 8] = [
    (512, 512, 512),
    (1024, 1024, 1024),
    (2048, 2048, 2048),
    (256, 192, 192),
    (256, 192, 576),
    (256, 192, 768),
    (256, 768, 192),
    (256, 192, 4096),
];
/// What software can be asked for.
const LARGEST_ON_SOFTWARE: f64 = 1e9;
const ROUNDS: usize = 5;
/// Milliseconds a round.
const LONG_ENOUGH: f64 = 10.0;
/// Milliseconds after which a GPU that had nothing to do is at its clock again.
const AWAKE: f64 = 300.0;

pub fn all(bench: &mut Bench) {
    let sizes = SIZES.into_iter().filter(|(m, k, n)| !bench.software || flops(*m, *k, *n) < LARGEST_ON_SOFTWARE);
    let sizes: Vec<_> = sizes.collect();
    let columns: Vec<String> = sizes.iter().map(|(m, k, n)| format!("{m}·{k}→{n}")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let (mut rates, mut times): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
    for (name, gpu) in variants(&bench.gpu) {
        let ms: Vec<Option<f64>> = sizes.iter().map(|(m, k, n)| product(&gpu, &name, *m, *k, *n)).collect();
        let rate = |((m, k, n), ms): (&(u32, u32, u32), &Option<f64>)| ms.map(|ms| flops(*m, *k, *n) / ms * 1e-9);
        rates.push((name.clone(), sizes.iter().zip(&ms).map(rate).collect()));
        times.push((name, ms.iter().map(|ms| ms.map(|ms| ms * 1e3)).collect()));
    }
    bench.report.add("matrix products, x W^T: TFLOP/s", &columns, rates);
    bench.report.add("the same: µs a launch, one after the other", &columns, times);
    others(bench);
}

/// Keeps a GPU busy until it is at its clock, before what leaves it time to sleep.
pub fn wake(gpu: &Gpu) {
    let _ = product(gpu, "", 512, 512, 512);
}

fn flops(rows: u32, inner: u32, cols: u32) -> f64 {
    2.0 * f64::from(rows) * f64::from(inner) * f64::from(cols)
}

/// The device with each form of matrix products.
fn variants(gpu: &Gpu) -> Vec<(String, Gpu)> {
    let mut all = Vec::new();
    for (form, spec) in KernelId::Matmul.spec().forms.iter().enumerate() {
        for weights in gpu.weights() {
            let name = format!("{}{}", spec.name, storage(*weights));
            all.push((name, gpu.with_form(KernelId::Matmul, form, *weights)));
        }
    }
    all
}

/// Milliseconds of one product, after a look at its results.
fn product(gpu: &Gpu, name: &str, rows: u32, inner: u32, cols: u32) -> Option<f64> {
    let mut rng = Rng(1);
    let x = rng.values((rows * inner) as usize, 1.0);
    let weight: Vec<f32> = rng.values((cols * inner) as usize, 1.0).iter().map(|w| half(*w)).collect();
    let op = Op::Matmul(matmul::Params { rows, inner, cols, flags: 0 });
    launch(gpu, name, op, &[&x, &weight, &[0.0; 4], &[0.0; 4]], |y| {
        (0..200usize).all(|i| {
            let (r, c, inner) = (i * 7919 % rows as usize, i * 104_729 % cols as usize, inner as usize);
            let expected = dot(&x[r * inner..][..inner], &weight[c * inner..][..inner]);
            (f64::from(y[r * cols as usize + c]) - expected).abs() < 1e-4 * (inner as f64).sqrt()
        })
    })
}

/// To the nearest of the numbers that f16 holds.
fn half(x: f32) -> f32 {
    (x * 1024.0).round() / 1024.0
}

/// Milliseconds a launch, many in one go; none where the first one's output is not `right`.
fn launch(gpu: &Gpu, name: &str, op: Op, inputs: &[&[f32]], right: impl FnOnce(&[f32]) -> bool) -> Option<f64> {
    let mut engine = Engine::gpu(gpu);
    let empty = vec![f32::NAN; op.output_words()];
    if !right(&block_on(engine.run_op(op, inputs, &empty)).expect("a launch")) {
        println!("{name} is WRONG: {op:?}");
        return None;
    }
    let software = engine.facts().software;
    let step = engine.place_op(op, inputs, &empty).expect("buffers");
    let mut ms = |count| block_on(engine.repeat(&step, count)).expect("a launch") / count as f64;
    let start = Instant::now();
    let mut count = 4;
    loop {
        count = (LONG_ENOUGH / ms(count)).clamp(1.0, 500.0) as usize;
        if software || start.elapsed().as_secs_f64() * 1e3 > AWAKE {
            break;
        }
    }
    Some(median((0..ROUNDS).map(|_| ms(count)).collect()))
}

/// Attention, linear attention, the vocabulary and the merge of its records by form, and what any launch costs at least.
fn others(bench: &mut Bench) {
    let mut rows: Vec<Row> = Vec::new();
    // What a launch after another and what a run with its readback cost at least.
    let scan = Op::ChunkScan(chunk_scan::Params { chunks: 1, words: 64, pad: [0; 2] });
    rows.push((
        "next to nothing".into(),
        vec![launch(&bench.gpu, "", scan, &[&[0.0; 64]], |_| true).map(|ms| ms * 1e3)],
    ));
    let mut engine = Engine::gpu(&bench.gpu);
    let mut trip = || timed(|| drop(block_on(engine.run_op(scan, &[&[0.0; 64]], &[0.0; 64])).expect("a launch")));
    trip();
    rows.push(("there and back, by the clock".into(), vec![Some(1e3 * median((0..50).map(|_| trip()).collect()))]));
    let lengths = if bench.software { &TOKENS[..1] } else { &TOKENS };
    let texts: Vec<_> = lengths.iter().map(|tokens| on_text(*tokens)).collect();
    for (place, kernel) in texts[0].iter().map(|(op, _)| op.kernel()).enumerate() {
        let launches = texts.iter().map(|launches| {
            let (op, inputs) = &launches[place];
            let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let mut expected = vec![0.0; op.output_words()];
            op.reference(&inputs, &mut expected);
            (*op, inputs, expected)
        });
        let launches: Vec<_> = launches.collect();
        for (form, spec) in kernel.spec().forms.iter().enumerate() {
            for (weights, _) in bench.gpu.weights().iter().zip(spec.sources) {
                let name = format!("{} {}{}", kernel.spec().stem, spec.name, storage(*weights));
                let gpu = bench.gpu.with_form(kernel, form, *weights);
                let time = |(op, inputs, expected): &(Op, Vec<&[f32]>, Vec<f32>)| {
                    let right = |found: &[f32]| agrees(kernel, found, expected);
                    launch(&gpu, &name, *op, inputs, right).map(|ms| ms * 1e3)
                };
                let times = launches.iter().map(time).collect();
                rows.push((name, times));
            }
        }
    }
    let columns: Vec<String> = lengths.iter().map(|tokens| format!("µs a launch, {tokens} tokens")).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    bench.report.add("other kernels", &columns, rows);
}

const TOKENS: [u32; 2] = [256, 2048];

/// The launches of a 6M layer on so many tokens, with their inputs.
fn on_text(tokens: u32) -> [(Op, Vec<Vec<f32>>); 5] {
    let mut rng = Rng(2);
    let mut values = |count| rng.values(count as usize, 1.0);
    let view = |offset| HeadView { offset, row: 576, head: 32, width: 32 };
    let (query, key, value) = (view(0), view(192), view(384));
    let (heads, kernels, feature, chunks) = (6, 0, chunk_state::IDENTITY, tokens.div_ceil(chunk_state::CHUNK));
    let attend = attention::Params { tokens, heads, scale: 0.2, kernels, query, key, value };
    let sums = chunk_state::Params { tokens, heads, feature, pad: 0, key, value };
    let epsilon = linear_attention::ELU1_EPSILON;
    let linear = linear_attention::Params {
        tokens,
        heads,
        feature,
        scale: 0.2,
        epsilon,
        kernels,
        pad: [0; 2],
        query,
        key,
        value,
    };
    let all = values(tokens * 576);
    let prefixes = values(chunks * heads * chunk_state::state_words(32, 32));
    let weight = values(4096 * 192).iter().map(|w| half(*w)).collect();
    let scores = vec![values(tokens * 192), weight, vec![5.0; tokens as usize]];
    let unembed = unembed::Params::whole(tokens, 192, 4096);
    let merge = token_scores::Params { rows: tokens, slabs: unembed.slabs, pad: [0; 2] };
    let records = values(tokens * unembed.slabs * RECORD as u32).iter().map(|x| x.abs()).collect();
    [
        (Op::Attention(attend), vec![all.clone(); 4]),
        (Op::ChunkState(sums), vec![all.clone(); 2]),
        (Op::LinearAttention(linear), vec![all.clone(), all.clone(), all.clone(), prefixes, all]),
        (Op::Unembed(unembed), scores),
        (Op::TokenScores(merge), vec![records]),
    ]
}

fn agrees(kernel: KernelId, found: &[f32], expected: &[f32]) -> bool {
    let pairs = found.iter().zip(expected).enumerate();
    // Logits so close that they may change places have other ids.
    let pairs = pairs.filter(|(i, _)| kernel != KernelId::Unembed || i % RECORD < RECORD - TOP - 2);
    pairs.map(|(_, (a, b))| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f32::max) < 1e-3
}
