//! What the explorer's speed rests on, as ratios within one run: a toggle at layer ℓ against a full run, and
//! the linear modes against softmax as the text grows. Rounds are interleaved and medians taken, so that a
//! machine that slows down on the way slows all down.
#![allow(clippy::print_stdout)] // Printing is what it is for.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use cascade::checkpoint;
use cascade::engine::{Engine, Gpu, Session};
use cascade::model::random::{self, Rng};
use cascade::model::{Config, LayerMode, Model, Slot, solo_variants, sweep_variants};
use pollster::block_on;

const MODES: [LayerMode; 5] =
    [LayerMode::Softmax, LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off];
/// As in the page's sweep.
const SWEPT: [LayerMode; 4] = [LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off];
const LENGTHS: [usize; 3] = [256, 1024, 4096];

fn main() {
    let gpu = block_on(Gpu::request()).unwrap_or_else(|e| {
        panic!("no GPU adapter ({e}): install a Vulkan driver; the software one is the package mesa-vulkan-drivers")
    });
    println!("adapter: {}", gpu.adapter());
    time_to_toggle(&gpu, 5);
    spectra_and_sweep(&gpu, 2);
    modes_against_softmax(&gpu, 3);
}

/// Medians of what each of `count` tasks takes, in seconds, over interleaved rounds after one to warm up.
fn medians(count: usize, rounds: usize, mut task: impl FnMut(usize) -> f64) -> Vec<f64> {
    let mut times = vec![Vec::new(); count];
    for round in 0..=rounds {
        for (i, times) in times.iter_mut().enumerate() {
            let seconds = task(i);
            if round > 0 {
                times.push(seconds);
            }
        }
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    times.into_iter().map(median).collect()
}

fn timed_run(session: &mut Session, modes: &[LayerMode]) -> f64 {
    let start = Instant::now();
    block_on(session.run(Slot::Modified, modes)).expect("a run");
    start.elapsed().as_secs_f64()
}

/// Random ids; another `seed`, another text, and all that a session has kept is void.
fn set_text(session: &mut Session, tokens: usize, seed: u64) {
    let vocab = session.model().config.vocab_size as f32;
    let mut rng = Rng(seed);
    let ids: Vec<u32> = (0..tokens).map(|_| ((rng.next_f32() + 1.0) * 0.499 * vocab) as u32).collect();
    session.set_tokens(&ids).expect("a text that fits");
}

fn shipped(id: &str) -> Arc<Model> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/checkpoints").join(id);
    let read = |name: &str| std::fs::read(folder.join(name)).expect("the model's files");
    Arc::new(checkpoint::read(&read("config.json"), &read("model.safetensors")).expect("a model that ships"))
}

/// One layer of `sd-6m` switched to linearized, with the baseline kept, against a run of the whole model.
fn time_to_toggle(gpu: &Gpu, rounds: usize) {
    let model = shipped("sd-6m");
    let session = || Session::new(Engine::gpu(gpu), Arc::clone(&model)).expect("a session");
    let (mut kept, mut whole) = (session(), session());
    let trained = &model.config.trained;
    set_text(&mut kept, 256, 1);
    block_on(kept.run(Slot::Baseline, trained)).expect("the baseline");

    let layers = model.config.layers;
    let mut seed = 0;
    let times = medians(layers + 1, rounds, |layer| {
        if layer == layers {
            seed += 1;
            set_text(&mut whole, 256, seed);
            return timed_run(&mut whole, trained);
        }
        let mut modes = trained.clone();
        modes[layer] = LayerMode::Linearized;
        timed_run(&mut kept, &modes)
    });
    println!("\nsd-6m, 256 tokens, gpu: a toggle at one layer, in units of a full run");
    for (layer, time) in times[..layers].iter().enumerate() {
        println!("  layer {:>2}  {:.2}", layer + 1, time / times[layers]);
    }
}

