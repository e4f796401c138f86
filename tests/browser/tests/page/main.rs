//! What the page promises, each promise a test. They share one browser and run one after another: the software
//! adapter uses every core as it is.

mod access;
mod compare;
mod cost;
mod downloads;
mod explain;
mod export;
mod fallback;
mod first_view;
mod heads;
mod hostile;
mod links;
mod look;
mod maps;
mod offline;
mod shaders;
mod share;
mod spectra;
mod sweep;
mod text;
mod toggles;
mod zoo;

use std::process::ExitCode;
use std::sync::Arc;

use cascade_browser_tests::Site;
use libtest_mimic::{Arguments, Trial};

/// A test by name. It panics to fail.
type Test = (&'static str, fn(&Site));

fn main() -> ExitCode {
    // Where a test failed and why; a backtrace would lead through the harness only.
    std::panic::set_hook(Box::new(|panic| eprintln!("\n{panic}")));
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let tests = [
        first_view::TESTS,
        toggles::TESTS,
        text::TESTS,
        links::TESTS,
        hostile::TESTS,
        fallback::TESTS,
        zoo::TESTS,
        sweep::TESTS,
        cost::TESTS,
        maps::TESTS,
        spectra::TESTS,
        heads::TESTS,
        downloads::TESTS,
        offline::TESTS,
        look::TESTS,
        share::TESTS,
        export::TESTS,
        compare::TESTS,
        explain::TESTS,
        access::TESTS,
        shaders::TESTS,
    ];
    let site = match Site::open() {
        Ok(site) => Arc::new(site),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let trial = |(name, test): &Test| {
        let (site, test) = (Arc::clone(&site), *test);
        Trial::test(*name, move || {
            test(&site);
            Ok(())
        })
    };
    let conclusion = libtest_mimic::run(&arguments, tests.into_iter().flatten().map(trial).collect());
    // Dropping the site ends the browser, which `Conclusion::exit` would leave behind.
    drop(site);
    conclusion.exit_code()
}

/// The modes of a model of 12 layers whose first `count` layers are in `mode` and the others as trained.
fn first_layers(mode: &'static str, count: usize) -> [&'static str; 12] {
    std::array::from_fn(|layer| if layer < count { mode } else { "softmax" })
}

/// Link keys for the text that the oracle's numbers are about.
fn oracle_text() -> String {
    format!("v=1&t={}", cascade_browser_tests::encode(&cascade_browser_tests::oracle::text()))
}
