//! A link as a QR code (ISO/IEC 18004), for a room full of phones.

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around the code, as the standard asks for.
pub const QUIET: i32 = 4;

/// Letters that the largest code holds (version 40, the lowest error correction).
pub const MAX_BYTES: usize = 2953;

/// Modules a side beyond which a phone at the back of a room can hardly read a projected code.
const DENSE: i32 = 97;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the link has {0} characters; a QR code holds {MAX_BYTES}")]
pub struct TooLong(pub usize);

/// A code as a drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Qr {
    /// Side with the quiet zone, in modules: the view box is `0 0 side side`.
    pub side: i32,
    /// The dark modules, as the data of an SVG path.
    pub path: String,
    /// Whether it has to be enlarged to be read from afar.
    pub dense: bool,
}

impl Qr {
    pub fn new(text: &str) -> Result<Qr, TooLong> {
        // The lowest level asked for is raised by the encoder wherever that costs no size.
        let code = QrCode::encode_text(text, QrCodeEcc::Low).map_err(|_| TooLong(text.len()))?;
        let mut path = String::new();
        for y in 0..code.size() {
            let mut x = 0;
            while x < code.size() {
                let length = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
                if length > 0 {
                    path += &format!("M{} {}h{length}v1h-{length}z", x + QUIET, y + QUIET);
                }
                x += length.max(1);
            }
        }
        Ok(Qr { side: code.size() + 2 * QUIET, path, dense: code.size() > DENSE })
    }
}
