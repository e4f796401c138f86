//! A static file server for this machine only: what `cargo xtask serve` and the browser tests use.

use std::io::{Cursor, Read};
use std::net::Ipv4Addr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response, Server};

use crate::shell::Failure;

/// Requests answered at the same time. A browser opens up to six connections.
const WORKERS: usize = 6;
/// How much of a slowed body is sent between two pauses.
const SLICE_BYTES: usize = 256 * 1024;

/// What a request for a file will be answered with.
pub struct Reply {
    /// The file's bytes.
    pub body: Vec<u8>,
    /// How long to wait before every slice of the body; for tests that need to see a download under way.
    pub pause: Option<Duration>,
    /// The part of the file that the client asked for, as in its `Range` header; without it the whole file is sent.
    pub range: Option<String>,
    /// Sent instead of the file where it is an error.
    pub status: u16,
}

/// Changes a reply before it is sent; gets the path inside the folder.
pub type Edit = Arc<dyn Fn(&str, &mut Reply) + Send + Sync>;

/// A folder served under a path.
pub struct Mount {
    /// Begins and ends with `/`.
    pub prefix: String,
    /// The folder on the disk.
    pub folder: PathBuf,
    /// What tests do to replies.
    pub edit: Option<Edit>,
}

/// A server bound to a port of this machine's loopback address.
pub struct StaticSite {
    server: Arc<Server>,
    mounts: Arc<Vec<Mount>>,
    port: u16,
}

impl StaticSite {
    /// Binds to `port`; 0 means any free one. Mounts are tried in order.
    pub fn bind(port: u16, mounts: Vec<Mount>) -> Result<Self, Failure> {
        let server = Server::http((Ipv4Addr::LOCALHOST, port))
            .map_err(|error| Failure::new(format!("port {port} can't be served: {error}")))?;
        let port = server.server_addr().to_ip().map_or(port, |address| address.port());
        Ok(Self { server: Arc::new(server), mounts: Arc::new(mounts), port })
    }

    /// The address of the server's root, without a `/` at its end.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves in background threads for as long as the program runs.
    pub fn start(&self) -> Vec<std::thread::JoinHandle<()>> {
        let worker = || {
            let (server, mounts) = (Arc::clone(&self.server), Arc::clone(&self.mounts));
            std::thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    answer(request, &mounts);
                }
            })
        };
        (0..WORKERS).map(|_| worker()).collect()
    }
}

fn answer(request: Request, mounts: &[Mount]) {
    // A client that goes away in the middle is its own business.
    let _ = match find(&request, mounts) {
        Found::File(path, reply) => send(request, &path, reply),
        Found::Folder(address) => request.respond(Response::empty(301).with_header(header("Location", &address))),
        Found::Nothing => request.respond(Response::from_string("not found").with_status_code(404)),
        Found::BadMethod => request.respond(Response::from_string("GET and HEAD only").with_status_code(405)),
    };
}

fn send(request: Request, path: &Path, mut reply: Reply) -> std::io::Result<()> {
    let mut headers = vec![
        header("Content-Type", mime_type(path)),
        // A rebuilt site must be seen at the next reload.
        header("Cache-Control", "no-cache"),
        header("Accept-Ranges", "bytes"),
    ];
    let size = reply.body.len();
    let status = match reply.range.as_deref().and_then(|range| part(range, size)) {
        _ if reply.status >= 400 => {
            reply.body.clear();
            reply.status
        }
        None => reply.status,
        Some(None) => {
            headers.push(header("Content-Range", &format!("bytes */{size}")));
            reply.body.clear();
            416
        }
        Some(Some((first, last))) => {
            headers.push(header("Content-Range", &format!("bytes {first}-{last}/{size}")));
            reply.body = reply.body[first..=last].to_vec();
            206
        }
    };
    let length = reply.body.len();
    let body = Paced { body: Cursor::new(reply.body), pause: reply.pause };
    // Never chunked: the page's progress bar reads Content-Length.
    request.respond(Response::new(status.into(), headers, body, Some(length), None).with_chunked_threshold(usize::MAX))
}

