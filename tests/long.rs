//! Whole models of random weights, in sizes that no shipped checkpoint has: long texts in linear time, both
//! engines and the formulas written out, every history of toggles, and identities between modes.
#![allow(clippy::print_stdout)] // The largest differences are worth seeing in a test's output.

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use cascade::engine::{Engine, Gpu, Session, TokenScore};
use cascade::kernels::chunk_state::{ELU1, feature};
use cascade::kernels::linear_attention::ELU1_EPSILON;
use cascade::kernels::matmul::gelu;
use cascade::kernels::{KernelId, Op, Weights};
use cascade::model::random::{self, Rng};
use cascade::model::{
    Buffer, Config, Keep, LayerMode, Linear, Model, Norm, Plan, Scores, Slot, solo_variants, sweep_variants,
};
use cascade::spectra::RankCuts;
use common::gpu;
use nalgebra::DMatrix;
use pollster::block_on;

const MODES: [LayerMode; 9] = [
    LayerMode::Softmax,
    LayerMode::Linearized,
    LayerMode::Elu1,
    LayerMode::Uniform,
    LayerMode::Routing,
    LayerMode::Filtering,
    LayerMode::Rank(2),
    LayerMode::Rank(0),
    LayerMode::Off,
];
const LINEAR: [LayerMode; 4] = [LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off];
const VOCAB: usize = 50;

/// Random weights with scores of a size at which the modes differ and none explodes.
fn model(config: Config, seed: u64) -> Arc<Model> {
    let mut model = random::model(config, seed);
    for layer in &mut model.layers {
        let shrink = |weights: &mut Vec<f32>| weights.iter_mut().for_each(|w| *w *= 0.4);
        match &mut layer.scores {
            Scores::SymmetricDefinite { u, .. } => shrink(u),
            Scores::Standard { query, key } => {
                [query, key].map(|linear| shrink(&mut linear.weight)).into_iter().collect()
            }
        }
    }
    Arc::new(model)
}

/// Both families with another width in every layer; the last has heads wider than the model.
fn uneven() -> Vec<Arc<Model>> {
    let config = |family, head_dim: &[usize], value_dim: &[usize]| Config {
        head_dim: head_dim.into(),
        value_dim: value_dim.into(),
        d_ff: 36,
        embed_scale: 1.3,
        ..random::config(family, head_dim.len(), 20, 2, VOCAB, 160)
    };
    vec![
        model(config("sd", &[4, 16, 8], &[8, 4, 20]), 1),
        model(config("gpt2", &[8, 4, 12], &[4, 20, 8]), 2),
        model(config("gpt2", &[4, 20, 12], &[4, 8, 4]), 3),
        model(config("sd", &[4, 24, 12], &[12, 4, 8]), 4),
    ]
}

fn text(tokens: usize, seed: u64) -> Vec<u32> {
    let mut rng = Rng(seed);
    (0..tokens).map(|_| ((rng.next_f32() + 1.0) / 2.0 * VOCAB as f32) as u32).collect()
}

fn session(engine: Engine, model: &Arc<Model>, ids: &[u32]) -> Session {
    let mut session = Session::new(engine, Arc::clone(model)).expect("a session");
    session.set_tokens(ids).expect("a text");
    session
}

fn losses(session: &mut Session, modes: &[LayerMode]) -> Vec<f64> {
    let run = block_on(session.run(Slot::Modified, modes)).expect("a run");
    run.scores.iter().filter_map(|score| score.nll).collect()
}

/// Largest |a − b| / (1 + |b|); NaN counts as infinite.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let one = |(a, b): (&f64, &f64)| (a - b).abs() / (1.0 + b.abs());
    a.iter().zip(b).map(one).fold(0.0, |worst, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) })
}

type Rows = Vec<Vec<f64>>;

fn linear(x: &Rows, w: &[f32], bias: &[f32]) -> Rows {
    let row = |x: &Vec<f64>| -> Vec<f64> {
        let outputs = w.chunks_exact(x.len()).zip(bias);
        outputs.map(|(w, b)| f64::from(*b) + w.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>()).collect()
    };
    x.iter().map(row).collect()
}

