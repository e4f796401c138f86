//! Where the time of a whole run goes: on the device, by kind of launch, and around it.

use cascade::engine::Session;
use cascade::kernels::Op;
use cascade::model::{Buffer, LayerMode, LayerPart, Slot, Step};
use pollster::block_on;

use crate::report::Row;
use crate::{Bench, median, set_text, timed};

const TOKENS: usize = 256;
const ROUNDS: usize = 15;

pub fn all(bench: &mut Bench) {
    for id in ["sd-6m", "gpt2-6m"] {
        let model = bench.model(id);
        let trained = model.config.trained.clone();
        let mut session = bench.session(&model);
        for (name, modes) in
            [("as trained", trained.clone()), ("linearized", vec![LayerMode::Linearized; trained.len()])]
        {
            let run = |session: &mut Session| {
                let ms = timed(|| drop(block_on(session.run(Slot::Modified, &modes)).expect("a run")));
                (ms, session.engine().gpu_ms())
            };
            let each = |session: &mut Session| block_on(session.time_steps(&modes)).expect("a run");
            stages(bench, &mut session, &format!("{id}, {name}"), run, each);
        }
        if !session.solves_on_gpu() {
            continue;
        }
        let run = |session: &mut Session| {
            block_on(session.run(Slot::Baseline, &trained)).expect("the baseline");
            let ms = timed(|| drop(block_on(session.spectra()).expect("spectra")));
            (ms, session.engine().gpu_ms())
        };
        let each = |session: &mut Session| block_on(session.time_spectra()).expect("spectra");
        stages(bench, &mut session, &format!("{id}, spectra once a text, stages once a model"), run, each);
    }
}

/// What a step does, for people.
fn stage(step: &Step) -> String {
    let part = |buffer: &Buffer| match buffer {
        Buffer::Layer(_, LayerPart::ProjectionWeight) => "projection",
        Buffer::Layer(_, LayerPart::OutputWeight) => "output",
        Buffer::Layer(_, LayerPart::UpWeight) => "up",
        Buffer::Layer(_, LayerPart::DownWeight) => "down",
        _ => "",
    };
    let stem = step.op.kernel().spec().stem;
    match step.op {
        Op::Matmul(p) => format!("{} {}·{}→{}", part(&step.inputs[1]), p.rows, p.inner, p.cols),
        _ => stem.replace('_', " "),
    }
}

fn stages(
    bench: &mut Bench,
    session: &mut Session,
    title: &str,
    mut run: impl FnMut(&mut Session) -> (f64, Option<f64>),
    mut time_each: impl FnMut(&mut Session) -> Vec<(Step, Option<f64>)>,
) {
    let mut seed = 0;
    let (mut steps, mut times): (Vec<Step>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    let (mut wall, mut device) = (Vec::new(), Vec::new());
    for round in 0..=if bench.software { 3 } else { ROUNDS } {
        seed += 1;
        set_text(session, TOKENS, seed);
        let (ms, on_device) = run(session);
        let each = time_each(session);
        if round == 0 {
            // Only warms up.
            times = vec![Vec::new(); each.len()];
            steps = each.into_iter().map(|(step, _)| step).collect();
            continue;
        }
        wall.push(ms);
        device.extend(on_device);
        for (times, (_, ms)) in times.iter_mut().zip(each) {
            times.extend(ms);
        }
    }
    // In the order in which they first come.
    let mut rows: Vec<(String, usize, f64)> = Vec::new();
    for (step, times) in steps.iter().zip(times) {
        let (name, ms) = (stage(step), if times.is_empty() { 0.0 } else { median(times) });
        match rows.iter_mut().find(|(other, ..)| *other == name) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, *sum + ms),
            None => rows.push((name, 1, ms)),
        }
    }
    let total: f64 = rows.iter().map(|(.., ms)| ms).sum();
    let row = |name: &str, count: usize, ms: Option<f64>| -> Row {
        let each = ms.map(|ms| ms / count as f64 * 1e3);
        (name.into(), vec![Some(count as f64), ms, each, ms.map(|ms| 100.0 * ms / total)])
    };
    let known = |ms: f64| (ms > 0.0).then_some(ms);
    let mut table: Vec<Row> = rows.iter().map(|(name, count, ms)| row(name, *count, known(*ms))).collect();
    table.push(row("all, a pass each", steps.len(), known(total)));
    table.push(row("all, in one pass", steps.len(), (!device.is_empty()).then(|| median(device))));
    table.push(row("by the clock, with readback", steps.len(), Some(median(wall))));
    bench.report.add(&format!("{title}, {TOKENS} tokens: stages"), &["launches", "ms", "µs each", "%"], table);
}
