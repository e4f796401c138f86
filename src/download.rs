//! Downloads as pieces of fixed size, so that what has come survives a reload: what a file's pieces are and are
//! called, what to ask a server for, and what its answer means. No input or output here.

use std::ops::Range;

use crate::words::megabytes;
use crate::zoo;

/// Bytes of a stored piece; the last one of a file may be shorter.
pub const PIECE: usize = 1 << 20;

/// A file of the site whose content is known beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteFile {
    /// Relative to the page.
    pub url: String,
    /// Lower-case hex.
    pub sha256: &'static str,
    pub bytes: u64,
}

impl RemoteFile {
    pub fn pieces(&self) -> usize {
        (self.bytes as usize).div_ceil(PIECE)
    }

    /// Where a piece lies in the file.
    pub fn piece(&self, index: usize) -> Range<usize> {
        index * PIECE..((index + 1) * PIECE).min(self.bytes as usize)
    }

    /// The pieces that are whole once the file has grown from `before` to `after` bytes, and were not before.
    pub fn completed(&self, before: usize, after: usize) -> Range<usize> {
        let whole = |have: usize| if have as u64 >= self.bytes { self.pieces() } else { have / PIECE };
        whole(before)..whole(after)
    }

    /// Under what name a piece is stored: by content, so that another version of the file never meets it.
    pub fn key(&self, index: usize) -> String {
        format!("{}/{index}", self.sha256)
    }
}

/// Hash and number of a stored piece, from its name.
pub fn parse_key(key: &str) -> Option<(&str, usize)> {
    let (sha256, index) = key.rsplit_once('/')?;
    Some((sha256, index.parse().ok()?))
}

/// A file that is stored, in whole or in part.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub sha256: &'static str,
    /// Stored bytes.
    pub bytes: u64,
    pub whole: bool,
}

/// What of these files is stored, and which names belong to none of them: left behind by an older site.
pub fn survey(files: &[RemoteFile], keys: &[String]) -> (Vec<Kept>, Vec<String>) {
    let mut kept: Vec<Kept> = Vec::new();
    let mut stale = Vec::new();
    for key in keys {
        let found = parse_key(key).and_then(|(sha256, index)| {
            let file = files.iter().find(|f| f.sha256 == sha256 && index < f.pieces())?;
            Some((file, file.piece(index).len() as u64))
        });
        let Some((file, bytes)) = found else {
            stale.push(key.clone());
            continue;
        };
        match kept.iter_mut().find(|k| k.sha256 == file.sha256) {
            Some(k) => k.bytes += bytes,
            None => kept.push(Kept { sha256: file.sha256, bytes, whole: false }),
        }
    }
    for k in &mut kept {
        k.whole = files.iter().any(|f| f.sha256 == k.sha256 && f.bytes == k.bytes);
    }
    (kept, stale)
}

/// What is kept on the visitor's device.
pub fn kept_sentence(kept: &[Kept], page: bool) -> String {
    let models: Vec<&Kept> = kept.iter().filter(|k| zoo::MODELS.iter().any(|m| m.sha256 == k.sha256)).collect();
    let size = megabytes(kept.iter().map(|k| k.bytes).sum());
    let parts = match models.iter().filter(|k| !k.whole).count() {
        0 => String::new(),
        1 => ", one of them in part".into(),
        n => format!(", {n} of them in part"),
    };
    let what = match models.len() {
        0 if kept.is_empty() => "Nothing is kept on this device".into(),
        0 => format!("Kept on this device: {size}"),
        1 => format!("Kept on this device: 1 model{}, {size}", if parts.is_empty() { "" } else { " in part" }),
        n => format!("Kept on this device: {n} models{parts}, {size}"),
    };
    let offline = match page && models.iter().any(|k| k.whole) {
        true => " The page works without a network.",
        false => "",
    };
    format!("{what}.{offline}")
}

/// The `Range` header that asks for what is missing; none where nothing has come yet.
pub fn range_header(have: u64) -> Option<String> {
    (have > 0).then(|| format!("bytes={have}-"))
}

/// What a server's answer to such a request holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// What was missing.
    Rest,
    /// The file from its start: the server knows no ranges.
    Whole,
    /// Nothing of use: what has come does not fit what the server has. Ask for the whole file.
    StartAgain,
    /// An error.
    Refused,
}

/// Reads an answer's status and `Content-Range` (RFC 9110, section 14.4), having asked for all from `have` on.
pub fn answer(status: u16, content_range: Option<&str>, have: u64, total: u64) -> Answer {
    match status {
        206 => match content_range.and_then(parse_content_range) {
            Some((first, size)) if first == have && size.is_none_or(|size| size == total) => Answer::Rest,
            _ => Answer::StartAgain,
        },
        416 => Answer::StartAgain,
        200..=299 => Answer::Whole,
        _ => Answer::Refused,
    }
}

