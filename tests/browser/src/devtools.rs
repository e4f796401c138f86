//! The Chrome DevTools protocol over one WebSocket: commands with their answers, and the events in between.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Error, Message, WebSocket};

use crate::Outcome;

/// Long enough for a page that computes on a software adapter: its main thread answers only afterwards.
const ANSWER: Duration = Duration::from_secs(120);
/// How often a wait looks at the clock.
const TICK: Duration = Duration::from_millis(500);

/// Something that the browser reported.
pub struct Event {
    /// The session (page) that it came from.
    pub session: String,
    /// Its name, such as `Runtime.exceptionThrown`.
    pub method: String,
    /// What it says.
    pub params: Value,
}

/// A connection to a browser.
pub struct Devtools {
    socket: WebSocket<TcpStream>,
    last_id: u64,
    events: Vec<Event>,
}

impl Devtools {
    /// Connects to the browser's own endpoint, `path` of this machine's `port`.
    pub fn connect(port: u16, path: &str) -> Outcome<Self> {
        let failed = |error: &dyn std::fmt::Display| format!("the browser can't be reached: {error}");
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| failed(&error))?;
        let address = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tungstenite::client(address, stream).map_err(|error| failed(&error))?;
        socket.get_ref().set_read_timeout(Some(TICK)).map_err(|error| failed(&error))?;
        Ok(Self { socket, last_id: 0, events: Vec::new() })
    }

    /// Sends a command to the browser, or to the page of `session`, and returns its answer.
    pub fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Outcome<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        self.socket.send(Message::text(command.to_string())).map_err(|error| format!("{method}: {error}"))?;
        let started = Instant::now();
        while started.elapsed() < ANSWER {
            let Some(mut message) = self.read().map_err(|error| format!("{method}: {error}"))? else { continue };
            if message["id"] == id {
                return match message.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(message["result"].take()),
                };
            }
            self.keep(message);
        }
        Err(format!("{method}: no answer in {} s", ANSWER.as_secs()))
    }

    /// Removes and returns the events of a page that have arrived so far.
    pub fn take_events(&mut self, session: &str) -> Vec<Event> {
        let (taken, kept) = std::mem::take(&mut self.events).into_iter().partition(|event| event.session == session);
        self.events = kept;
        taken
    }

    /// The next message, or nothing when none came within a tick.
    fn read(&mut self) -> Outcome<Option<Value>> {
        match self.socket.read() {
            Ok(Message::Text(text)) => serde_json::from_str(&text).map(Some).map_err(|error| error.to_string()),
            Ok(_) => Ok(None),
            Err(Error::Io(error))
                if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
            {
                Ok(None)
            }
            Err(error) => Err(format!("the browser is gone: {error}")),
        }
    }

    fn keep(&mut self, mut message: Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.events.push(Event {
            session: text(&message["sessionId"]),
            method: text(&message["method"]),
            params: message["params"].take(),
        });
    }
}
