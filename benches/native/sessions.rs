//! What a visitor waits for: toggles, spectra, sweeps, and longer texts, in units of a full run.

use cascade::engine::Session;
use cascade::model::random;
use cascade::model::{Config, LayerMode, Model, Slot, solo_variants, sweep_variants};
use pollster::block_on;
use std::sync::Arc;

use crate::report::Row;
use crate::{Bench, median, set_text, timed};

const IDS: [&str; 2] = ["sd-6m", "gpt2-6m"];
const TOKENS: usize = 256;
const MODES: [LayerMode; 5] =
    [LayerMode::Softmax, LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off];
/// As in the page's sweep.
const SWEPT: [LayerMode; 4] = [LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off];
const LENGTHS: [usize; 5] = [256, 512, 1024, 2048, 4096];

fn timed_run(session: &mut Session, slot: Slot, modes: &[LayerMode]) -> f64 {
    timed(|| drop(block_on(session.run(slot, modes)).expect("a run")))
}

/// Milliseconds, and the same in units of the first.
fn in_units(rows: &[&str], times: &[f64]) -> Vec<Row> {
    rows.iter().zip(times).map(|(name, ms)| (name.to_string(), vec![Some(*ms), Some(ms / times[0])])).collect()
}

/// One layer switched to linearized, with the baseline kept, against a run of the whole model.
pub fn toggle(bench: &mut Bench) {
    for id in IDS {
        let model = bench.model(id);
        let (mut kept, mut whole) = (bench.session(&model), bench.session(&model));
        let (trained, layers) = (&model.config.trained, model.config.layers);
        set_text(&mut kept, TOKENS, 1);
        block_on(kept.run(Slot::Baseline, trained)).expect("the baseline");
        let mut seed = 0;
        let mut device = vec![Vec::new(); layers + 1];
        let times = bench.medians(layers + 1, |task| {
            let mut modes = trained.clone();
            let session = match task.checked_sub(1) {
                None => {
                    seed += 1;
                    set_text(&mut whole, TOKENS, seed);
                    &mut whole
                }
                Some(layer) => {
                    modes[layer] = LayerMode::Linearized;
                    &mut kept
                }
            };
            timed(|| device[task].extend(block_on(session.run(Slot::Modified, &modes)).expect("a run").gpu_ms))
        });
        let device: Vec<Option<f64>> = device.into_iter().map(|ms| (!ms.is_empty()).then(|| median(ms))).collect();
        let row = |name: String, ms: f64, device: Option<f64>| (name, vec![Some(ms), device, Some(ms / times[0])]);
        let mean = times[1..].iter().sum::<f64>() / layers as f64;
        let device_mean = device[1..].iter().copied().sum::<Option<f64>>().map(|sum| sum / layers as f64);
        let worst = (1..=layers).max_by(|a, b| times[*a].total_cmp(&times[*b])).unwrap_or(1);
        let mut rows = vec![
            row("full run".into(), times[0], device[0]),
            row("toggle, mean".into(), mean, device_mean),
            row("toggle, worst".into(), times[worst], device[worst]),
        ];
        rows.extend((1..=layers).map(|layer| row(format!("layer {layer}"), times[layer], device[layer])));
        let columns = ["ms", "on the device", "full runs"];
        bench.report.add(&format!("{id}, {TOKENS} tokens: one layer toggled"), &columns, rows);
    }
}

/// All spectra: what the text decides, and what the weights alone decide.
pub fn spectra(bench: &mut Bench) {
    for id in IDS {
        let model = bench.model(id);
        let trained = &model.config.trained;
        let mut session = bench.session(&model);
        let mut seed = 100;
        let times = bench.medians(4, |task| match task {
            0 => {
                seed += 1;
                set_text(&mut session, TOKENS, seed);
                timed_run(&mut session, Slot::Modified, trained)
            }
            1 => timed_run(&mut session, Slot::Baseline, trained),
            2 => timed(|| drop(block_on(session.spectra()).expect("spectra"))),
            _ => {
                let mut fresh = bench.session(&model);
                set_text(&mut fresh, TOKENS, seed);
                block_on(fresh.run(Slot::Baseline, trained)).expect("the baseline");
                timed(|| drop(block_on(fresh.spectra()).expect("spectra")))
            }
        });
        let names = ["full run", "the same as the baseline", "spectra, once a text", "with the weights', once a model"];
        let rows = in_units(&names, &times);
        bench.report.add(&format!("{id}, {TOKENS} tokens: spectra of all heads"), &["ms", "full runs"], rows);
    }
}

/// The sweep and the solo curves, in all modes.
pub fn sweep(bench: &mut Bench) {
    for id in IDS {
        let model = bench.model(id);
        let trained = &model.config.trained;
        let mut session = bench.session(&model);
        let variants: Vec<_> = SWEPT.iter().flat_map(|mode| sweep_variants(trained, *mode)).collect();
        let solo: Vec<_> = SWEPT.iter().flat_map(|mode| solo_variants(trained, *mode)).collect();
        let mut seed = 100;
        let times = bench.medians(3, |task| {
            if task == 0 {
                seed += 1;
                set_text(&mut session, TOKENS, seed);
                let full = timed_run(&mut session, Slot::Modified, trained);
                block_on(session.run(Slot::Baseline, trained)).expect("the baseline");
                return full;
            }
            let variants = if task == 1 { &variants } else { &solo };
            timed(|| assert!(block_on(session.run_many(variants, |_, _| (), || true)).expect("the variants")))
        });
        let names = ["full run".into(), format!("sweep, {} variants", variants.len()), format!("solo, {}", solo.len())];
        let rows = in_units(&names.each_ref().map(String::as_str), &times);
        bench.report.add(&format!("{id}, {TOKENS} tokens: 4 modes"), &["ms", "full runs"], rows);
    }
}

/// Attention alone: two random layers with next to no MLP and vocabulary around it.
fn attention_model() -> Model {
    let config = random::config("sd", 2, 64, 2, 8, LENGTHS[LENGTHS.len() - 1]);
    random::model(Config { d_ff: 4, ..config }, 1)
}

/// The linear modes against softmax.
pub fn lengths(bench: &mut Bench) {
    let mut session = bench.session(&Arc::new(attention_model()));
    let mut seed = 0;
    let times = bench.medians(LENGTHS.len() * MODES.len(), |i| {
        seed += 1;
        set_text(&mut session, LENGTHS[i / MODES.len()], seed);
        timed_run(&mut session, Slot::Modified, &[MODES[i % MODES.len()]; 2])
    });
    let time = |length: usize, mode: usize| times[length * MODES.len() + mode];
    let header = LENGTHS.map(|n| n.to_string());
    let header = header.each_ref().map(String::as_str);
    let rows = |value: &dyn Fn(usize, usize) -> f64| -> Vec<Row> {
        let row = |mode: usize| (0..LENGTHS.len()).map(|n| Some(value(n, mode))).collect();
        MODES.iter().enumerate().map(|(mode, name)| (name.to_string(), row(mode))).collect()
    };
    bench.report.add("two attention layers by tokens: ms", &header, rows(&time));
    let of_softmax = rows(&|n, mode| time(n, mode) / time(n, 0));
    bench.report.add("the same in units of softmax", &header, of_softmax);
    let growth = rows(&|n, mode| time(n, mode) / time(0, mode) * LENGTHS[0] as f64 / LENGTHS[n] as f64);
    bench.report.add("time a token in units of its own at 256 tokens (1 = linear in the text)", &header, growth);
}
