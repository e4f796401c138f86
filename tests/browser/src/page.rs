//! One tab, used the way a person would: look, click, type, hover, wait.
//!
//! Everything panics with the page's own state in the message, so that a failed test says what was on the screen.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::Outcome;
use crate::chromium::Chromium;
use crate::console::problem;
use crate::site::Options;

const WAIT: Duration = Duration::from_secs(60);
const ERROR_STAYS: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(60);

/// What a failed wait prints of the page.
const STATE: &str = r"(() => {
    const text = id => document.getElementById(id)?.textContent.trim().slice(0, 300);
    const report = document.getElementById('report');
    return {
        address: location.href.slice(0, 200), state: report?.dataset.state, 'data-error': report?.dataset.error,
        error: text('error'), notice: text('notice'), progress: text('progress'), engine: text('engine-label'),
        'engine message': text('engine-message'), cascade: document.getElementById('cascade')?.dataset.source,
        perplexity: text('perplexity-now'), storage: text('storage'), note: text('storage-note'), body: report ? undefined : document.body?.innerText.slice(0, 300),
    };
})()";

/// A tab in a fresh profile.
pub struct Page {
    chromium: Arc<Mutex<Chromium>>,
    context: String,
    session: String,
    address: String,
    /// Sessions of service workers without a network.
    workers: Mutex<Vec<String>>,
}

