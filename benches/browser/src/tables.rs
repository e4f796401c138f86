//! A record as Markdown tables: medians, paired ratios with intervals, errors. Whoever is wrong gets no ratio.

use std::fmt::Write;

use crate::record::{Measurement, Record};
use crate::rounds::MODELS;
use crate::stats::{Estimate, estimate, exponent, median, paired_ratios};

/// A peer whose loss is further from float64 than this is wrong.
pub const LOSS_TOLERANCE: f64 = 1e-4;
const LENGTHS: [u32; 5] = [256, 512, 1024, 2048, 4096];

/// Everything that the record holds, as Markdown.
pub fn markdown(record: &Record) -> String {
    let mut text = String::new();
    for (key, value) in &record.about {
        let _ = writeln!(text, "- {key}: {value}");
    }
    let _ = writeln!(text, "- rounds: {}", record.rounds.len());
    for model in MODELS {
        full_runs(&mut text, record, model, "WebGPU", "cascade", &["ort-webgpu", "tfjs"]);
    }
    for model in MODELS {
        spectra(&mut text, record, model);
    }
    for model in MODELS {
        full_runs(&mut text, record, model, "CPU in WebAssembly, one thread", "cascade-cpu", &["ort-wasm"]);
    }
    growth(&mut text, record);
    floors(&mut text, record);
    opened(&mut text, record);
    text
}

/// What is compared of a measurement.
type Value = fn(&Measurement) -> Option<f64>;
const MS: Value = |m| m.ms;

fn ratio(record: &Record, above: &str, below: &str, value: Value) -> Option<Estimate> {
    estimate(&paired_ratios(&record.each_round(above, value), &record.each_round(below, value)))
}

fn median_of(record: &Record, key: &str, value: impl Fn(&Measurement) -> Option<f64>) -> Option<f64> {
    median(&record.each_round(key, value).into_iter().flatten().collect::<Vec<_>>())
}

fn median_ms(record: &Record, key: &str) -> Option<f64> {
    median_of(record, key, MS)
}

fn number(value: Option<f64>) -> String {
    value.map_or("–".into(), |v| match v.abs() {
        size if size >= 100.0 => format!("{v:.0}"),
        size if size >= 10.0 => format!("{v:.1}"),
        size if size >= 0.01 || size == 0.0 => format!("{v:.2}"),
        _ => format!("{v:.1e}"),
    })
}

fn interval(value: Option<Estimate>) -> String {
    value.map_or("–".into(), |e| {
        format!("{}× [{}, {}]", number(Some(e.median)), number(Some(e.low)), number(Some(e.high)))
    })
}

/// The median of what an operation measures besides, at that place.
fn median_each(record: &Record, key: &str, place: usize) -> String {
    number(median_of(record, key, |m| m.each.get(place).copied()))
}

/// Why an operation can't be compared, if so.
fn fault(record: &Record, key: &str) -> Option<String> {
    if let Some(error) = record.rounds.iter().filter_map(|round| round.get(key)?.error.as_ref()).next() {
        return Some(format!("failed: {error}"));
    }
    let worst = record.worst(key, |m| m.loss_error)?;
    // Also where it is not a number.
    (worst.is_nan() || worst > LOSS_TOLERANCE).then(|| format!("wrong: loss off by {}", number(Some(worst))))
}

/// A contestant's full run beside ours, and our toggle against that run.
fn full_runs(text: &mut String, record: &Record, model: &str, what: &str, ours: &str, peers: &[&str]) {
    let key = |name: &str, operation: &str| format!("{name}/{model}/{operation}");
    let (full, toggle) = (key(ours, "full"), key(ours, "toggle"));
    if median_ms(record, &full).is_none() {
        return;
    }
    let _ = writeln!(text, "\n### {model}, 256 tokens to per-token loss, {what}\n");
    let _ = writeln!(text, "| | ms | loss error | worst token, nats | time ÷ our full run | time ÷ our toggle |");
    let _ = writeln!(text, "|---|---|---|---|---|---|");
    for name in [ours].iter().chain(peers) {
        let run = key(name, "full");
        let Some(ms) = median_ms(record, &run) else {
            let why = fault(record, &run).or_else(|| opening_error(record, name, model));
            let _ = writeln!(text, "| {name} | {} | | | | |", why.unwrap_or_else(|| "not run".into()));
            continue;
        };
        let (mean, token) = (record.worst(&run, |m| m.loss_error), record.worst(&run, |m| m.worst_token));
        let against = match fault(record, &run) {
            Some(why) => format!("{why} | –"),
            None => {
                let first = if name == &ours { "1".into() } else { interval(ratio(record, &run, &full, MS)) };
                format!("{first} | {}", interval(ratio(record, &run, &toggle, MS)))
            }
        };
        let (mean, token, ms) = (number(mean), number(token), number(Some(ms)));
        let _ = writeln!(text, "| {name} | {ms} | {mean} | {token} | {against} |");
    }
    let layers = record.rounds.iter().filter_map(|round| round.get(&toggle)).map(|m| m.each.len()).max().unwrap_or(0);
    if layers > 0 {
        let each = (0..layers).map(|i| median_each(record, &toggle, i)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "\nOur toggle, first layer to last, ms: {each}; mean {}.",
            number(median_ms(record, &toggle))
        );
        let _ = writeln!(text, "{}", first_of_each(record, &full, &toggle, model, peers));
        let on_device = [&full, &toggle].map(|key| median_of(record, key, |m| m.device_ms));
        if let [Some(full), Some(toggle)] = on_device.map(|ms| ms.map(|ms| number(Some(ms)))) {
            let _ = writeln!(text, "On the device, by its own clock: full run {full} ms, toggle {toggle} ms.");
        }
    }
}

