//! The built site on a server of its own, and the one browser that visits it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use xtask::static_site::{Edit, Mount, Reply, StaticSite};

use crate::chromium::Chromium;
use crate::{Outcome, Page};

/// The site as it should be, from a folder below the server's root.
const WHOLE: &str = "/sub/path/";
/// The same with slowly sent weights.
const SLOW: &str = "/slow/path/";
/// The same from a server that sends only whole files.
const WITHOUT_RANGES: &str = "/whole/files/";
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
    /// Whether requests may fail: the browser then writes errors to the console on its own.
    pub requests_fail: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { folder: WHOLE, size: (1280, 720), dark: false, before: None, requests_fail: false }
    }
}

impl Options {
    /// Weights arrive over some seconds.
    pub fn slow() -> Self {
        Self { folder: SLOW, ..Self::default() }
    }

    /// The same from a server that knows no ranges.
    pub fn without_ranges() -> Self {
        Self { folder: WITHOUT_RANGES, ..Self::default() }
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

/// What the server saw, and how tests change its mind.
#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<String>>,
    broken: AtomicBool,
    updated: AtomicBool,
}

impl Seen {
    /// Notes a request as `path` or `path bytes=5-`.
    fn note(&self, path: &str, reply: &Reply) {
        let range = reply.range.as_deref().map(|range| format!(" {range}")).unwrap_or_default();
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{path}{range}"));
    }

    fn change(&self, path: &str, reply: &mut Reply) {
        if self.broken.load(Ordering::Relaxed) && path.ends_with("model.safetensors") {
            reply.status = 503;
        }
        if self.updated.load(Ordering::Relaxed) && (path.is_empty() || path == "index.html") {
            let page =
                String::from_utf8_lossy(&reply.body).replace("</head>", "<meta name=\"build\" content=\"2\"></head>");
            reply.body = page.into_bytes();
        }
    }
}

/// The site and the browser.
pub struct Site {
    server: StaticSite,
    seen: Arc<Seen>,
    chromium: Arc<Mutex<Chromium>>,
}

impl Site {
    /// Serves `dist/` and starts the browser.
    pub fn open() -> Outcome<Self> {
        let dist = std::env::var_os("CASCADE_DIST").map_or_else(xtask::site::dist, PathBuf::from);
        if !dist.join("index.html").is_file() {
            return Err(format!("{} holds no site: run `cargo xtask build` first", dist.display()));
        }
        let seen = Arc::new(Seen::default());
        let mount = |prefix: &str, change: fn(&str, &mut Reply)| {
            let seen = Arc::clone(&seen);
            let edit: Edit = Arc::new(move |path, reply| {
                seen.note(path, reply);
                seen.change(path, reply);
                change(path, reply);
            });
            Mount { prefix: prefix.to_owned(), folder: dist.clone(), edit: Some(edit) }
        };
        let mounts = vec![
            mount(WHOLE, |_, _| {}),
            mount(SLOW, slow_down),
            mount(WITHOUT_RANGES, |path, reply| {
                slow_down(path, reply);
                reply.range = None;
            }),
            mount(TRUNCATED, truncate),
            mount(GARBAGE, garble),
            mount(SCALAR, break_simd),
            mount(NO_ENGINE, break_engine),
        ];
        let server = StaticSite::bind(0, mounts).map_err(|failure| failure.to_string())?;
        server.start().map_err(|failure| failure.to_string())?;
        let folder = output_folder();
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { server, seen, chromium: Arc::new(Mutex::new(Chromium::start(&folder)?)) })
    }

    /// Opens the page with a URL fragment (without its `#`) in a fresh profile, lets `test` use it, and then checks
    /// what must hold of every visit: no error on the console and no request to another server.
    pub fn visit(&self, fragment: &str, test: impl FnOnce(&Page)) {
        self.visit_with(&Options::default(), fragment, test);
    }

    /// What was requested since the last call, in order: paths in the site's folder, with the range if one was asked
    /// for.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the server fails on weights.
    pub fn break_weights(&self, broken: bool) {
        self.seen.broken.store(broken, Ordering::Relaxed);
    }

    /// Whether the start page is that of a newer build: with `<meta name="build" content="2">`.
    pub fn update_page(&self, updated: bool) {
        self.seen.updated.store(updated, Ordering::Relaxed);
    }

    /// The same with options.
    pub fn visit_with(&self, options: &Options, fragment: &str, test: impl FnOnce(&Page)) {
        let address = format!("{}{}", self.server.address(), options.folder);
        let page = Page::open(Arc::clone(&self.chromium), options, &address);
        page.go(fragment);
        let outcome = catch_unwind(AssertUnwindSafe(|| test(&page)));
        let mut problems = page.problems();
        if options.requests_fail {
            problems.retain(|problem| !problem.contains("Failed to load resource"));
        }
        self.break_weights(false);
        self.update_page(false);
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
