//! `cargo xtask report`: the page's report, natively. The report goes to standard output, all else to
//! standard error; bad input gives one line there and exit code 2.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use cascade::checkpoint;
use cascade::engine::{Engine, Gpu, Session};
use cascade::model::{LayerMode, Slot, parse_modes};
use cascade::report::{ModelSummary, Report, layer_reports};
use cascade::script;
use cascade::text::Tokenizer;

const USAGE: &str = "usage: cargo xtask report CHECKPOINT_DIR --text FILE [--tokens N] [--modes M] [--sweep] [--spectra] [--engine gpu|cpu] [--script]";

/// The modes that `--sweep` goes through.
const SWEPT: [LayerMode; 4] = [LayerMode::Linearized, LayerMode::Elu1, LayerMode::Uniform, LayerMode::Off];

struct Arguments {
    checkpoint: PathBuf,
    text: PathBuf,
    tokens: Option<usize>,
    modes: Option<String>,
    sweep: bool,
    spectra: bool,
    cpu: bool,
    /// A Python script that computes the figures again, in place of the report.
    script: bool,
}

fn main() -> ExitCode {
    let result = arguments(std::env::args().skip(1)).and_then(|a| Ok((pollster::block_on(report(&a))?, a.script)));
    let written = result.and_then(|(report, as_script)| {
        let text = if as_script {
            script::python(&report, None)
        } else {
            serde_json::to_string(&report).map_err(|e| e.to_string())? + "\n"
        };
        std::io::stdout().write_all(text.as_bytes()).map_err(|e| e.to_string())
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Nothing is left to tell if standard error itself is closed.
            let _ = writeln!(std::io::stderr(), "{}", message.replace('\n', " "));
            ExitCode::from(2)
        }
    }
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut checkpoint, mut text, mut tokens, mut modes) = (None, None, None, None);
    let (mut sweep, mut spectra, mut cpu, mut script) = (false, false, false, false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value; {USAGE}"));
        match word.as_str() {
            "--text" => text = Some(PathBuf::from(value()?)),
            "--tokens" => {
                let found = value()?;
                tokens = Some(found.parse().map_err(|_| format!("--tokens {found} is not a whole number"))?);
            }
            "--modes" => modes = Some(value()?),
            "--sweep" => sweep = true,
            "--spectra" => spectra = true,
            "--script" => script = true,
            "--engine" => {
                cpu = match value()?.as_str() {
                    "cpu" => true,
                    "gpu" => false,
                    other => return Err(format!("--engine {other}: use gpu or cpu")),
                }
            }
            _ if word.starts_with("--") => return Err(format!("{word} is not known; {USAGE}")),
            _ if checkpoint.is_none() => checkpoint = Some(PathBuf::from(word)),
            _ => return Err(format!("one checkpoint folder only, '{word}' is too many; {USAGE}")),
        }
    }
    let (checkpoint, text) = (checkpoint.ok_or(USAGE)?, text.ok_or(USAGE)?);
    Ok(Arguments { checkpoint, text, tokens, modes, sweep, spectra, cpu, script })
}

async fn report(a: &Arguments) -> Result<Report, String> {
    let start = Instant::now();
    let weights = read(&a.checkpoint.join("model.safetensors"))?;
    let at = |e| format!("{}: {e}", a.checkpoint.display());
    let model = checkpoint::read(&read(&a.checkpoint.join("config.json"))?, &weights).map_err(|e| at(e.to_string()))?;
    let sha256 = checkpoint::sha256_hex(&weights);
    drop(weights);
    let (layers, context, trained) = (model.config.layers, model.config.context, model.config.trained.clone());

    let tokenizer = Tokenizer::from_json(&read(&tokenizer_beside(&a.checkpoint)?)?).map_err(|e| e.to_string())?;
    let text = String::from_utf8(read(&a.text)?).map_err(|_| format!("{} is not UTF-8 text", a.text.display()))?;
    let wanted = a.tokens.unwrap_or(context);
    if wanted < 2 || wanted > context {
        return Err(format!("--tokens {wanted}: the model takes 2 to {context}"));
    }
    let ids = tokenizer.encode(&text, wanted).map_err(|e| format!("{}: {e}", a.text.display()))?.ids;
    let modes = a.modes.as_deref().map_or(Ok(trained.clone()), |m| parse_modes(m, &trained));
    let modes = modes.map_err(|e| format!("--modes: {e}"))?;

    let engine = if a.cpu {
        Engine::cpu()
    } else {
        Engine::gpu(&Gpu::request().await.map_err(|e| format!("no GPU: {e}; or use --engine cpu"))?)
    };
    let name = name(&a.checkpoint);
    let summary = ModelSummary::new(&name, &sha256, &model);
    let mut session = Session::new(engine, Arc::new(model)).map_err(|e| e.to_string())?;
    session.set_tokens(&ids).map_err(|e| e.to_string())?;
    let mut timings = vec![("load", milliseconds(start))];

    let start = Instant::now();
    let baseline = session.run(Slot::Baseline, &trained).await.map_err(|e| e.to_string())?;
    timings.push(("forward", milliseconds(start)));
    let start = Instant::now();
    let modified = session.run(Slot::Modified, &modes).await.map_err(|e| e.to_string())?;
    timings.push(("toggle", milliseconds(start)));

    let mut report = Report::new(summary, &session, &baseline, &modified);
    if a.spectra {
        let start = Instant::now();
        report.spectra = Some(layer_reports(&session.spectra().await.map_err(|e| e.to_string())?));
        timings.push(("spectra", milliseconds(start)));
    }
    if a.sweep {
        let mut sweeps = std::collections::BTreeMap::new();
        for mode in SWEPT {
            let mut curve = vec![None; layers + 1];
            session.sweep(mode, |k, perplexity| curve[k] = perplexity).await.map_err(|e| e.to_string())?;
            sweeps.insert(mode.to_string(), curve);
        }
        report.sweep = Some(sweeps);
    }
    report.timings_ms = timings.into_iter().map(|(name, ms)| (name.to_string(), ms)).collect();
    Ok(report)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The folder's name: a checkpoint's id.
fn name(folder: &Path) -> String {
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    absolute.file_name().map_or_else(|| "checkpoint".into(), |n| n.to_string_lossy().into_owned())
}

/// `tokenizer.json` in the checkpoint's folder, or in the one above.
fn tokenizer_beside(checkpoint: &Path) -> Result<PathBuf, String> {
    let folder = checkpoint.canonicalize().map_err(|e| format!("{}: {e}", checkpoint.display()))?;
    let places = [Some(folder.as_path()), folder.parent()];
    let found = places.into_iter().flatten().map(|p| p.join("tokenizer.json")).find(|p| p.is_file());
    found.ok_or_else(|| format!("no tokenizer.json in {} or the folder above", checkpoint.display()))
}

fn milliseconds(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1e5).round() / 100.0
}