/// First byte and whole size, of `bytes 5-9/10` or `bytes 5-9/*`.
fn parse_content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, size) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let size = if size == "*" { None } else { Some(size.parse().ok()?) };
    Some((first.trim().parse().ok()?, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: usize) -> RemoteFile {
        RemoteFile { url: "m/model".into(), sha256: "abc", bytes: bytes as u64 }
    }

    #[test]
    fn pieces_tile_the_file() {
        for bytes in [1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
            let file = file(bytes);
            let mut end = 0;
            for i in 0..file.pieces() {
                assert_eq!(file.piece(i).start, end);
                end = file.piece(i).end;
                assert!(!file.piece(i).is_empty());
            }
            assert_eq!(end, bytes);
        }
    }

    #[test]
    fn pieces_complete_once_each_however_the_bytes_come() {
        let file = file(3 * PIECE + 10);
        assert_eq!(file.completed(0, PIECE - 1), 0..0);
        assert_eq!(file.completed(PIECE - 1, PIECE), 0..1);
        assert_eq!(file.completed(10, 2 * PIECE + 3), 0..2);
        assert_eq!(file.completed(3 * PIECE, 3 * PIECE + 9), 3..3);
        assert_eq!(file.completed(3 * PIECE + 9, 3 * PIECE + 10), 3..4);
        for step in [1000, PIECE, 4 * PIECE] {
            let ends = (0..).map(|i| (i * step).min(3 * PIECE + 10));
            let ends: Vec<usize> = ends.take((3 * PIECE + 10).div_ceil(step) + 1).collect();
            let all: Vec<usize> = ends.windows(2).flat_map(|w| file.completed(w[0], w[1])).collect();
            assert_eq!(all, [0, 1, 2, 3], "steps of {step}");
        }
    }

    #[test]
    fn answers() {
        let range = |text| answer(206, Some(text), 5, 10);
        assert_eq!(range("bytes 5-9/10"), Answer::Rest);
        assert_eq!(range("bytes 5-9/*"), Answer::Rest);
        for other in ["bytes 0-9/10", "bytes 5-9/11", "bytes */10", "5-9/10", ""] {
            assert_eq!(range(other), Answer::StartAgain, "{other}");
        }
        assert_eq!(answer(206, None, 5, 10), Answer::StartAgain);
        assert_eq!(answer(416, Some("bytes */3"), 5, 10), Answer::StartAgain);
        assert_eq!(answer(200, None, 5, 10), Answer::Whole);
        assert_eq!(answer(404, None, 5, 10), Answer::Refused);
        assert_eq!(answer(503, None, 0, 10), Answer::Refused);
    }

    #[test]
    fn ranges_are_asked_for_only_where_something_has_come() {
        assert_eq!(range_header(0), None);
        assert_eq!(range_header(1048576).as_deref(), Some("bytes=1048576-"));
    }

    #[test]
    fn survey_counts_what_is_known_and_names_the_rest() {
        let files = [file(PIECE + 5), RemoteFile { sha256: "def", ..file(7) }];
        let keys = ["abc/0", "abc/2", "def/0", "old/0", "abc/x", "nonsense"].map(String::from);
        let (kept, stale) = survey(&files, &keys);
        assert_eq!(kept[0], Kept { sha256: "abc", bytes: PIECE as u64, whole: false });
        assert_eq!(kept[1], Kept { sha256: "def", bytes: 7, whole: true });
        assert_eq!(stale, ["abc/2", "old/0", "abc/x", "nonsense"]);
        let (kept, _) = survey(&files, &[files[0].key(0), files[0].key(1)]);
        assert!(kept[0].whole);
    }

    #[test]
    fn kept_files_are_counted() {
        let kept = |i: usize, whole: bool| Kept { sha256: zoo::MODELS[i].sha256, bytes: 1_000_000, whole };
        let tokenizer = Kept { sha256: zoo::tokenizer().sha256, bytes: 262_869, whole: true };
        assert_eq!(kept_sentence(&[], true), "Nothing is kept on this device.");
        assert_eq!(kept_sentence(std::slice::from_ref(&tokenizer), true), "Kept on this device: 0.3 MB.");
        assert_eq!(kept_sentence(&[kept(0, false)], true), "Kept on this device: 1 model in part, 1.0 MB.");
        let all = [kept(0, true), kept(1, false), tokenizer];
        assert_eq!(
            kept_sentence(&all, true),
            "Kept on this device: 2 models, one of them in part, 2.3 MB. The page works without a network."
        );
        assert!(!kept_sentence(&all, false).contains("network"));
    }
}
