//! As much of HTTP as a static site needs: requests without bodies, one a connection.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;

/// What of a request matters here.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Upper case, as it comes.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The `Range` header.
    pub range: Option<String>,
}

impl Request {
    /// Reads the request's head; none where the client sends no such thing.
    pub fn read(stream: impl BufRead) -> Option<Self> {
        let mut lines = stream.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
        let first = lines.next()?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let fields = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        });
        // All of them are read: a connection that is closed with something unread in it is one that broke.
        let range = fields.fold(None, |range, (name, value)| if name == "range" { Some(value) } else { range });
        Some(Self { method, target, range })
    }
}

/// An answer; its body must have as many bytes as it says.
pub struct Response {
    /// The code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// Bytes of the body.
    pub length: usize,
    /// What is sent, unless only the head is asked for.
    pub body: Box<dyn Read>,
}

impl Response {
    /// Writes it all, or without its body.
    pub fn send(mut self, mut stream: &TcpStream, head_only: bool) -> std::io::Result<()> {
        let reason = match self.status {
            200 => "OK",
            206 => "Partial Content",
            301 => "Moved Permanently",
            404 => "Not Found",
            405 => "Method Not Allowed",
            416 => "Range Not Satisfiable",
            503 => "Service Unavailable",
            _ => "",
        };
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // The page's progress bar reads the length.
        head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n", self.length));
        stream.write_all(head.as_bytes())?;
        if !head_only {
            std::io::copy(&mut self.body, &mut stream)?;
        }
        stream.flush()
    }
}

/// First and last byte of a `Range` header's one range of a file of `size` bytes; `Some(None)` where it lies beyond
/// the file's end. Anything that is not such a header is as good as none, as RFC 9110 has it.
pub fn part(range: &str, size: usize) -> Option<Option<(usize, usize)>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_to_their_end() {
        let read = |text: &str| Request::read(std::io::Cursor::new(text.to_owned()));
        let request = read("GET /a/b?c HTTP/1.1\r\nHost: x\r\nrange: bytes=5-\r\nAccept: */*\r\n\r\nrest");
        let expected = Request { method: "GET".into(), target: "/a/b?c".into(), range: Some("bytes=5-".into()) };
        assert_eq!(request, Some(expected));
        assert_eq!(read("HEAD / HTTP/1.1\r\n\r\n").map(|r| r.range), Some(None));
        for nonsense in ["", "\r\n", "GET\r\n\r\n"] {
            assert_eq!(read(nonsense), None, "{nonsense:?}");
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
}
