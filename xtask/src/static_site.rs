//! A static file server for this machine only: what `cargo xtask serve` and the browser tests use.

use std::io::{BufReader, Cursor, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::http::{Request, Response, part};
use crate::shell::Failure;

/// The longest request that is read; those of browsers have about a kilobyte.
const REQUEST_BYTES: u64 = 64 * 1024;
/// Browsers open connections that they then do not use.
const REQUEST_TIME: Duration = Duration::from_secs(30);
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

/// A server bound to a port of this machine's loopback address. A thread and a connection for every request, so
/// that none ever waits for another.
pub struct StaticSite {
    listener: TcpListener,
    mounts: Arc<Vec<Mount>>,
    port: u16,
}

impl StaticSite {
    /// Binds to `port`; 0 means any free one. Mounts are tried in order.
    pub fn bind(port: u16, mounts: Vec<Mount>) -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("port {port} can't be served: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, mounts: Arc::new(mounts), port })
    }

    /// The address of the server's root, without a `/` at its end.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves in the background for as long as the program runs; the thread ends only when that becomes impossible.
    pub fn start(&self) -> Result<std::thread::JoinHandle<()>, Failure> {
        let listener = self.listener.try_clone().map_err(|error| Failure::new(format!("the server: {error}")))?;
        let mounts = Arc::clone(&self.mounts);
        Ok(std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mounts = Arc::clone(&mounts);
                // A client that goes away in the middle is its own business.
                std::thread::spawn(move || _ = answer(&stream, &mounts));
            }
        }))
    }
}

fn answer(stream: &TcpStream, mounts: &[Mount]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_TIME))?;
    let Some(request) = Request::read(BufReader::new(stream.take(REQUEST_BYTES))) else { return Ok(()) };
    let plain = |status: u16, text: &str| Response {
        status,
        headers: vec![("Content-Type", "text/plain; charset=utf-8".into())],
        length: text.len(),
        body: Box::new(Cursor::new(text.as_bytes().to_vec())),
    };
    let response = match find(&request, mounts) {
        Found::File(path, reply) => file(&path, reply),
        Found::Folder(address) => {
            let mut response = plain(301, "");
            response.headers.push(("Location", address));
            response
        }
        Found::Nothing => plain(404, "not found"),
        Found::BadMethod => plain(405, "GET and HEAD only"),
    };
    response.send(stream, request.method == "HEAD")
}

fn file(path: &Path, mut reply: Reply) -> Response {
    let mut headers = vec![
        ("Content-Type", mime_type(path).to_owned()),
        // A rebuilt site must be seen at the next reload.
        ("Cache-Control", "no-cache".to_owned()),
        ("Accept-Ranges", "bytes".to_owned()),
    ];
    let size = reply.body.len();
    let status = match reply.range.as_deref().and_then(|range| part(range, size)) {
        _ if reply.status >= 400 => {
            reply.body.clear();
            reply.status
        }
        None => reply.status,
        Some(None) => {
            headers.push(("Content-Range", format!("bytes */{size}")));
            reply.body.clear();
            416
        }
        Some(Some((first, last))) => {
            headers.push(("Content-Range", format!("bytes {first}-{last}/{size}")));
            reply.body = reply.body[first..=last].to_vec();
            206
        }
    };
    let length = reply.body.len();
    let body = Box::new(Paced { body: Cursor::new(reply.body), pause: reply.pause });
    Response { status, headers, length, body }
}

enum Found {
    File(PathBuf, Reply),
    /// The address with the `/` that relative links need.
    Folder(String),
    Nothing,
    BadMethod,
}

fn find(request: &Request, mounts: &[Mount]) -> Found {
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return Found::BadMethod;
    }
    let address = request.target.split(['?', '#']).next().unwrap_or_default();
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
        let mut reply = Reply { body, pause: None, range: request.range.clone(), status: 200 };
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
    use std::io::Write;

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
    fn many_connections_are_answered_at_once() {
        let folder = std::env::temp_dir().join(format!("static-site-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("x.txt"), "some text").unwrap();
        let mount = Mount { prefix: "/".into(), folder: folder.clone(), edit: None };
        let site = StaticSite::bind(0, vec![mount]).unwrap();
        site.start().unwrap();
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, site.port)).unwrap();
        // Opened and not used, as browsers do.
        let idle: Vec<TcpStream> = (0..20).map(|_| connect()).collect();
        let mut asking: Vec<TcpStream> = (0..20).map(|_| connect()).collect();
        for stream in &mut asking {
            stream.write_all(b"GET /x.txt HTTP/1.1\r\nRange: bytes=5-\r\n\r\n").unwrap();
        }
        for mut stream in asking {
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert!(text.starts_with("HTTP/1.1 206 ") && text.ends_with("\r\n\r\ntext"), "{text}");
            assert!(text.contains("Content-Range: bytes 5-8/9"), "{text}");
        }
        drop(idle);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn wasm_gets_the_type_that_streaming_compilation_needs() {
        assert_eq!(mime_type(Path::new("x/app_bg.wasm")), "application/wasm");
        assert_eq!(mime_type(Path::new("model.safetensors")), "application/octet-stream");
    }
}