/// All spectra, and all four sweeps, against a full run of the same model on the same text.
fn spectra_and_sweep(gpu: &Gpu, rounds: usize) {
    for id in ["sd-6m", "gpt2-6m"] {
        let model = shipped(id);
        let trained = &model.config.trained;
        let mut session = Session::new(Engine::gpu(gpu), Arc::clone(&model)).expect("a session");
        let mut fresh = Session::new(Engine::gpu(gpu), Arc::clone(&model)).expect("a session");
        let variants: Vec<_> = SWEPT.iter().flat_map(|mode| sweep_variants(trained, *mode)).collect();
        let solo: Vec<_> = SWEPT.iter().flat_map(|mode| solo_variants(trained, *mode)).collect();
        let mut seed = 100;
        let rows = [
            "full run",
            "the same as the baseline",
            "spectra, once a text",
            "weights' spectra, once a model",
            "sweep, 4 modes",
            "solo curves, 4 modes",
        ];
        let times = medians(rows.len(), rounds, |row| {
            if row == 0 {
                seed += 1;
                set_text(&mut session, 256, seed);
                return timed_run(&mut session, trained);
            }
            let start = Instant::now();
            match row {
                1 => drop(block_on(session.run(Slot::Baseline, trained)).expect("the baseline")),
                2 => drop(block_on(session.spectra()).expect("spectra")),
                3 => {
                    fresh = Session::new(Engine::gpu(gpu), Arc::clone(&model)).expect("a session");
                    set_text(&mut fresh, 256, seed);
                    block_on(fresh.run(Slot::Baseline, trained)).expect("the baseline");
                    block_on(fresh.spectra()).expect("spectra");
                }
                _ => {
                    let variants = if row == 4 { &variants } else { &solo };
                    assert!(block_on(session.run_many(variants, |_, _| (), || true)).expect("the variants"));
                }
            }
            start.elapsed().as_secs_f64()
        });
        println!("\n{id}, 256 tokens, gpu: in units of a full run ({:.0} ms)", times[0] * 1e3);
        for (row, name) in rows.iter().enumerate().skip(1) {
            // Row 3 includes a baseline and its spectra.
            let less = if row == 3 { times[1] + times[2] } else { 0.0 };
            println!("  {name:32} {:.2}", (times[row] - less) / times[0]);
        }
    }
}

/// Attention alone: two random layers with next to no MLP and vocabulary around it.
fn attention_model() -> Model {
    let config = random::config("sd", 2, 64, 2, 8, LENGTHS[2]);
    random::model(Config { d_ff: 4, ..config }, 1)
}

fn modes_against_softmax(gpu: &Gpu, rounds: usize) {
    let model = Arc::new(attention_model());
    let mut session = Session::new(Engine::gpu(gpu), model).expect("a session");
    let mut seed = 0;
    let times = medians(LENGTHS.len() * MODES.len(), rounds, |i| {
        seed += 1;
        set_text(&mut session, LENGTHS[i / MODES.len()], seed);
        timed_run(&mut session, &[MODES[i % MODES.len()]; 2])
    });
    let time = |length: usize, mode: usize| times[length * MODES.len() + mode];
    let header: String = LENGTHS.iter().map(|n| format!("{n:>9}")).collect();
    let table = |title: &str, value: &dyn Fn(usize, usize) -> f64| {
        println!("\n{title}\n  {:12}{header}", "tokens");
        for (mode, name) in MODES.iter().enumerate() {
            let row: String = (0..LENGTHS.len()).map(|n| format!("{:>9.3}", value(n, mode))).collect();
            println!("  {:12}{row}", name.to_string());
        }
    };
    table("two attention layers, gpu: time in units of softmax", &|n, mode| time(n, mode) / time(n, 0));
    table("the same, time a token in units of its own at 256 tokens (1 = linear in the text)", &|n, mode| {
        time(n, mode) / time(0, mode) * LENGTHS[0] as f64 / LENGTHS[n] as f64
    });
}
