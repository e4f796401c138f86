//! The built site on a server of its own, and the one browser that visits it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use xtask::static_site::{Mount, Reply, StaticSite};

use crate::chromium::Chromium;
use crate::{Outcome, Page};

/// The site as it should be, from a folder below the server's root.
const WHOLE: &str = "/sub/path/";
/// The same with slowly sent weights.
const SLOW: &str = "/slow/path/";
/// The same with the default model's weights cut short.
const TRUNCATED: &str = "/truncated/path/";
/// The same with noise for the default model's weights.
const GARBAGE: &str = "/garbage/path/";
/// The same for a browser that knows no SIMD: to it that module is nonsense.
const SCALAR: &str = "/scalar/path/";
/// The same without any CPU engine that works.
const NO_ENGINE: &str = "/no-engine/path/";

/// How a visit differs from a plain one on a laptop.
#[derive(Clone)]
pub struct Options {
    /// The folder of the server that is visited; the constructors choose it.
    pub folder: &'static str,
    /// Width and height of the window.
    pub size: (u32, u32),
    /// Whether the system asks for dark colours.
    pub dark: bool,
    /// JavaScript that runs before the page's own.
    pub before: Option<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self { folder: WHOLE, size: (1280, 720), dark: false, before: None }
    }
}

impl Options {
    /// Weights arrive over some seconds.
    pub fn slow() -> Self {
        Self { folder: SLOW, ..Self::default() }
    }

    /// The default model's file ends in the middle of its weights.
    pub fn truncated() -> Self {
        Self { folder: TRUNCATED, ..Self::default() }
    }

    /// The default model's file is noise.
    pub fn garbage() -> Self {
        Self { folder: GARBAGE, ..Self::default() }
    }

    /// The CPU engine's SIMD module does not compile.
    pub fn scalar() -> Self {
        Self { folder: SCALAR, ..Self::default() }
    }

    /// No module of the CPU engine compiles.
    pub fn no_engine() -> Self {
        Self { folder: NO_ENGINE, ..Self::default() }
    }
}

/// The site and the browser.
pub struct Site {
    server: StaticSite,
    chromium: Arc<Mutex<Chromium>>,
}

impl Site {
    /// Serves `dist/` and starts the browser.
    pub fn open() -> Outcome<Self> {
        let dist = std::env::var_os("CASCADE_DIST").map_or_else(xtask::site::dist, PathBuf::from);
        if !dist.join("index.html").is_file() {
            return Err(format!("{} holds no site: run `cargo xtask build` first", dist.display()));
        }
        let mount = |prefix: &str, edit| Mount { prefix: prefix.to_owned(), folder: dist.clone(), edit };
        let mounts = vec![
            mount(WHOLE, None),
            mount(SLOW, Some(slow_down)),
            mount(TRUNCATED, Some(truncate)),
            mount(GARBAGE, Some(garble)),
            mount(SCALAR, Some(break_simd)),
            mount(NO_ENGINE, Some(break_engine)),
        ];
        let server = StaticSite::bind(0, mounts).map_err(|failure| failure.to_string())?;
        server.start();
        let folder = output_folder();
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { server, chromium: Arc::new(Mutex::new(Chromium::start(&folder)?)) })
    }

    /// Opens the page with a URL fragment (without its `#`) in a fresh profile, lets `test` use it, and then checks
    /// what must hold of every visit: no error on the console and no request to another server.
    pub fn visit(&self, fragment: &str, test: impl FnOnce(&Page)) {
        self.visit_with(&Options::default(), fragment, test);
    }

    /// The same with options.
    pub fn visit_with(&self, options: &Options, fragment: &str, test: impl FnOnce(&Page)) {
        let address = format!("{}{}", self.server.address(), options.folder);
        let page = Page::open(Arc::clone(&self.chromium), options, &address);
        page.go(fragment);
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&page)));
        let problems = page.problems();
        if let Err(panic) = outcome {
            for problem in problems {
                eprintln!("also on the console: {problem}");
            }
            resume_unwind(panic);
        }
        assert!(problems.is_empty(), "the page had problems:\n{}", problems.join("\n"));
    }
}

/// Where the browser's log and profile go.
fn output_folder() -> PathBuf {
    xtask::shell::root().join("target/browser")
}

fn slow_down(path: &str, reply: &mut Reply) {
    if path.ends_with("model.safetensors") {
        reply.pause = Some(Duration::from_millis(80));
    }
}

fn truncate(path: &str, reply: &mut Reply) {
    if path.ends_with("sd-6m/model.safetensors") {
        reply.body.truncate(reply.body.len() / 2);
    }
}

fn garble(path: &str, reply: &mut Reply) {
    if path.ends_with("sd-6m/model.safetensors") {
        let mut state = 1_u32;
        for byte in &mut reply.body {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
    }
}

fn break_simd(path: &str, reply: &mut Reply) {
    if path.ends_with("simd.wasm") {
        // The header, then no section that there is.
        reply.body.truncate(8);
        reply.body.push(0xff);
    }
}

fn break_engine(path: &str, reply: &mut Reply) {
    break_simd(path, reply);
    if path.ends_with("scalar.wasm") {
        reply.body.truncate(100);
    }
}
