//! `cargo xtask serve | build | test | report | bench`.

use std::process::ExitCode;

use xtask::shell::{Cmd, Failure};
use xtask::{bench, checks, cpu_engine, site};

const USAGE: &str = "usage: cargo xtask COMMAND

  serve [--port N] [--no-open]   build the site, serve it on this machine and open it in the browser
  build                          build the site into dist/ and print its size
  test                           everything that a change must pass
  report CHECKPOINT_DIR --text FILE [--tokens N] [--modes M] [--sweep] [--spectra] [--engine gpu|cpu] [--script]
                                 run a model natively and print its report (JSON) on standard output, or with
                                 --script a Python script that computes the same figures again in float64
  bench [--only NAME,…] [--checkpoints DIR] [--json FILE]
                                 natively: kernels, stages of a run, toggles, spectra, sweeps, long texts
  bench --browser [--rounds N] [--minutes M] [--only NAME,…] [--out FILE] [--table FILE]
                                 our engine beside onnxruntime-web, TensorFlow.js and jax-js in one page
  bench --node …                 the same under Node 26 in the place of a browser

Each command installs what it needs and says so.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match command {
        "serve" => site::serve(rest),
        "build" => no_more(rest).and_then(|()| site::build()),
        "test" => no_more(rest).and_then(|()| checks::run_all()),
        "report" => return report(rest),
        "bench" => bench::bench(rest),
        // A step of `build`, called by trunk.
        "cpu-engine" => no_more(rest).and_then(|()| cpu_engine::add_to_page()),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(Failure::new(format!("unknown command `{other}`\n\n{USAGE}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn no_more(rest: &[String]) -> Result<(), Failure> {
    match rest {
        [] => Ok(()),
        [first, ..] => Err(Failure::new(format!("unexpected argument `{first}`\n\n{USAGE}"))),
    }
}

/// Only the report goes to standard output, and the exit code is the report's own (0, or 2 on bad input), so that
/// scripts can rely on both.
fn report(arguments: &[String]) -> ExitCode {
    let run = Cmd::cargo_here("run --release --quiet --package cascade --no-default-features --features native")
        .args(["--bin", "cascade-report", "--"])
        .args(arguments)
        .code();
    match run {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
