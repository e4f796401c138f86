//! QR codes: an independent decoder reads back from the drawing what was written.

use cascade::qr::{MAX_BYTES, QUIET, Qr};

/// Draws the path, and reads what is there as a camera would.
fn read(qr: &Qr) -> String {
    const SCALE: usize = 3;
    let side = qr.side as usize;
    let mut dark = vec![false; side * side];
    for run in qr.path.split('M').skip(1) {
        let (at, length) = run.split_once('h').expect("a run");
        let (x, y) = at.split_once(' ').expect("a place");
        let (x, y): (usize, usize) = (x.parse().expect("x"), y.parse().expect("y"));
        let length: usize = length.split('v').next().expect("a length").parse().expect("a length");
        dark[y * side + x..][..length].fill(true);
    }
    let shade = |x: usize, y: usize| if dark[y / SCALE * side + x / SCALE] { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * SCALE, side * SCALE, shade);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code is found");
    grids[0].decode().expect("it is readable").1
}

#[test]
fn codes_read_back() {
    let long = format!("https://example.org/cascade/#v=1&t={}", "A%20light%20and%20a%20rope.".repeat(40));
    for text in ["https://example.org/#v=1&m=sd-6m@051b61a680c0&modes=linearized*7,softmax*5&c=1abc-_", &long] {
        assert_eq!(read(&Qr::new(text).expect("short enough")), text);
    }
}

#[test]
fn the_quiet_zone_is_quiet() {
    let qr = Qr::new("https://example.org/").expect("short enough");
    let first = qr.path.split('M').nth(1).expect("a run");
    assert!(first.starts_with(&format!("{QUIET} {QUIET}h7")), "the finder's upper edge: {first}");
    assert!(!qr.dense);
}

#[test]
fn what_is_too_long_is_said() {
    let longest = "a".repeat(MAX_BYTES);
    assert!(Qr::new(&longest).is_ok_and(|qr| qr.dense && qr.side == 177 + 2 * QUIET));
    let error = Qr::new(&"a".repeat(MAX_BYTES + 1)).expect_err("too long");
    assert_eq!(error.to_string(), "the link has 2954 characters; a QR code holds 2953");
}
