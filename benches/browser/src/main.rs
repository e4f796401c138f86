//! Opens the benchmark page, runs the rounds, and writes after each what has been measured so far.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cascade_browser_bench::record::{Measurement, Record, Round, Work};
use cascade_browser_bench::rounds::{CONTESTANTS, Contestant, MODELS, order};
use cascade_browser_bench::tables;
use cascade_browser_tests::{Chromium, Options, Page};
use serde_json::{Value, json};
use xtask::bench::{ENGINE, FILES, PEERS, folder};
use xtask::shell::{Cmd, root};
use xtask::static_site::{Mount, StaticSite};

const USAGE: &str = "options: --rounds N  --minutes M  --only NAME,…  --out FILE.json  --table FILE.json";
/// One operation may take this long before it counts as failed; opening measures several variants.
const PATIENCE: Duration = Duration::from_secs(300);
const OPENING: Duration = Duration::from_secs(1200);
const POLL: Duration = Duration::from_millis(200);

struct Arguments {
    rounds: usize,
    /// No round begins that would not be done by then.
    budget: Option<Duration>,
    /// Names of contestants; all where empty.
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
    let mut found = Arguments { rounds: 15, budget: None, only: Vec::new(), out, table: None };
    let mut rest = std::env::args().skip(1);
    while let Some(option) = rest.next() {
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
    let mount = |prefix: &str, folder: PathBuf| Mount { prefix: prefix.into(), folder, edit: None };
    let mounts = vec![
        mount("/peers/", folder(PEERS).join("node_modules")),
        mount("/models/", folder(FILES)),
        mount("/engine/", folder(ENGINE)),
        mount("/checkpoints/", root().join("assets/checkpoints")),
        mount("/", root().join("benches/browser/page")),
    ];
    let server = StaticSite::bind(0, mounts).map_err(|failure| failure.to_string())?;
    server.start().map_err(|failure| failure.to_string())?;
    let chromium = Arc::new(Mutex::new(Chromium::start(&folder(""))?));
    let page = Page::open(chromium, &Options::default(), &format!("{}/", server.address()));
    page.go("");
    page.wait("the benchmark page is there", || (page.eval("typeof window.bench") == "object").then_some(()));

    let mut record = Record { about: about(&page), ..Record::default() };
    for model in MODELS {
        record.work.insert(model.into(), work(model)?);
    }
    let mut opened = Vec::new();
    for contestant in CONTESTANTS.iter().filter(|c| wanted(c, &arguments.only)) {
        let said =
            call(&page, &format!("bench.open({}, {})", json!(contestant.name), json!(contestant.model)), OPENING);
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
            let said = call(&page, &format!("bench.run({}, {number})", json!(key)), PATIENCE);
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

fn wanted(contestant: &Contestant, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|name| name == contestant.name)
}

/// Starts a promise in the page and looks now and then whether it has come.
fn call(page: &Page, promise: &str, patience: Duration) -> Value {
    let started = Instant::now();
    let begin = format!("(window.outcome = undefined, {promise}.then(outcome => {{ window.outcome = outcome; }}), 0)");
    let failed = |error: String| json!({ "error": error });
    if let Err(error) = page.try_eval(&begin) {
        return failed(error);
    }
    while started.elapsed() < patience {
        match page.try_eval("window.outcome") {
            Ok(Value::Null) => std::thread::sleep(POLL),
            Ok(outcome) => return outcome,
            Err(error) => return failed(error),
        }
    }
    failed(format!("not done in {} s", patience.as_secs()))
}

fn about(page: &Page) -> std::collections::BTreeMap<String, String> {
    let text = |value: Value| value.as_str().unwrap_or("unknown").to_owned();
    let processors = page.eval("String(navigator.hardwareConcurrency)");
    [
        ("adapter", text(page.eval("bench.adapter()"))),
        ("browser", text(page.eval("navigator.userAgent.match(/Chrom\\S+/)?.[0]"))),
        ("processors", text(processors)),
        ("date", text(page.eval("new Date().toISOString().slice(0, 10)"))),
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