impl Page {
    /// Opens a tab with a fresh profile for the page at `address`; [`Page::go`] loads it.
    pub fn open(chromium: Arc<Mutex<Chromium>>, options: &Options, address: &str) -> Self {
        let opened: Outcome<(String, String)> = (|| {
            let mut browser = chromium.lock().unwrap_or_else(PoisonError::into_inner);
            let devtools = &mut browser.devtools;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let context = devtools.call(None, "Target.createBrowserContext", json!({}))?;
            let context = text(&context["browserContextId"]);
            let blank = json!({ "url": "about:blank", "browserContextId": context });
            let target = devtools.call(None, "Target.createTarget", blank)?;
            let attach = json!({ "targetId": target["targetId"], "flatten": true });
            let session = devtools.call(None, "Target.attachToTarget", attach)?;
            Ok((context, text(&session["sessionId"])))
        })();
        let (context, session) = opened.unwrap_or_else(|error| panic!("no tab: {error}"));
        let page = Self { chromium, context, session, address: address.to_owned(), workers: Mutex::default() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        if let Some(script) = options.before {
            page.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
        }
        let scheme = if options.dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        page.call("Emulation.setEmulatedMedia", json!({ "features": features }));
        let (width, height) = options.size;
        let phone = width < 600;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        page.call("Emulation.setDeviceMetricsOverride", metrics);
        page
    }

    fn browser(&self) -> MutexGuard<'_, Chromium> {
        self.chromium.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn call(&self, method: &str, params: Value) -> Value {
        let answer = self.browser().devtools.call(Some(&self.session), method, params);
        answer.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Loads the page anew with a fragment (without its `#`), as from a pasted link. Weights stay cached.
    pub fn go(&self, fragment: &str) {
        // By way of an empty page: between two fragments of one address the browser would not load anything.
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        let mark = if fragment.is_empty() { "" } else { "#" };
        let url = format!("{}{mark}{fragment}", self.address);
        let answer = self.call("Page.navigate", json!({ "url": url }));
        assert!(answer["errorText"].is_null(), "{}: {}", self.address, answer["errorText"]);
    }

    /// Reloads, and returns once the old document is gone.
    pub fn reload(&self) {
        self.eval("window.beforeReload = true");
        self.call("Page.reload", json!({}));
        self.wait("the page reloads", || (self.eval("window.beforeReload") != true).then_some(()));
    }

    /// Takes the network away, or gives it back: from the page and from its service worker.
    pub fn offline(&self, offline: bool) {
        let conditions = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let call = |session: Option<&str>, method: &str, params: Value| {
            let answer = self.browser().devtools.call(session, method, params);
            answer.unwrap_or_else(|error| panic!("{error}"))
        };
        // What a session has taken away lasts as long as the session.
        for session in workers.drain(..) {
            // A worker that has ended has taken its session along.
            let detach = json!({ "sessionId": session });
            let _ = self.browser().devtools.call(None, "Target.detachFromTarget", detach);
        }
        let targets = if offline { call(None, "Target.getTargets", json!({})) } else { Value::Null };
        for target in targets["targetInfos"].as_array().into_iter().flatten() {
            if target["type"] == "service_worker" && target["browserContextId"] == self.context.as_str() {
                let attach = json!({ "targetId": target["targetId"], "flatten": true });
                let attached = call(None, "Target.attachToTarget", attach);
                let session = attached["sessionId"].as_str().expect("a session");
                call(Some(session), "Network.enable", json!({}));
                call(Some(session), "Network.emulateNetworkConditions", conditions.clone());
                workers.push(session.to_owned());
            }
        }
        self.call("Network.emulateNetworkConditions", conditions);
    }

    /// The value of a JavaScript expression; promises are waited for.
    pub fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same; what the expression threw, or a browser that is gone, in words.
    pub fn try_eval(&self, expression: &str) -> Outcome<Value> {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.browser().devtools.call(Some(&self.session), "Runtime.evaluate", params)?;
        if let Some(exception) = answer.get("exceptionDetails") {
            return Err(format!("`{expression}` threw {}", exception["exception"]["description"]));
        }
        Ok(answer["result"]["value"].take())
    }

    /// Polls until `look` returns something.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            if started.elapsed() > WAIT {
                panic!("waited {} s in vain until {what}; the page: {:#}", WAIT.as_secs(), self.state());
            }
            std::thread::sleep(POLL);
        }
    }

    /// What is on the screen, in short.
    pub fn state(&self) -> Value {
        self.try_eval(STATE).unwrap_or_else(|error| error.into())
    }

    /// Waits until the page is ready and returns its report.
    pub fn ready(&self) -> Value {
        self.ready_when("the page is ready", |_| true)
    }

    /// Waits until the page is ready with a report that `accept`s.
    #[track_caller]
    pub fn ready_when(&self, what: &str, accept: impl Fn(&Value) -> bool) -> Value {
        let mut error_since = None;
        self.wait(what, || {
            let read = "(r => r?.dataset.state === 'ready' ? JSON.parse(r.textContent) : r?.dataset.state)\
                        (document.getElementById('report'))";
            let report = self.try_eval(read).ok()?;
            if report == "error" {
                // A state that may pass, as when another model is chosen; one that stays is the end.
                let since = *error_since.get_or_insert_with(Instant::now);
                assert!(since.elapsed() < ERROR_STAYS, "while waiting until {what}: {:#}", self.state());
            } else {
                error_since = None;
            }
            (report.is_object() && accept(&report)).then_some(report)
        })
    }

    /// Waits until the report's modes, one a layer, are these.
    #[track_caller]
    pub fn ready_with_modes(&self, modes: &[&str]) -> Value {
        let modes = json!(modes);
        self.ready_when(&format!("the modes are {modes}"), |report| report["modes"] == modes)
    }

    /// The text of the first element that matches, or nothing where there is none.
    pub fn text(&self, selector: &str) -> Option<String> {
        let text = self.eval(&format!("document.querySelector({})?.textContent.trim()", json!(selector)));
        text.as_str().map(str::to_owned)
    }

    /// The text of an element that must appear.
    #[track_caller]
    pub fn text_of(&self, selector: &str) -> String {
        self.wait(&format!("{selector} has text"), || self.text(selector).filter(|text| !text.is_empty()))
    }

    /// An attribute of an element that must be there; empty where the attribute is missing.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let read = format!("document.querySelector({})?.getAttribute({})", json!(selector), json!(name));
        self.eval(&read).as_str().unwrap_or_default().to_owned()
    }

    /// How many elements match.
    pub fn count(&self, selector: &str) -> u64 {
        self.eval(&format!("document.querySelectorAll({}).length", json!(selector))).as_u64().unwrap_or(0)
    }

    /// The fragment of the address, without its `#`.
    pub fn fragment(&self) -> String {
        self.eval("location.hash.slice(1)").as_str().unwrap_or_default().to_owned()
    }

    /// By how many pixels the page is wider than its window.
    pub fn overflow(&self) -> i64 {
        self.eval("document.scrollingElement.scrollWidth - innerWidth").as_i64().unwrap_or(i64::MAX)
    }

    /// Writes what is in the window, or the whole page, to a PNG file for a person to look at.
    pub fn screenshot(&self, path: &Path, whole_page: bool) {
        let mut params = json!({ "format": "png" });
        if whole_page {
            let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].take();
            params["captureBeyondViewport"] = true.into();
            params["clip"] = json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        }
        let answer = self.call("Page.captureScreenshot", params);
        let png = base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap_or_default());
        let written = png.map_err(|error| error.to_string()).and_then(|png| {
            std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(|error| error.to_string())?;
            std::fs::write(path, png).map_err(|error| error.to_string())
        });
        written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Errors on the console, uncaught exceptions and requests to other servers since the last call.
    pub fn problems(&self) -> Vec<String> {
        // A round trip, so that everything reported until now has arrived.
        let _ = self.try_eval("0");
        let events = self.browser().devtools.take_events(&self.session);
        events.iter().filter_map(|event| problem(&event.method, &event.params, &self.address)).collect()
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let context = json!({ "browserContextId": self.context });
        let mut browser = self.browser();
        // A browser that is gone has no tabs left to close.
        let _ = browser.devtools.call(None, "Target.disposeBrowserContext", context);
        browser.devtools.take_events(&self.session);
    }
}
