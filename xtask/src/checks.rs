//! `cargo xtask test`: everything that a change must pass, the quickest to fail first.
//!
//! Nothing is compiled twice. The native steps share the dev profile and features; clippy and the documentation of
//! the page use the site's own profile, so that the build tools that they compile serve trunk as well.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::install;
use crate::shell::{Cmd, Failure, root};
use crate::site;

/// The page as cargo sees it.
const PAGE: &str =
    "--package cascade --no-default-features --features ui --target wasm32-unknown-unknown --profile web";
const BROWSER_TESTS: &str = "cascade-browser-tests";

type Step = fn(&mut Tally) -> Result<(), Failure>;

const STEPS: &[(&str, Step)] = &[
    ("format", |_| Cmd::cargo("fmt --all --check").run()),
    ("clippy, native", |_| Cmd::cargo("clippy --workspace --all-targets -- -D warnings").run()),
    ("clippy, wasm32", clippy_page),
    ("documentation", documentation),
    ("tests of the core", core_tests),
    ("tests of the training code and the benchmark's files", training_tests),
    ("site", build_site),
    ("tests in the browser", browser_tests),
];

/// Runs every step, stops at the first that fails, and sums up.
pub fn run_all() -> Result<(), Failure> {
    let mut tally = Tally::default();
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for (name, step) in STEPS {
        println!("\n== {name}");
        let started = Instant::now();
        outcome = step(&mut tally).map_err(|failure| Failure::new(format!("{name}: {failure}")));
        times.push((name, started.elapsed(), outcome.is_ok()));
        if outcome.is_err() {
            break;
        }
    }
    println!("\n== summary");
    for (name, time, passed) in &times {
        println!("{:>7}  {:>6}  {name}", if *passed { "passed" } else { "FAILED" }, seconds(*time));
    }
    for (name, _) in &STEPS[times.len()..] {
        println!("{:>7}  {:>6}  {name}", "not run", "");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    outcome
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

fn clippy_page(_: &mut Tally) -> Result<(), Failure> {
    install::site_tools()?;
    // Bans what blocks or panics on the page's main thread; natively the same calls are fine.
    let rules = root().join("xtask/wasm32");
    Cmd::cargo(&format!("clippy {PAGE} --lib --bin cascade-web -- -D warnings")).env("CLIPPY_CONF_DIR", rules).run()
}

fn documentation(_: &mut Tally) -> Result<(), Failure> {
    let deny = "-D warnings";
    Cmd::cargo("doc --workspace --no-deps").env("RUSTDOCFLAGS", deny).run()?;
    Cmd::cargo(&format!("doc {PAGE} --lib --no-deps")).env("RUSTDOCFLAGS", deny).run()
}

fn core_tests(tally: &mut Tally) -> Result<(), Failure> {
    let mut tests = Cmd::cargo("test --workspace --no-fail-fast --exclude").args([BROWSER_TESTS]);
    for (key, value) in install::vulkan_adapter()? {
        eprintln!("{key}={}", value.display());
        tests = tests.env(key, OsString::from(value));
    }
    tests.run_watched(|line| tally.read(line))
}

fn training_tests(tally: &mut Tally) -> Result<(), Failure> {
    let python = install::training_python()?;
    Cmd::new(&python.to_string_lossy())
        .args(["-m", "pytest", "-q", "training/tests", "benches/browser"])
        .run_watched(|line| tally.read(line))
}

fn build_site(_: &mut Tally) -> Result<(), Failure> {
    install::brotli()?;
    site::build()
}

fn browser_tests(tally: &mut Tally) -> Result<(), Failure> {
    let chromium = install::chromium()?;
    install::axe()?;
    Cmd::cargo("test --package").args([BROWSER_TESTS]).env("CHROME", chromium).run_watched(|line| tally.read(line))
}

/// How many tests passed and failed, read from what the test programs print.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    /// Adds the counts of a line such as `test result: ok. 3 passed; 0 failed; …` or pytest's `3 passed in 0.1s`.
    fn read(&mut self, line: &str) {
        let closing = ["test result:", " passed in ", " failed in ", " passed, ", " failed, "];
        if closing.iter().any(|part| line.contains(part)) {
            self.passed += count_before(line, "passed");
            self.failed += count_before(line, "failed");
        }
    }
}

fn count_before(line: &str, what: &str) -> usize {
    let words: Vec<&str> =
        line.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == what).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn counts_come_from_cargo_and_from_pytest() {
        let mut tally = Tally::default();
        tally.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        tally.read("4 passed, 1 warning in 0.50s");
        tally.read("========== 1 failed, 5 passed in 0.12s ==========");
        tally.read("test forward_passed ... ok");
        assert_eq!((tally.passed, tally.failed), (24, 3));
    }
}