/// The same comparisons by the first of each operation's repetitions alone.
fn first_of_each(record: &Record, full: &str, toggle: &str, model: &str, peers: &[&str]) -> String {
    const FIRST: Value = |m| m.first_ms;
    let ms = |key: &str| number(median_of(record, key, FIRST));
    let mut line = format!("First repetitions alone, ms: our full run {}, toggle {}", ms(full), ms(toggle));
    for name in peers {
        let run = format!("{name}/{model}/full");
        if fault(record, &run).is_none() && median_ms(record, &run).is_some() {
            let against = |ours: &str| interval(ratio(record, &run, ours, FIRST));
            let _ = write!(line, "; {name} {}: {} and {}", ms(&run), against(full), against(toggle));
        }
    }
    line + "."
}

fn spectra(text: &mut String, record: &Record, model: &str) {
    let (ours, peer) = (format!("cascade/{model}/spectra"), format!("jax/{model}/spectra"));
    if median_ms(record, &ours).is_none() {
        return;
    }
    let _ = writeln!(text, "\n### {model}, spectra of all heads, WebGPU\n");
    let _ = writeln!(text, "| | ms | largest σ error ÷ σ₁ | time ÷ ours |\n|---|---|---|---|");
    for (name, key) in [("cascade", &ours), ("jax", &peer)] {
        let error = number(record.worst(key, |m| m.sigma_error));
        let against = match fault(record, key) {
            _ if name == "cascade" => "1".into(),
            Some(why) => why,
            None => interval(ratio(record, key, &ours, MS)),
        };
        let _ = writeln!(text, "| {name} | {} | {error} | {against} |", number(median_ms(record, key)));
    }
    let _ = writeln!(
        text,
        "\nOurs of another text on the same model, half as many: {} ms; of a model just loaded, with new buffers: {} ms.",
        number(median_ms(record, &format!("cascade/{model}/again"))),
        number(median_ms(record, &format!("cascade/{model}/loaded")))
    );
}

/// How the time of attention grows with the text, in units of its time a token at the shortest.
fn growth(text: &mut String, record: &Record) {
    let key = |mode: &str, length: u32| format!("cascade/{mode}/{length}");
    if median_ms(record, &key("softmax", LENGTHS[0])).is_none() {
        return;
    }
    let header: String = LENGTHS.iter().map(|n| format!(" {n} |")).collect();
    let _ = writeln!(text, "\n### Time a token as the text grows, WebGPU (1 = linear)\n");
    let _ = writeln!(
        text,
        "| mode | exponent from 256 | from 1024 |{header}\n|---|---|---|{}",
        "---|".repeat(LENGTHS.len())
    );
    for mode in ["softmax", "linearized", "elu1"] {
        let times = |length: u32| record.each_round(&key(mode, length), MS);
        let row: String = LENGTHS
            .iter()
            .map(|n| {
                let ratios = paired_ratios(&times(*n), &times(LENGTHS[0]));
                let per_token = median(&ratios).map(|r| r * f64::from(LENGTHS[0]) / f64::from(*n));
                format!(" {} |", number(per_token))
            })
            .collect();
        let power = |from: u32| {
            let lengths = LENGTHS.iter().filter(|n| **n >= from);
            let points: Vec<(f64, f64)> =
                lengths.filter_map(|n| Some((f64::from(*n), median_ms(record, &key(mode, *n))?))).collect();
            number((points.len() > 1).then(|| exponent(&points)))
        };
        let _ = writeln!(text, "| {mode} | {} | {} |{row}", power(256), power(1024));
    }
}

