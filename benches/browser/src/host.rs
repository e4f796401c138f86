//! Where the contestants run: a page in Chromium, or the page's modules under Node.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cascade_browser_tests::{Chromium, Options, Page};
use serde_json::{Value, json};
use xtask::bench::{ENGINE, FILES, PEERS, folder};
use xtask::shell::root;
use xtask::static_site::{Mount, StaticSite};

const START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);

pub enum Host {
    Chromium(Page),
    Node(Node),
}

impl Host {
    pub fn chromium() -> Result<Self, String> {
        let mount = |(prefix, folder): (&str, PathBuf)| Mount { prefix: prefix.into(), folder, edit: None };
        let page = ("/", root().join("benches/browser/page"));
        let server = StaticSite::bind(0, mounts().into_iter().chain([page]).map(mount).collect())
            .map_err(|failure| failure.to_string())?;
        server.start().map_err(|failure| failure.to_string())?;
        let chromium = Arc::new(Mutex::new(Chromium::start(&folder(""))?));
        let page = Page::open(chromium, &Options::default(), &format!("{}/", server.address()));
        page.go("");
        page.wait("the benchmark page is there", || (page.eval("typeof window.bench") == "object").then_some(()));
        Ok(Self::Chromium(page))
    }

    pub fn node() -> Result<Self, String> {
        let mut host = Node::start().map(Self::Node).map_err(|error| format!("node: {error}"))?;
        match host.call("typeof window.bench", START) {
            Value::String(found) if found == "object" => Ok(host),
            other => Err(format!("node.mjs did not start: {other}; it needs Node 26, in NODE or on the path")),
        }
    }

    /// The value of an expression, awaited; an `error` where it fails or takes too long.
    pub fn call(&mut self, expression: &str, patience: Duration) -> Value {
        let outcome = match self {
            Self::Chromium(page) => call_in_page(page, expression, patience),
            Self::Node(node) => node.call(expression, patience),
        };
        outcome.unwrap_or_else(|error| json!({ "error": error }))
    }
}

/// Where the page's paths lie.
fn mounts() -> [(&'static str, PathBuf); 4] {
    [
        ("/peers/", folder(PEERS).join("node_modules")),
        ("/models/", folder(FILES)),
        ("/engine/", folder(ENGINE)),
        ("/checkpoints/", root().join("assets/checkpoints")),
    ]
}

/// Starts a promise in the page and looks now and then whether it has come.
fn call_in_page(page: &Page, expression: &str, patience: Duration) -> Result<Value, String> {
    let started = Instant::now();
    page.try_eval(&format!(
        "(window.outcome = undefined, Promise.resolve({expression}).then(outcome => {{ window.outcome = outcome; }}), 0)"
    ))?;
    while started.elapsed() < patience {
        match page.try_eval("window.outcome")? {
            Value::Null => std::thread::sleep(POLL),
            outcome => return Ok(outcome),
        }
    }
    Err(format!("not done in {} s", patience.as_secs()))
}

/// `node.mjs`, which answers a line with a line.
pub struct Node {
    child: Child,
    input: ChildStdin,
    answers: Receiver<String>,
}

impl Node {
    fn start() -> std::io::Result<Self> {
        let mounts = mounts().map(|(prefix, folder)| format!("{prefix}={}", folder.display()));
        let mut child = Command::new(std::env::var_os("NODE").unwrap_or("node".into()))
            .arg(root().join("benches/browser/node.mjs"))
            .args(mounts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = child.stdin.take().zip(child.stdout.take()).expect("both are piped");
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Ok(Self { child, input, answers })
    }

    fn call(&mut self, expression: &str, patience: Duration) -> Result<Value, String> {
        writeln!(self.input, "{expression}").map_err(|error| format!("node: {error}"))?;
        let line = self.answers.recv_timeout(patience).map_err(|error| {
            // A late answer would be taken for that of the next line.
            let _ = self.child.kill();
            format!("node: {error}")
        })?;
        serde_json::from_str(&line).map_err(|error| format!("node: {error} in {line}"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
