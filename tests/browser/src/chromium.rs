//! Starting and ending a headless Chromium of our own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::devtools::Devtools;

/// WebGPU on the software adapter. `--disable-gpu` and `--enable-unsafe-swiftshader` would take it away.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--enable-unsafe-webgpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
];
const START: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(10);

/// A running browser with a profile of its own; both go when it is dropped.
pub struct Chromium {
    process: Child,
    profile: PathBuf,
    /// The connection to it.
    pub devtools: Devtools,
}

impl Chromium {
    /// Starts Chromium with an empty profile below `folder`, where its log goes too. `CHROME_FLAGS` may hold further flags,
    /// such as a machine's own GPU takes.
    pub fn start(folder: &Path) -> Outcome<Self> {
        let program = xtask::install::find_chromium()
            .ok_or("there is no Chromium: `cargo xtask test` installs one, or set CHROME to its path")?;
        let profile = folder.join(format!("profile-{}", std::process::id()));
        std::fs::create_dir_all(&profile).map_err(|error| format!("{}: {error}", profile.display()))?;
        let log = File::create(folder.join("chromium.log")).map_err(|error| format!("chromium.log: {error}"))?;
        let more = std::env::var("CHROME_FLAGS").unwrap_or_default();
        let mut process = Command::new(&program)
            .args(FLAGS)
            .args(more.split_whitespace())
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{} can't be started: {error}", program.display()))?;
        match connect(&mut process, &profile) {
            Ok(devtools) => Ok(Self { process, profile, devtools }),
            Err(error) => {
                end(&mut process, &profile);
                Err(error)
            }
        }
    }
}

/// The browser writes its port and the path of its endpoint into the profile once it listens.
fn connect(process: &mut Child, profile: &Path) -> Outcome<Devtools> {
    let started = Instant::now();
    while started.elapsed() < START {
        if let Ok(Some(status)) = process.try_wait() {
            return Err(format!("Chromium ended at once ({status}); see target/browser/chromium.log"));
        }
        let written = std::fs::read_to_string(profile.join("DevToolsActivePort")).unwrap_or_default();
        if let Some((port, path)) = written.split_once('\n')
            && let Ok(port) = port.parse()
            && !path.is_empty()
        {
            return Devtools::connect(port, path.trim());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(format!("Chromium did not listen within {} s; see target/browser/chromium.log", START.as_secs()))
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Asked first, so that it ends its own helper processes. It may hang up before it answers.
        let _ = self.devtools.call(None, "Browser.close", json!({}));
        end(&mut self.process, &self.profile);
    }
}

fn end(process: &mut Child, profile: &Path) {
    let asked = Instant::now();
    while asked.elapsed() < END && matches!(process.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = process.kill();
    let _ = process.wait();
    let _ = std::fs::remove_dir_all(profile);
}
