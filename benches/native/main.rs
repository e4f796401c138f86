//! What the explorer's speed rests on, natively: matrix products, the stages of a run, toggles, spectra, sweeps, and the
//! linear modes against softmax as the text grows. Ratios are within one run: rounds are interleaved and medians
//! taken, so that a machine that slows down on the way slows all down. Milliseconds are told besides.
#![allow(clippy::print_stdout)] // Printing is what it is for.

mod forms;
mod report;
mod sessions;
mod stages;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cascade::checkpoint;
use cascade::engine::{Engine, Gpu, Session};
use cascade::kernels::Weights;
use cascade::model::{Model, random};
use pollster::block_on;
use report::Report;

const SECTIONS: [&str; 6] = ["matmul", "stages", "toggle", "spectra", "sweep", "lengths"];
const USAGE: &str = "usage: [--only matmul,stages,toggle,spectra,sweep,lengths] [--checkpoints DIR] [--json FILE]";

/// What the sections share.
struct Bench {
    gpu: Gpu,
    software: bool,
    checkpoints: PathBuf,
    report: Report,
}

fn main() {
    let mut only = SECTIONS.join(",");
    let mut checkpoints = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("assets/checkpoints");
    let mut json = None;
    // Cargo adds a flag of its own.
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        let value = arguments.next().unwrap_or_else(|| panic!("{USAGE}"));
        match argument.as_str() {
            "--only" => only = value,
            "--checkpoints" => checkpoints = value.into(),
            "--json" => json = Some(PathBuf::from(value)),
            _ => panic!("{USAGE}"),
        }
    }
    let only: Vec<&str> = only.split(',').collect();
    assert!(only.iter().all(|section| SECTIONS.contains(section)), "{USAGE}");

    let start = Instant::now();
    let gpu = block_on(Gpu::request()).unwrap_or_else(|e| {
        panic!("no GPU adapter ({e}): install a Vulkan driver; the software one is the package mesa-vulkan-drivers")
    });
    let opened = start.elapsed();
    let facts = Engine::gpu(&gpu).facts();
    println!("adapter: {}, opened and measured in {:.0} ms", gpu.adapter(), opened.as_secs_f64() * 1e3);
    let mut report = Report::new(gpu.adapter(), facts.timestamps);
    let timings =
        facts.timings.iter().map(|t| (format!("{} {}{}", t.kernel, t.form, storage(t.weights)), vec![Some(t.ms)]));
    report.add("what the forms were chosen by", &["ms a launch"], timings.collect());
    println!("\nchosen");
    for (kernel, form, weights) in &facts.forms {
        println!("  {kernel} {form}{}", storage(*weights));
    }
    let mut bench = Bench { gpu, software: facts.software, checkpoints, report };
    for (name, section) in SECTIONS.into_iter().zip([
        forms::all,
        stages::all,
        sessions::toggle,
        sessions::spectra,
        sessions::sweep,
        sessions::lengths,
    ]) {
        if only.contains(&name) {
            if !bench.software {
                forms::wake(&bench.gpu);
            }
            section(&mut bench);
        }
    }
    if let Some(path) = json {
        std::fs::write(&path, bench.report.json()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}

/// How weights are stored, where it is not as f32.
fn storage(weights: Weights) -> String {
    if weights.are_half() { format!(", {}", weights.name()) } else { String::new() }
}

impl Bench {
    fn model(&self, id: &str) -> Arc<Model> {
        let folder = self.checkpoints.join(id);
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path)
                .unwrap_or_else(|e| panic!("{} ({e}): name the folder with --checkpoints", path.display()))
        };
        Arc::new(checkpoint::read(&read("config.json"), &read("model.safetensors")).expect("a model that ships"))
    }

    fn session(&self, model: &Arc<Model>) -> Session {
        Session::new(Engine::gpu(&self.gpu), Arc::clone(model)).expect("a session")
    }

    /// Medians of what each of `count` tasks takes, in milliseconds, over interleaved rounds after one to warm up: as
    /// many as fit two seconds, but some.
    fn medians(&self, count: usize, mut task: impl FnMut(usize) -> f64) -> Vec<f64> {
        let least = if self.software { 2 } else { 5 };
        let mut times = vec![Vec::new(); count];
        let start = Instant::now();
        for round in 0.. {
            for (i, times) in times.iter_mut().enumerate() {
                let ms = task(i);
                if round > 0 {
                    times.push(ms);
                }
            }
            if round >= least && start.elapsed() > Duration::from_secs(2) {
                break;
            }
        }
        times.into_iter().map(median).collect()
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Milliseconds by the clock.
fn timed(task: impl FnOnce()) -> f64 {
    let start = Instant::now();
    task();
    start.elapsed().as_secs_f64() * 1e3
}

/// Random ids; another `seed`, another text, and all that a session has kept is void.
fn set_text(session: &mut Session, tokens: usize, seed: u64) {
    let vocab = session.model().config.vocab_size;
    session.set_tokens(&random::ids(tokens, vocab, seed)).expect("a text that fits");
}
