//! Opens the contestants in Chromium or under Node, runs the rounds, and writes after each what has been measured so far.

mod host;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use cascade_browser_bench::record::{Measurement, Record, Round, Work};
use cascade_browser_bench::rounds::{CONTESTANTS, Contestant, MODELS, on_cpu, order};
use cascade_browser_bench::tables;
use host::Host;
use serde_json::{Value, json};
use xtask::bench::{FILES, folder};
use xtask::shell::Cmd;

const USAGE: &str = "options: --node  --rounds N  --minutes M  --only NAME,…  --out FILE.json  --table FILE.json";
/// One operation may take this long before it counts as failed; opening measures several variants.
const PATIENCE: Duration = Duration::from_secs(300);
const OPENING: Duration = Duration::from_secs(1200);

struct Arguments {
    /// Node in the place of Chromium.
    node: bool,
    rounds: usize,
    /// No round begins that would not be done by then.
    budget: Option<Duration>,
    /// Names of contestants; where empty all, of which those on the CPU need a browser.
    only: Vec<String>,
    out: PathBuf,
    table: Option<PathBuf>,
}

fn main() -> ExitCode {
    match arguments().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Arguments, String> {
    let out = folder("").join("browser.json");
    let mut found = Arguments { node: false, rounds: 15, budget: None, only: Vec::new(), out, table: None };
    let mut rest = std::env::args().skip(1);
    while let Some(option) = rest.next() {
        if option == "--node" {
            found.node = true;
            continue;
        }
        let value = rest.next().ok_or_else(|| format!("{option} needs a value; {USAGE}"))?;
        let number =
            || value.parse::<f64>().ok().filter(|n| *n > 0.0).ok_or(format!("{option}: `{value}` is no number"));
        match option.as_str() {
            "--rounds" => found.rounds = number()?.ceil() as usize,
            "--minutes" => found.budget = Some(Duration::from_secs_f64(60.0 * number()?)),
            "--only" => found.only = value.split(',').map(str::to_owned).collect(),
            "--out" => found.out = value.into(),
            "--table" => found.table = Some(value.into()),
            other => return Err(format!("unknown option `{other}`; {USAGE}")),
        }
    }
    Ok(found)
}

fn run(arguments: Arguments) -> Result<(), String> {
    if let Some(file) = &arguments.table {
        println!("{}", tables::markdown(&Record::read(file)?));
        return Ok(());
    }
    let begun = Instant::now();
    let mut host = if arguments.node { Host::node()? } else { Host::chromium()? };

    let mut record = Record { about: about(&mut host), ..Record::default() };
    for model in MODELS {
        record.work.insert(model.into(), work(model)?);
    }
    let mut opened = Vec::new();
    for contestant in CONTESTANTS.iter().filter(|c| wanted(c, &arguments)) {
        let said = host.call(&format!("bench.open({}, {})", json!(contestant.name), json!(contestant.model)), OPENING);
        eprintln!(
            "{:>7.1} s  {} {}: {}",
            begun.elapsed().as_secs_f64(),
            contestant.name,
            contestant.model,
            brief(&said)
        );
        let names = said["operations"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in names {
            if !opened.iter().any(|known| known == name) {
                opened.push(name.to_owned());
            }
        }
        let kept = if said["error"].is_null() { said["facts"].clone() } else { json!({ "error": said["error"] }) };
        record.contestants.insert(format!("{}/{}", contestant.name, contestant.model), kept);
        record.write(&arguments.out)?;
    }

    let mut longest = Duration::ZERO;
    for number in 0..arguments.rounds {
        if number > 0 && arguments.budget.is_some_and(|budget| begun.elapsed() + longest > budget) {
            eprintln!("the time is up after {number} rounds");
            break;
        }
        let started = Instant::now();
        let mut round = Round::new();
        for key in order(&opened, number) {
            let said = host.call(&format!("bench.run({}, {number})", json!(key)), PATIENCE);
            let measured = serde_json::from_value::<Measurement>(said)
                .unwrap_or_else(|error| Measurement { error: Some(error.to_string()), ..Measurement::default() });
            round.insert(key, measured);
        }
        record.rounds.push(round);
        record.write(&arguments.out)?;
        longest = longest.max(started.elapsed());
        eprintln!("{:>7.1} s  round {} of {}", begun.elapsed().as_secs_f64(), number + 1, arguments.rounds);
    }
    println!("{}", tables::markdown(&record));
    eprintln!("also in {}", arguments.out.display());
    Ok(())
}

fn wanted(contestant: &Contestant, arguments: &Arguments) -> bool {
    let only = &arguments.only;
    if only.is_empty() {
        !(arguments.node && on_cpu(contestant.name))
    } else {
        only.iter().any(|name| name == contestant.name)
    }
}

fn about(host: &mut Host) -> std::collections::BTreeMap<String, String> {
    let mut text = |expression| host.call(expression, PATIENCE).as_str().unwrap_or("unknown").to_owned();
    [
        ("adapter", text("bench.adapter()")),
        ("browser", text("navigator.userAgent.match(/(Chrom|Node)\\S+/)?.[0]")),
        ("processors", text("String(navigator.hardwareConcurrency)")),
        ("date", text("new Date().toISOString().slice(0, 10)")),
        ("commit", Cmd::new("git").args(["rev-parse", "--short", "HEAD"]).output().unwrap_or("unknown".into())),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn work(model: &str) -> Result<Work, String> {
    let path = folder(FILES).join(format!("{model}.answers.json"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let answers: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let number = |key: &str| answers[key].as_f64().ok_or_else(|| format!("{}: no {key}", path.display()));
    Ok(Work { flops: number("flops")?, weight_bytes: number("weight_bytes")? })
}

fn brief(said: &Value) -> String {
    let text = if said["error"].is_null() { said["facts"].to_string() } else { format!("FAILED: {}", said["error"]) };
    text.chars().take(400).collect()
}
