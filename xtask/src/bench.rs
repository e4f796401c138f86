//! `cargo xtask bench`: natively, or beside other libraries, in a browser or under Node.

use std::path::{Path, PathBuf};

use crate::cpu_engine;
use crate::install;
use crate::shell::{Cmd, Failure, root};
use crate::wasm;

/// Folders below `target/bench/`: the peers' packages, files for them, and our engine for the page.
pub const PEERS: &str = "peers";
pub const FILES: &str = "models";
pub const ENGINE: &str = "engine";

const SOURCE: &str = "benches/browser";
const CHECKPOINTS: [&str; 2] = ["assets/checkpoints/sd-6m", "assets/checkpoints/gpt2-6m"];

/// A folder of the benchmark's own, or with an empty name the one that holds them all.
pub fn folder(name: &str) -> PathBuf {
    root().join("target/bench").join(name)
}

/// Runs the benchmark; `--browser` or `--node` among the arguments chooses which.
pub fn bench(arguments: &[String]) -> Result<(), Failure> {
    let rest: Vec<&String> = arguments.iter().filter(|argument| *argument != "--browser").collect();
    let node = rest.iter().any(|argument| *argument == "--node");
    if rest.len() == arguments.len() && !node {
        return Cmd::cargo("bench --package cascade --no-default-features --features native --bench native --")
            .args(rest)
            .run();
    }
    // Tables of an earlier run need nothing of this.
    if !rest.iter().any(|argument| *argument == "--table") {
        peers()?;
        files()?;
        engine()?;
    }
    let mut driver = Cmd::cargo("run --release --quiet --package cascade-browser-bench --").args(rest);
    if !node {
        driver = driver.env("CHROME", install::chromium()?);
    }
    driver.run()
}

/// The other libraries, by exact version.
fn peers() -> Result<(), Failure> {
    install::npm()?;
    let (wanted, into) = (root().join(SOURCE).join("package.json"), folder(PEERS));
    let failed = |error: std::io::Error| Failure::new(format!("{} can't be written: {error}", into.display()));
    let list = std::fs::read(&wanted).map_err(failed)?;
    // Written last, when everything is there.
    let done = into.join("installed.json");
    if std::fs::read(&done).is_ok_and(|installed| installed == list) {
        return Ok(());
    }
    eprintln!("Installing the libraries of {SOURCE}/package.json into {}", into.display());
    std::fs::create_dir_all(&into).map_err(failed)?;
    std::fs::write(into.join("package.json"), &list).map_err(failed)?;
    let flags = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"];
    Cmd::new("npm").args(flags).args([into.to_string_lossy()]).run()?;
    std::fs::write(done, list).map_err(failed)
}

/// What the peers run, and the float64 answers, made from our checkpoints.
fn files() -> Result<(), Failure> {
    let python = install::bench_python()?;
    let out = folder(FILES);
    Cmd::new(&python.to_string_lossy())
        .args(["-m", "benches.browser.export_onnx", &out.to_string_lossy()])
        .args(CHECKPOINTS)
        .args(["--golden", "tests/golden"])
        .run()
}

/// Our engine with the page's own profile, flags and finish.
fn engine() -> Result<(), Failure> {
    install::site_tools()?;
    let target = "wasm32-unknown-unknown";
    Cmd::cargo("build --package cascade-bench-engine --profile web --target").args([target]).run()?;
    let built = root().join("target").join(target).join("web/bench.wasm");
    let out = folder(ENGINE);
    Cmd::new("wasm-bindgen")
        .args(["--target", "web", "--no-typescript", "--out-dir"])
        .args([out.as_path(), built.as_path()].map(Path::to_string_lossy))
        .run()?;
    wasm::strip_folder(&out)?;
    cpu_engine::build_into(&out.join("cpu-engine"))
}