/// First and last byte of a `Range` header's one range of a file of `size` bytes; `Some(None)` where it lies beyond
/// the file's end. Anything that is not such a header is as good as none, as RFC 9110 has it.
fn part(range: &str, size: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1);
    if first.is_empty() {
        let count = last.parse::<usize>().ok()?.min(size);
        return Some(end.filter(|_| count > 0).map(|end| (size - count, end)));
    }
    let first = first.parse().ok()?;
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    if last < first {
        return None;
    }
    Some(end.filter(|end| first <= *end).map(|end| (first, last.min(end))))
}

enum Found {
    File(PathBuf, Reply),
    /// The address with the `/` that relative links need.
    Folder(String),
    Nothing,
    BadMethod,
}

fn find(request: &Request, mounts: &[Mount]) -> Found {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Found::BadMethod;
    }
    let address = request.url().split(['?', '#']).next().unwrap_or_default();
    for mount in mounts {
        if format!("{address}/") == mount.prefix {
            return Found::Folder(mount.prefix.clone());
        }
        let Some(inside) = address.strip_prefix(&mount.prefix).and_then(decode) else { continue };
        let Some(mut path) = below(&mount.folder, &inside) else { return Found::Nothing };
        if path.is_dir() {
            path.push("index.html");
        }
        let Ok(body) = std::fs::read(&path) else { return Found::Nothing };
        let range = request.headers().iter().find(|h| h.field.equiv("Range"));
        let range = range.map(|h| h.value.as_str().to_owned());
        let mut reply = Reply { body, pause: None, range, status: 200 };
        if let Some(edit) = &mount.edit {
            edit(&inside, &mut reply);
        }
        return Found::File(path, reply);
    }
    Found::Nothing
}

/// The path inside the folder, or nothing when it would lead out of it.
fn below(folder: &Path, inside: &str) -> Option<PathBuf> {
    let inside = Path::new(inside);
    let stays = inside.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    stays.then(|| folder.join(inside))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("header is plain ASCII")
}

/// Browsers refuse modules, styles and streaming wasm of the wrong type.
fn mime_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A body that is sent slice by slice.
struct Paced {
    body: Cursor<Vec<u8>>,
    pause: Option<Duration>,
}

impl Read for Paced {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Some(pause) = self.pause
            && self.body.position().is_multiple_of(SLICE_BYTES as u64)
        {
            std::thread::sleep(pause);
        }
        let to_slice_end = SLICE_BYTES - self.body.position() as usize % SLICE_BYTES;
        let end = buffer.len().min(to_slice_end);
        self.body.read(&mut buffer[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_lead_out_of_the_folder() {
        let folder = Path::new("/site");
        assert_eq!(below(folder, "a/b.js"), Some(PathBuf::from("/site/a/b.js")));
        for hostile in ["../secret", "a/../../secret", "/etc/passwd"] {
            assert_eq!(below(folder, hostile), None, "{hostile}");
        }
    }

    #[test]
    fn broken_percent_encoding_is_refused() {
        assert_eq!(decode("a%20b").as_deref(), Some("a b"));
        for broken in ["%", "%2", "%zz", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        assert_eq!(part("bytes=0-", 10), Some(Some((0, 9))));
        assert_eq!(part("bytes=4-", 10), Some(Some((4, 9))));
        assert_eq!(part("bytes=4-5", 10), Some(Some((4, 5))));
        assert_eq!(part("bytes=4-99", 10), Some(Some((4, 9))));
        assert_eq!(part("bytes=-3", 10), Some(Some((7, 9))));
        for beyond in ["bytes=10-", "bytes=-0"] {
            assert_eq!(part(beyond, 10), Some(None), "{beyond}");
        }
        assert_eq!(part("bytes=0-", 0), Some(None));
        for ignored in ["bytes=5-4", "bytes=0-1,4-5", "lines=1-2", "bytes=a-"] {
            assert_eq!(part(ignored, 10), None, "{ignored}");
        }
    }

    #[test]
    fn wasm_gets_the_type_that_streaming_compilation_needs() {
        assert_eq!(mime_type(Path::new("x/app_bg.wasm")), "application/wasm");
        assert_eq!(mime_type(Path::new("model.safetensors")), "application/octet-stream");
    }
}