fn floors(text: &mut String, record: &Record) {
    let rate = |key: &str| median_of(record, key, |m| m.per_second);
    let (Some(arithmetic), Some(memory)) = (rate("floor/arithmetic"), rate("floor/memory")) else { return };
    let trip = median_ms(record, "floor/round_trip");
    let _ = writeln!(text, "\n### Floors of the adapter, as WGSL reaches them\n");
    let _ = writeln!(
        text,
        "{} GFLOP/s on multiply-adds in registers, {} GB/s reading, {} ms for an empty launch and its readback.\n",
        number(Some(arithmetic / 1e9)),
        number(Some(memory / 1e9)),
        number(trip)
    );
    let _ =
        writeln!(text, "| model | GFLOP | arithmetic floor, ms | bytes floor, ms | our full run ÷ the higher floor |");
    let _ = writeln!(text, "|---|---|---|---|---|");
    for (model, work) in &record.work {
        let (by_flops, by_bytes) = (1e3 * work.flops / arithmetic, 1e3 * work.weight_bytes / memory);
        let ours = median_ms(record, &format!("cascade/{model}/full"));
        let _ = writeln!(
            text,
            "| {model} | {} | {} | {} | {} |",
            number(Some(work.flops / 1e9)),
            number(Some(by_flops)),
            number(Some(by_bytes)),
            number(ours.map(|ms| ms / by_flops.max(by_bytes)))
        );
    }
}

fn opening_error(record: &Record, name: &str, model: &str) -> Option<String> {
    let error = record.contestants.get(&format!("{name}/{model}"))?.get("error")?;
    Some(format!("failed: {}", error.as_str().unwrap_or_default()))
}

fn opened(text: &mut String, record: &Record) {
    let _ = writeln!(text, "\n### Contestants as opened\n");
    for (name, said) in &record.contestants {
        let _ = writeln!(text, "- {name}: {said}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Round, Work};

    fn record(peer_error: f64) -> Record {
        let run = |ms: f64, loss_error: f64| Measurement {
            ms: Some(ms),
            first_ms: Some(3.0 * ms),
            loss_error: Some(loss_error),
            worst_token: Some(1e-5),
            ..Measurement::default()
        };
        let rounds = (0..5).map(|i| {
            // A machine that slows down on the way: times triple, ratios stay.
            let slow = 1.0 + 0.5 * f64::from(i);
            let toggle = Measurement {
                ms: Some(5.0 * slow),
                first_ms: Some(9.0 * slow),
                each: vec![8.0 * slow, 2.0 * slow],
                ..Measurement::default()
            };
            let rate =
                |per_second| Measurement { ms: Some(1.0), per_second: Some(per_second), ..Measurement::default() };
            Round::from([
                ("cascade/sd-6m/full".to_owned(), run(10.0 * slow, 1e-7)),
                ("cascade/sd-6m/toggle".to_owned(), toggle),
                ("ort-webgpu/sd-6m/full".to_owned(), run(60.0 * slow, peer_error)),
                ("floor/arithmetic".to_owned(), rate(1e9)),
                ("floor/memory".to_owned(), rate(1e9)),
            ])
        });
        let work = [("sd-6m".to_owned(), Work { flops: 1e7, weight_bytes: 1e6 })].into();
        Record { work, rounds: rounds.collect(), ..Record::default() }
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let text = markdown(&record(1e-7));
        assert!(text.contains("6.00× [6.00, 6.00] | 12.0× [12.0, 12.0] |"), "{text}");
        assert!(text.contains("first layer to last, ms: 16.0, 4.00; mean 10.0."), "{text}");
        assert!(text.contains("ort-webgpu 360: 6.00× [6.00, 6.00] and 20.0× [20.0, 20.0]."), "{text}");
        assert!(text.contains("| sd-6m | 0.01 | 10.0 | 1.00 | 2.00 |"), "{text}");
    }

    #[test]
    fn whoever_is_wrong_is_never_beaten() {
        for error in [2e-4, f64::NAN] {
            let text = markdown(&record(error));
            assert!(text.contains("wrong: loss off by"), "{text}");
            assert!(!text.contains("6.00×"), "{text}");
        }
    }

    #[test]
    fn a_failure_is_shown_as_one() {
        let mut record = record(1e-7);
        for round in &mut record.rounds {
            round.remove("ort-webgpu/sd-6m/full");
        }
        record.contestants.insert("ort-webgpu/sd-6m".into(), serde_json::json!({ "error": "no device" }));
        let text = markdown(&record);
        assert!(text.contains("| ort-webgpu | failed: no device |"), "{text}");
        assert!(text.contains("| tfjs | not run |"), "{text}");
    }
}
