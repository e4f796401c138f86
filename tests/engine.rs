//! What the GPU engine keeps between runs, how it times them, and which forms of kernels it picks.
#![allow(clippy::print_stdout)] // Times and choices are worth seeing in a test's output.

mod common;

use std::sync::Arc;
use std::time::Instant;

use cascade::engine::{Engine, Gpu, Session};
use cascade::kernels::{Op, TABLE};
use cascade::model::random;
use cascade::model::{LayerMode, Slot};
use pollster::block_on;

fn session(gpu: &Gpu, family: &'static str) -> Session {
    let model = Arc::new(random::model(random::config(family, 6, 32, 2, 600, 128), 1));
    let mut session = Session::new(Engine::gpu(gpu), model).expect("a session");
    session.set_tokens(&(0..100).collect::<Vec<u32>>()).expect("a text");
    session
}

fn kept(session: &Session) -> (usize, usize, u64) {
    match session.engine() {
        Engine::Gpu(gpu) => gpu.kept(),
        Engine::Cpu(_) => panic!("this is the GPU engine"),
    }
}

#[test]
fn a_repeated_toggle_makes_nothing_on_the_device() {
    let gpu = common::gpu();
    for family in ["sd", "gpt2"] {
        let mut session = session(&gpu, family);
        let trained = session.model().config.trained.clone();
        block_on(session.run(Slot::Baseline, &trained)).expect("the baseline");
        let round = |session: &mut Session| {
            let mut scores = Vec::new();
            for layer in [0, 3, 5] {
                for mode in [LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off] {
                    let mut modes = trained.clone();
                    modes[layer] = mode;
                    scores.push(block_on(session.run(Slot::Modified, &modes)).expect("a toggle").scores);
                }
            }
            (scores, kept(session))
        };
        let (first, before) = round(&mut session);
        let (second, after) = round(&mut session);
        println!("{family}: {} bind groups, {} parameter sets, {} bytes", before.0, before.1, before.2);
        assert!(before.0 > 0 && before.1 > 0);
        assert_eq!(before, after, "{family}: bind groups, parameter sets, bytes");
        assert_eq!(first, second, "{family}: results");
        // All layers are alike, and so are their launches' parameters.
        assert!(before.1 < 20, "{family}: {} parameter sets", before.1);
    }
}

/// GPUs make queries inside attention; software adapters are faster with a launch for them.
#[test]
fn queries_take_no_launch_on_gpus() {
    for (name, gpu) in common::variants() {
        let mut session = session(&gpu, "sd");
        for mode in [LayerMode::Softmax, LayerMode::Linearized, LayerMode::Elu1] {
            let steps = block_on(session.time_steps(&[mode; 6])).expect("a run");
            let products = steps.iter().filter(|(step, _)| matches!(step.op, Op::HeadProduct(_))).count();
            assert_eq!(products, if name == "rows" { 6 } else { 0 }, "{name}, {mode}");
        }
    }
}

/// More parameter sets than the buffer holds at first, in texts of every length.
#[test]
fn parameters_of_many_texts_never_mix() {
    let gpu = common::gpu();
    let mut one = session(&gpu, "sd");
    let trained = one.model().config.trained.clone();
    for tokens in 2..100u32 {
        let ids: Vec<u32> = (0..tokens).map(|t| (t * 7) % 600).collect();
        one.set_tokens(&ids).expect("a text");
        let found = block_on(one.run(Slot::Baseline, &trained)).expect("a run");
        if tokens % 16 == 3 {
            let mut fresh = session(&gpu, "sd");
            fresh.set_tokens(&ids).expect("a text");
            let expected = block_on(fresh.run(Slot::Baseline, &trained)).expect("a run");
            assert_eq!(found.scores, expected.scores, "{tokens} tokens");
        }
    }
}

#[test]
fn device_time_is_within_wall_time() {
    let gpu = common::gpu();
    let mut session = session(&gpu, "sd");
    let trained = session.model().config.trained.clone();
    let start = Instant::now();
    let run = block_on(session.run(Slot::Baseline, &trained)).expect("a run");
    let wall_ms = start.elapsed().as_secs_f64() * 1e3;
    println!("{:?} ms on the device of {wall_ms} ms", run.gpu_ms);
    if let Some(ms) = run.gpu_ms {
        assert!(ms > 0.0 && ms <= wall_ms, "{ms} of {wall_ms}");
    }
    let mut cpu = Session::new(Engine::cpu(), Arc::clone(session.model())).expect("a session");
    cpu.set_tokens(&[1, 2, 3]).expect("a text");
    assert_eq!(block_on(cpu.run(Slot::Baseline, &trained)).expect("a run").gpu_ms, None);
}

#[test]
fn forms_are_chosen_by_measurement() {
    let start = Instant::now();
    let gpu = common::gpu();
    println!("opened in {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    let variants = gpu.variants();
    for timing in &variants.timings {
        println!("{}, {}, {}: {:.3} ms", timing.kernel, timing.form, timing.weights.name(), timing.ms);
        assert!(timing.ms.is_finite() && timing.ms > 0.0, "{timing:?}");
    }
    assert!(!variants.timings.is_empty(), "nothing was measured");
    let chosen = variants.chosen();
    println!("{chosen:?}");
    assert_eq!(chosen.len(), TABLE.iter().filter(|spec| spec.forms.len() > 1).count());
    let fastest = |kernel: &str| {
        let of_kernel = variants.timings.iter().filter(|t| t.kernel == kernel && !t.weights.are_half());
        of_kernel.min_by(|a, b| a.ms.total_cmp(&b.ms)).expect("a measurement").form
    };
    let norm = chosen.iter().find(|(kernel, ..)| *kernel == "layer_norm").expect("layer_norm has forms");
    assert!(norm.1 == fastest("layer_norm") || norm.1 == "group", "{norm:?}");
}