fn apply(x: &Rows, l: &Linear) -> Rows {
    linear(x, &l.weight, &l.bias)
}

fn normed(x: &Rows, norm: &Option<Norm>, epsilon: f32) -> Rows {
    let Some(norm) = norm else { return x.clone() };
    let row = |x: &Vec<f64>| -> Vec<f64> {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let deviation = (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n + f64::from(epsilon)).sqrt();
        let affine = norm.gain.iter().zip(&norm.bias);
        x.iter().zip(affine).map(|(v, (g, b))| (v - mean) / deviation * f64::from(*g) + f64::from(*b)).collect()
    };
    x.iter().map(row).collect()
}

fn add(x: &Rows, y: &Rows) -> Rows {
    x.iter().zip(y).map(|(x, y)| x.iter().zip(y).map(|(x, y)| x + y).collect()).collect()
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The weights w_ij of one head from its queries and keys, straight from the table of modes: T×T.
fn mixing(mode: LayerMode, q: &Rows, k: &Rows) -> Rows {
    let root = (k[0].len() as f64).sqrt();
    let g: Rows = q.iter().map(|q| k.iter().map(|k| inner(q, k) / root).collect()).collect();
    let softmax = |g: &dyn Fn(usize, usize) -> f64, i: usize| -> Vec<f64> {
        let e: Vec<f64> = (0..=i).map(|j| g(i, j).exp()).collect();
        let sum: f64 = e.iter().sum();
        e.iter().map(|e| e / sum).collect()
    };
    let row = |i: usize| -> Vec<f64> {
        let n = (i + 1) as f64;
        match mode {
            LayerMode::Softmax => softmax(&|i, j| g[i][j], i),
            LayerMode::Routing => softmax(&|i, j| (g[i][j] - g[j][i]) / 2.0, i),
            LayerMode::Filtering | LayerMode::Rank(0) => softmax(&|i, j| (g[i][j] + g[j][i]) / 2.0, i),
            LayerMode::Uniform => vec![1.0 / n; i + 1],
            LayerMode::Linearized => {
                let mean = g[i][..=i].iter().sum::<f64>() / n;
                g[i][..=i].iter().map(|g| (1.0 + g - mean) / n).collect()
            }
            LayerMode::Elu1 => {
                let map = |x: &[f64]| x.iter().map(|z| feature(ELU1, *z)).collect::<Vec<_>>();
                let products: Vec<f64> = k[..=i].iter().map(|k| inner(&map(&q[i]), &map(k))).collect();
                let sum = products.iter().sum::<f64>() + f64::from(ELU1_EPSILON);
                products.iter().map(|p| p / sum).collect()
            }
            LayerMode::Off | LayerMode::Rank(_) => panic!("{mode} mixes nothing, or needs a decomposition"),
        }
    };
    (0..q.len()).map(row).collect()
}

/// Queries and keys of every head: S-D heads are heads with q = u (S − D), k = u.
fn queries_and_keys(model: &Model, l: usize, x: &Rows) -> Vec<(Rows, Rows)> {
    let r = model.config.head_dim[l];
    let part = |rows: &Rows, h: usize| -> Rows { rows.iter().map(|row| row[h * r..][..r].to_vec()).collect() };
    match &model.layers[l].scores {
        Scores::Standard { query, key } => {
            let (q, k) = (apply(x, query), apply(x, key));
            (0..model.config.heads).map(|h| (part(&q, h), part(&k, h))).collect()
        }
        Scores::SymmetricDefinite { u, s, d } => {
            let u = linear(x, u, &vec![0.0; u.len() / model.config.d_model]);
            let head = |h: usize| {
                let kernel = |i: usize, j: usize| f64::from(s[(h * r + i) * r + j]) - f64::from(d[(h * r + i) * r + j]);
                let k = part(&u, h);
                let q = k.iter().map(|u| (0..r).map(|j| (0..r).map(|i| u[i] * kernel(i, j)).sum()).collect()).collect();
                (q, k)
            };
            (0..model.config.heads).map(head).collect()
        }
    }
}

/// The residual stream at every layer input, and the output of the last layer, from the model's formulas in
/// f64, with T×T matrices and nothing shared with the engines' code but GELU and φ.
fn streams(model: &Model, ids: &[u32], modes: &[LayerMode]) -> Vec<Rows> {
    let (config, d) = (&model.config, model.config.d_model);
    let embed = |(t, id): (usize, &u32)| -> Vec<f64> {
        let pairs = model.token_embedding[*id as usize * d..][..d].iter().zip(&model.position_embedding[t * d..]);
        pairs.map(|(e, p)| f64::from(config.embed_scale) * (f64::from(*e) + f64::from(*p))).collect()
    };
    let mut x: Rows = ids.iter().enumerate().map(embed).collect();
    let mut streams = vec![x.clone()];
    for (l, mode) in modes.iter().enumerate() {
        let layer = &model.layers[l];
        if *mode != LayerMode::Off {
            let h = normed(&x, &layer.attention_norm, config.norm_epsilon);
            let (v, width) = (apply(&h, &layer.value), config.value_dim[l]);
            let mut attended: Rows = vec![Vec::new(); ids.len()];
            for (head, (q, k)) in queries_and_keys(model, l, &h).iter().enumerate() {
                for (row, weights) in attended.iter_mut().zip(mixing(*mode, q, k)) {
                    let column = |c: usize| weights.iter().zip(&v).map(|(w, v)| w * v[head * width + c]).sum::<f64>();
                    row.extend((0..width).map(column));
                }
            }
            x = add(&x, &apply(&attended, &layer.output));
        }
        let mut hidden = apply(&normed(&x, &layer.mlp_norm, config.norm_epsilon), &layer.up);
        hidden.iter_mut().flatten().for_each(|z| *z = gelu(*z));
        x = add(&x, &apply(&hidden, &layer.down));
        streams.push(x.clone());
    }
    streams
}

/// The model's losses by the same formulas.
fn direct(model: &Model, ids: &[u32], modes: &[LayerMode]) -> Vec<f64> {
    let (config, x) = (&model.config, &streams(model, ids, modes)[modes.len()]);
    let logits = linear(&normed(x, &model.final_norm, config.norm_epsilon), &model.token_embedding, &[0.0; VOCAB]);
    let loss = |(logits, next): (&Vec<f64>, &u32)| {
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + logits.iter().map(|z| (z - top).exp()).sum::<f64>().ln() - logits[*next as usize]
    };
    logits.iter().zip(&ids[1..]).map(loss).collect()
}

/// A direct computation exists for all modes but cuts of rank, which have a test of their own.
fn has_formula(mode: LayerMode) -> bool {
    !matches!(mode, LayerMode::Rank(k) if k > 0)
}

/// f32 sums and storage, three layers deep, against f64: some ten roundings of 2⁻²⁴ each, and room for adapters
/// whose exponentials are less exact.
const AGAINST_FORMULA: f64 = 2e-5;

/// Of the largest singular value, from f32 projections.
const SPECTRA: f64 = 3e-6;

#[test]
fn engines_agree_with_the_formulas_and_each_other() {
    let variants = common::variants();
    let mut worst = (0f64, 0f64);
    for model in uneven() {
        let layers = model.config.layers;
        // Around one tile, around one chunk, and a prime number of tokens.
        for tokens in [2, 15, 16, 17, 63, 64, 65, 97, 131] {
            let ids = text(tokens, tokens as u64);
            let mut cpu = session(Engine::cpu(), &model, &ids);
            let mut gpus = variants.each_ref().map(|(name, gpu)| (name, session(Engine::gpu(gpu), &model, &ids)));
            let mut mixtures: Vec<Vec<LayerMode>> = MODES.iter().map(|mode| vec![*mode; layers]).collect();
            mixtures.push((0..layers).map(|l| MODES[(l * 2 + tokens) % MODES.len()]).collect());
            for modes in mixtures {
                let name = format!("{}, {tokens} tokens, {modes:?}", model.config.family);
                let a = losses(&mut cpu, &modes);
                for (variant, gpu) in &mut gpus {
                    let engines = distance(&losses(gpu, &modes), &a);
                    assert!(engines <= AGAINST_FORMULA, "{name}: GPU ({variant}) and CPU differ by {engines:e}");
                    worst.0 = worst.0.max(engines);
                }
                if modes.iter().all(|mode| has_formula(*mode)) {
                    let formula = distance(&a, &direct(&model, &ids, &modes));
                    assert!(formula <= AGAINST_FORMULA, "{name}: CPU and the formulas differ by {formula:e}");
                    worst.1 = worst.1.max(formula);
                }
            }
        }
    }
    println!("GPU within {:.1e} of CPU, CPU within {:.1e} of the formulas", worst.0, worst.1);
}

#[test]
fn four_thousand_tokens_within_default_limits() {
    let gpu = block_on(Gpu::request_within(Some(wgpu::Limits::default()))).expect("a device");
    for family in ["sd", "gpt2"] {
        let model = model(random::config(family, 2, 16, 2, VOCAB, 4096), 5);
        let ids = text(4096, 6);
        // Three chunks: short enough for the T×T formulas.
        let prefix = 192;
        for mode in LINEAR.into_iter().chain([LayerMode::Softmax]) {
            let modes = [mode; 2];
            let expected = direct(&model, &ids[..prefix], &modes);
            let cpu = losses(&mut session(Engine::cpu(), &model, &ids), &modes);
            let gpu = losses(&mut session(Engine::gpu(&gpu), &model, &ids), &modes);
            assert_eq!(gpu.len(), 4095);
            assert!(gpu.iter().all(|nll| nll.is_finite() && *nll < 100.0), "{family}, {mode}");
            // Causal: the first tokens' losses do not know how long the text is.
            let formula = distance(&gpu[..prefix - 1], &expected);
            let engines = distance(&gpu, &cpu);
            println!("{family}, {mode}: GPU within {formula:.1e} of the formula, {engines:.1e} of the CPU");
            assert!(formula <= AGAINST_FORMULA && engines <= AGAINST_FORMULA, "{family}, {mode}");
        }
    }
}

/// The work of a launch in terms that hold on any device: workgroups, and how much the loop in each of them
/// grows with the text; every other loop is bounded by widths, chunks or slabs.
fn loop_length(op: &Op, tokens: usize) -> usize {
    match op {
        Op::Attention(_) => tokens,
        Op::ChunkScan(params) => params.chunks as usize,
        _ => 1,
    }
}

#[test]
fn linear_modes_do_linear_work_in_linear_memory() {
    let config = random::config("sd", 1, 32, 2, VOCAB, 1 << 16);
    let steps = |mode: LayerMode, tokens: usize| {
        let mut plan = Plan::new(&config, tokens);
        plan.layer(0, mode, Buffer::Residual(Slot::Baseline, 0), Slot::Baseline);
        plan.steps
    };
    let work = |op: &Op, form: usize, tokens: usize| {
        op.form_groups(form).iter().product::<u32>() as usize * loop_length(op, tokens)
    };
    for mode in MODES {
        for tokens in [1024, 4096, 16384] {
            let (one, four) = (steps(mode, tokens), steps(mode, 4 * tokens));
            assert_eq!(one.len(), four.len());
            for (a, b) in one.iter().zip(&four) {
                let (a, b) = (&a.op, &b.op);
                assert_eq!(b.output_words(), 4 * a.output_words(), "{mode}: memory of {b:?}");
                let quadratic = matches!(a, Op::Attention(_));
                for form in 0..a.kernel().spec().forms.len() {
                    let (found, once) = (work(b, form, 4 * tokens), work(a, form, tokens));
                    assert_eq!(found, if quadratic { 16 } else { 4 } * once, "{mode}: work of {b:?}, form {form}");
                }
                assert!(!quadratic || !mode.is_linear(), "{mode} must not attend");
            }
        }
    }
}

#[test]
fn no_buffer_holds_tokens_by_tokens() {
    for family in ["sd", "gpt2"] {
        let config = random::config(family, 2, 32, 2, VOCAB, 4096);
        let tokens = 4096;
        for mode in MODES {
            let mut plan = Plan::keeping(&config, tokens, Keep::Gram);
            plan.embed(Slot::Baseline);
            for layer in 0..2 {
                plan.layer(layer, mode, Buffer::Residual(Slot::Baseline, layer), Slot::Baseline);
            }
            plan.score(Slot::Baseline);
            plan.residual_norms(Slot::Baseline);
            plan.capacity_grams();
            plan.singular_values(2 * 2 * 2);
            for step in &plan.steps {
                let words = step.op.output_words();
                assert!(words < tokens * tokens / 16, "{family}, {mode}: {:?} has {words} words", step.output);
            }
        }
    }
}

/// A walk over texts, slots and modes; after every step the result is that of a session that did nothing else.
fn walk(model: &Arc<Model>, engine: impl Fn() -> Engine, steps: usize, seed: u64) -> (usize, usize) {
    let mut rng = Rng(seed);
    let mut below = |n: usize| ((rng.next_f32() + 1.0) / 2.0 * n as f32) as usize % n;
    let texts = [text(33, 1), text(17, 2), text(50, 3)];
    let layers = model.config.layers;
    let mut fresh: HashMap<(usize, Vec<LayerMode>), Vec<TokenScore>> = HashMap::new();
    let mut walker = session(engine(), model, &texts[0]);
    let (mut current, mut modes) = (0, model.config.trained.clone());
    let (mut kept, mut total) = (0, 0);
    for step in 0..steps {
        match below(12) {
            0 => current = below(texts.len()),
            1 => modes = model.config.trained.clone(),
            2 => drop(block_on(walker.spectra()).expect("spectra")),
            3 => block_on(walker.sweep(MODES[below(MODES.len())], |_, _| ())).expect("a sweep"),
            4 => modes = (0..layers).map(|_| MODES[below(MODES.len())]).collect(),
            _ => modes[below(layers)] = MODES[below(MODES.len())],
        }
        walker.set_tokens(&texts[current]).expect("a text");
        let slot = [Slot::Modified, Slot::Modified, Slot::Baseline, Slot::Sweep][below(4)];
        let run = block_on(walker.run(slot, &modes)).expect("a run");
        let expected = fresh.entry((current, modes.clone())).or_insert_with(|| {
            let mut session = session(engine(), model, &texts[current]);
            block_on(session.run(Slot::Modified, &modes)).expect("a run").scores
        });
        assert_eq!(run.scores, *expected, "step {step}: {slot:?}, text {current}, {modes:?}, from {}", run.from_layer);
        (kept, total) = (kept + run.from_layer, total + layers);
    }
    (kept, total)
}

#[test]
fn no_history_of_toggles_changes_a_result() {
    let gpu = gpu();
    for family in ["sd", "gpt2"] {
        let model = model(random::config(family, 5, 8, 2, VOCAB, 64), 7);
        for (name, steps) in [("cpu", 300), ("gpu", 120)] {
            let engine = || if name == "cpu" { Engine::cpu() } else { Engine::gpu(&gpu) };
            let (kept, total) = walk(&model, engine, steps, 8);
            println!("{family} on {name}: {steps} steps, {kept} of {total} layers were kept");
            assert!(kept > total / 10, "{family} on {name}: toggling starts over each time");
        }
    }
}

/// Sweeps, solo curves, one variant twice, and one that shares nothing.
fn many_variants(trained: &[LayerMode]) -> Vec<Vec<LayerMode>> {
    let mut variants = sweep_variants(trained, LayerMode::Linearized);
    variants.extend(sweep_variants(trained, LayerMode::Off));
    variants.extend(solo_variants(trained, LayerMode::Uniform));
    variants.extend(solo_variants(trained, LayerMode::Off));
    variants.push(variants[2].clone());
    variants.push((0..trained.len()).map(|l| MODES[(l * 5 + 3) % MODES.len()]).collect());
    variants
}

#[test]
fn many_variants_are_the_runs_they_stand_for() {
    let gpu = gpu();
    for family in ["sd", "gpt2"] {
        let model = model(random::config(family, 5, 16, 2, VOCAB, 64), 8);
        let variants = many_variants(&model.config.trained);
        let views: Vec<&[LayerMode]> = variants.iter().map(Vec::as_slice).collect();
        let ids = text(53, 12);
        for engine in [|_: &Gpu| Engine::cpu(), Engine::gpu as fn(&Gpu) -> Engine] {
            let session = || session(engine(&gpu), &model, &ids);
            let mut single = session();
            let mut one = |modes: &Vec<LayerMode>| {
                single.set_tokens(&text(3, 1)).and_then(|()| single.set_tokens(&ids)).expect("texts");
                block_on(single.run(Slot::Modified, modes)).expect("a run").perplexity().expect("finite")
            };
            let expected: Vec<f64> = variants.iter().map(&mut one).collect();

            // In the order that saves work, one at a time or as the clock has it.
            let mut found = vec![0.0; variants.len()];
            let done = |i: usize, perplexity: Option<f64>| found[i] = perplexity.expect("finite");
            assert!(block_on(session().run_many(&variants, done, || true)).expect("runs"));
            let difference = distance(&found, &expected);
            assert!(difference <= 1e-6, "{family}: off by {difference:e}");

            // All side by side.
            let mut lanes = session();
            block_on(lanes.run_side_by_side(&views)).expect("runs");
            let mut found = vec![0.0; variants.len()];
            let done = |i: usize, perplexity: Option<f64>| found[i] = perplexity.expect("finite");
            assert!(block_on(lanes.run_many(&variants, done, || panic!("all is known"))).expect("runs"));
            let difference = distance(&found, &expected);
            println!("{family} on {}: runs side by side within {difference:.1e}", lanes.engine().name());
            assert!(difference <= 1e-6, "{family}: side by side off by {difference:e}");
        }
    }
}

#[test]
fn an_interrupted_sweep_resumes_where_it_was() {
    let model = model(random::config("sd", 5, 16, 2, VOCAB, 64), 9);
    let mut session = session(Engine::cpu(), &model, &text(40, 13));
    let variants = many_variants(&model.config.trained);
    let (mut before, mut slices) = (Vec::new(), 0);
    let go_on = || {
        slices += 1;
        slices <= 4
    };
    let finished = block_on(session.run_many(&variants, |i, perplexity| before.push((i, perplexity)), go_on));
    assert!(!finished.expect("runs") && !before.is_empty() && before.len() < variants.len());
    // A toggle in between costs nothing of what is there.
    block_on(session.run(Slot::Modified, &variants[3])).expect("a run");
    let mut after = Vec::new();
    let finished = block_on(session.run_many(&variants, |i, perplexity| after.push((i, perplexity)), || true));
    assert!(finished.expect("runs"));
    let at_once: Vec<_> = after.iter().filter(|point| before.contains(point)).collect();
    assert_eq!(at_once.len(), before.len(), "what was computed comes again, unchanged");
    let mut places: Vec<usize> = after.iter().map(|(i, _)| *i).collect();
    places.sort_unstable();
    assert_eq!(places, (0..variants.len()).collect::<Vec<_>>(), "each comes once");
}

#[test]
fn identities_between_modes() {
    for model in uneven() {
        let family = model.config.family;
        let mut session = session(Engine::cpu(), &model, &text(67, 9));
        let mut all = |mode| losses(&mut session, &vec![mode; model.config.layers]);
        let softmax = all(LayerMode::Softmax);
        // Standard heads take another way to the same scores when their rank is cut.
        let full = distance(&all(LayerMode::Rank(512)), &softmax);
        assert!(full <= 1e-5, "{family}: rank of full size is softmax, off by {full:e}");
        assert_eq!(all(LayerMode::Rank(0)), all(LayerMode::Filtering), "{family}: rank0 is filtering");
        for mode in MODES.into_iter().filter(|mode| *mode != LayerMode::Softmax) {
            assert!(distance(&all(mode), &softmax) > 1e-3, "{family}: {mode} is not softmax");
        }
        let mut cuts = RankCuts::default();
        for layer in 0..model.config.layers {
            let mut kernel = |mode| cuts.score_matrices(&model, layer, mode);
            let parts = kernel(LayerMode::Routing).into_iter().zip(kernel(LayerMode::Filtering));
            let sums: Vec<f32> = parts.map(|(routing, filtering)| routing + filtering).collect();
            // One rounding of the sum to f32.
            let difference =
                sums.iter().zip(kernel(LayerMode::Softmax)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference <= 1e-6, "{family}, layer {layer}: routing + filtering = whole, off by {difference}");
        }
    }
}

#[test]
fn without_scores_all_is_uniform() {
    for model in uneven() {
        let mut model = Model::clone(&model);
        for layer in &mut model.layers {
            match &mut layer.scores {
                Scores::SymmetricDefinite { u, .. } => u.fill(0.0),
                Scores::Standard { query, .. } => {
                    [&mut query.weight, &mut query.bias].map(|w| w.fill(0.0)).into_iter().collect()
                }
            }
        }
        let model = Arc::new(model);
        let mut session = session(Engine::cpu(), &model, &text(67, 10));
        let mut all = |mode| losses(&mut session, &vec![mode; model.config.layers]);
        let uniform = all(LayerMode::Uniform);
        for mode in
            [LayerMode::Softmax, LayerMode::Linearized, LayerMode::Rank(2), LayerMode::Routing, LayerMode::Filtering]
        {
            // For standard heads only q is 0, and [q k] has a routing part of rank 0 all the same.
            let difference = distance(&all(mode), &uniform);
            assert!(difference <= 1e-5, "{}: {mode} without scores, off by {difference:e}", model.config.family);
        }
    }
}

/// Z of a head, \[d_model, score width\], and the matrices that score_matrices gave for it.
fn head_matrices(model: &Model, layer: usize, head: usize, kernel: &[f32]) -> (DMatrix<f64>, DMatrix<f64>) {
    let (r, d, width) = (model.config.head_dim[layer], model.config.d_model, model.config.score_width(layer));
    let column = |weight: &[f32], i: usize, j: usize| f64::from(weight[(head * r + j) * d + i]);
    let z = DMatrix::from_fn(d, width, |i, j| match &model.layers[layer].scores {
        Scores::SymmetricDefinite { u, .. } => column(u, i, j),
        Scores::Standard { query, .. } if j < r => column(&query.weight, i, j),
        Scores::Standard { key, .. } => column(&key.weight, i, j - r),
    });
    let matrix = DMatrix::from_row_slice(
        width,
        width,
        &kernel[head * width * width..][..width * width].iter().map(|x| f64::from(*x)).collect::<Vec<_>>(),
    );
    (z, matrix)
}

/// Singular values of (X − Xᵀ)/2 or (X + Xᵀ)/2, descending, padded with zeros to `count`.
fn part_values(x: &DMatrix<f64>, sign: f64, count: usize) -> Vec<f64> {
    let part = (x + x.transpose() * sign) / 2.0;
    let mut values: Vec<f64> = part.singular_values().iter().copied().collect();
    values.sort_by(|a, b| b.total_cmp(a));
    values.resize(count, 0.0);
    values
}

/// The spectra, which come from Gram matrices and small congruent ones, against the singular values of the
/// T×T and d×d matrices themselves.
#[test]
fn spectra_are_those_of_the_whole_matrices() {
    let gpu = gpu();
    for model in uneven() {
        let (config, ids) = (&model.config, text(61, 11));
        let streams = streams(&model, &ids, &config.trained);
        let mut cuts = RankCuts::default();
        for (engine, solve_on_gpu) in [(Engine::cpu(), false), (Engine::gpu(&gpu), false), (Engine::gpu(&gpu), true)] {
            let solver = if solve_on_gpu { "pairs of f32" } else { "f64" };
            let name = format!("{} on {}, {solver}", config.family, engine.name());
            let mut session = session(engine, &model, &ids);
            session.solve_on_gpu(solve_on_gpu);
            let spectra = block_on(session.spectra()).expect("spectra");
            let (mut worst, mut pairs) = (0f64, 0f64);
            for (layer, found) in spectra.iter().enumerate() {
                let x = normed(&streams[layer], &model.layers[layer].attention_norm, config.norm_epsilon);
                let kernels = cuts.score_matrices(&model, layer, LayerMode::Rank(512));
                let root = (config.head_dim[layer] as f64).sqrt();
                for (h, (q, k)) in queries_and_keys(&model, layer, &x).iter().enumerate() {
                    let scores = DMatrix::from_fn(ids.len(), ids.len(), |i, j| inner(&q[i], &k[j]) / root);
                    let (z, kernel) = head_matrices(&model, layer, h, &kernels);
                    let weights = &z * kernel * z.transpose() * if config.is_sd() { 1.0 / root } else { 0.5 / root };
                    for (whole, part) in [(scores, &found.heads[h].operating), (weights, found.heads[h].capacity())] {
                        pairs = pairs.max(part.pair_error());
                        for (sign, values) in [(-1.0, &part.routing), (1.0, &part.filtering)] {
                            let count = whole.nrows().max(values.len());
                            let expected = part_values(&whole, sign, count);
                            let mut values = values.clone();
                            values.resize(count, 0.0);
                            let difference =
                                values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                            worst = worst.max(difference / expected[0]);
                        }
                    }
                }
            }
            println!("{name}: singular values within {worst:.1e} of the largest, pairs within {pairs:.1e}");
            assert_eq!(session.solves_on_gpu(), solve_on_gpu, "{name}: the head that is solved twice differs");
            assert!(worst <= SPECTRA, "{name}: off by {worst:e} of the largest");
            let pair_tolerance = if solve_on_gpu { 1e-7 } else { 1e-12 };
            assert!(pairs <= pair_tolerance, "{name}: the routing's pairs differ by {pairs:e}");
        }
    }
}

/// A compiler that takes sums for associative leaves nothing of what a sum rounds off. One head in f64 shows it, and from
/// then on the device's spectra are solved here.
#[test]
fn a_device_that_loses_what_sums_round_off_is_found_out() {
    let model = &uneven()[0];
    let ids = text(40, 12);
    let expected = {
        let mut session = session(Engine::cpu(), model, &ids);
        block_on(session.spectra()).expect("spectra")
    };
    let source = KernelId::Cholesky.spec().forms[0].source(Weights::F32);
    let broken = source.replace("(a - one) + (b - other)", "0.0");
    assert_ne!(source, broken);
    let gpu = gpu().with_source(KernelId::Cholesky, 0, Weights::F32, &broken);
    let mut first = session(Engine::gpu(&gpu), model, &ids);
    first.solve_on_gpu(true);
    let found = block_on(first.spectra()).expect("spectra");
    assert!(!first.solves_on_gpu(), "the head in f64 must differ");
    for (found, expected) in found.iter().zip(&expected) {
        for (found, expected) in found.heads.iter().zip(&expected.heads) {
            let pairs = found.operating.routing.iter().zip(&expected.operating.routing);
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst <= 1e-5 * expected.operating.routing[0], "off by {worst:e} once solved here");
            assert_eq!(found.capacity(), expected.capacity());
        }
    }
}

