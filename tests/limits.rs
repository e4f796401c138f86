//! Models whose embedding is larger than what a device binds at once, up to GPT-2 small's shape within WebGPU's
//! default limits; and what is kept as f16.
#![allow(clippy::print_stdout)] // Differences and sizes are worth seeing in a test's output.

mod common;

use std::sync::Arc;

use cascade::engine::{Engine, Gpu, Session};
use cascade::kernels::{KernelId, Weights};
use cascade::model::random;
use cascade::model::{Buffer, Keep, LayerMode, Model, Plan, Slot};
use pollster::block_on;

/// f32 sums on both sides, in another order.
const TOLERANCE: f64 = 2e-5;

fn text(tokens: usize, vocab: usize) -> Vec<u32> {
    let mut ids = random::ids(tokens, vocab, 3);
    // Both ends of the vocabulary, and so of the first part and the last.
    (ids[0], ids[1]) = (0, vocab as u32 - 1);
    ids
}

/// Losses and likeliest tokens.
fn scores(engine: Engine, model: &Arc<Model>, ids: &[u32], mode: LayerMode) -> (Vec<f64>, Vec<u32>, Session) {
    let mut session = Session::new(engine, Arc::clone(model)).expect("a session");
    session.set_tokens(ids).expect("a text");
    let run = block_on(session.run(Slot::Modified, &vec![mode; model.config.layers])).expect("a run");
    let nll = run.scores.iter().filter_map(|score| score.nll).collect();
    (nll, run.scores.iter().map(|score| score.top[0].0).collect(), session)
}

fn compare(name: &str, gpu: &Gpu, model: &Arc<Model>, ids: &[u32]) {
    for mode in [LayerMode::Softmax, LayerMode::Linearized] {
        let (expected, expected_top, _) = scores(Engine::cpu(), model, ids, mode);
        let (found, top, _) = scores(Engine::gpu(gpu), model, ids, mode);
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max);
        println!("{name}, {mode}: losses within {worst:.1e}");
        assert!(found.iter().all(|x| x.is_finite()) && worst <= TOLERANCE, "{name}, {mode}: off by {worst:e}");
        assert_eq!(top, expected_top, "{name}, {mode}: likeliest tokens");
    }
}

fn small_bindings() -> Gpu {
    let limits = wgpu::Limits { max_storage_buffer_binding_size: 256 << 10, ..Default::default() };
    block_on(Gpu::request_within(Some(limits))).expect("a device")
}

/// Weights that f16 holds.
fn rounded(mut model: Model) -> Model {
    let round = |weights: &mut Vec<f32>| weights.iter_mut().for_each(|w| *w = half::f16::from_f32(*w).to_f32());
    round(&mut model.token_embedding);
    for layer in &mut model.layers {
        for linear in [&mut layer.output, &mut layer.up, &mut layer.down] {
            round(&mut linear.weight);
        }
    }
    model
}

#[test]
fn an_embedding_larger_than_a_binding_is_split() {
    let gpu = small_bindings();
    for (family, vocab) in [("sd", 5000), ("gpt2", 4096), ("sd", 2049)] {
        // 128 bytes a row: 2048 rows a binding as f32, 4096 as f16.
        let model = random::model(random::config(family, 2, 32, 2, vocab, 64), 1);
        assert!(model.token_embedding.len() * 4 > 256 << 10);
        let (exact, model) = (Arc::new(rounded(model.clone())), Arc::new(model));
        let ids = text(40, vocab);
        for form in 0..KernelId::Unembed.spec().forms.len() {
            let name = format!("{family}, {vocab} tokens, form {form}");
            for weights in gpu.weights() {
                let (name, model) = (format!("{name}, {weights:?}"), if weights.are_half() { &exact } else { &model });
                compare(&name, &gpu.with_form(KernelId::Unembed, form, *weights), model, &ids);
            }
        }
    }
}

#[test]
fn what_f16_does_not_hold_stays_f32() {
    let gpu = [KernelId::Unembed, KernelId::Matmul]
        .into_iter()
        .fold(common::gpu(), |gpu, kernel| gpu.with_form(kernel, 0, Weights::Unpacked));
    let model = random::model(random::config("gpt2", 2, 64, 2, 700, 64), 2);
    let (exact, model) = (Arc::new(rounded(model.clone())), Arc::new(model));
    let ids = text(33, 700);
    compare("f32 weights", &gpu, &model, &ids);
    compare("f16 weights", &gpu, &exact, &ids);
    let bytes = |model: &Arc<Model>| match scores(Engine::gpu(&gpu), model, &ids, LayerMode::Softmax).2.engine() {
        Engine::Gpu(gpu) => gpu.bytes(),
        Engine::Cpu(_) => panic!("this is the GPU engine"),
    };
    // Embedding, output projections and MLPs at two bytes a weight in the place of four.
    let weights = (700 * 64 + 2 * (64 * 64 + 2 * 64 * 256)) as u64;
    assert_eq!(bytes(&model) - bytes(&exact), 2 * weights);
}

#[test]
fn gpt2_small_fits_default_limits() {
    let limit = wgpu::Limits::default().max_storage_buffer_binding_size;
    let config = random::config("gpt2", 12, 768, 12, 50257, 1024);
    for mode in [LayerMode::Softmax, LayerMode::Linearized, LayerMode::Routing] {
        let mut plan = Plan::keeping(&config, 1024, Keep::Gram);
        plan.embed(Slot::Baseline);
        (0..12).for_each(|l| plan.layer(l, mode, Buffer::Residual(Slot::Baseline, l), Slot::Baseline));
        plan.score(Slot::Baseline);
        plan.residual_norms(Slot::Baseline);
        plan.capacity_grams();
        plan.singular_values(2 * 12 * 12);
        let largest = plan.steps.iter().map(|step| 4 * step.op.output_words() as u64).max().expect("steps");
        println!("{mode}: the largest working buffer has {} MiB", largest >> 20);
        assert!(largest <= limit, "{mode}: {largest} bytes");
    }
    assert!(50257 * 768 * 4 > limit, "the embedding is what must be split");
    assert!(4 * 768 * 768 * 4 <= limit, "a layer's weights need not be");
}

/// 124M weights: 0.5 GB here and as much on the device, and half a minute on two cores.
#[test]
#[ignore = "takes over 1 GB of memory; run it by its name with --ignored"]
fn gpt2_small_runs_within_default_limits() {
    let gpu = block_on(Gpu::request_within(Some(wgpu::Limits::default()))).expect("a device");
    let model = Arc::new(random::model(random::config("gpt2", 12, 768, 12, 50257, 1024), 4));
    compare("GPT-2 small's shape", &gpu, &model, &text(24, 50257));
}