/// The routing part of M, cut: the best approximation of that rank to the d×d matrix, which only this test forms.
#[test]
fn rank_cuts_are_the_best_of_their_rank() {
    for model in uneven() {
        let mut cuts = RankCuts::default();
        for layer in 0..model.config.layers {
            let filtering = cuts.score_matrices(&model, layer, LayerMode::Filtering);
            let routing = cuts.score_matrices(&model, layer, LayerMode::Routing);
            for k in [0, 2, 4, 8, 16, 32] {
                let cut = cuts.score_matrices(&model, layer, LayerMode::Rank(k));
                for head in 0..model.config.heads {
                    let (z, whole) = head_matrices(&model, layer, head, &routing);
                    let whole = &z * whole * z.transpose();
                    let found =
                        head_matrices(&model, layer, head, &cut).1 - head_matrices(&model, layer, head, &filtering).1;
                    let found = &z * found * z.transpose();
                    let mut svd = whole.clone().svd(true, true);
                    svd.singular_values.iter_mut().skip(k.into()).for_each(|s| *s = 0.0);
                    let expected = svd.recompose().expect("both factors");
                    let difference = (found - expected).norm() / (1.0 + whole.norm());
                    // The matrices come in f32, and T⁻¹ on both sides amplifies what that rounds off.
                    assert!(
                        difference < 1e-4,
                        "{}, layer {layer}, head {head}, rank {k}: {difference:e}",
                        model.config.family
                    );
                }
            }
        }
    }
}
