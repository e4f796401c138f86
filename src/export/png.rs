//! PNG: the source of a figure as text chunks (PNG specification, third edition, 11.3.3).

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
/// Signature and the IHDR chunk: 4 length, 4 type, 13 data, 4 CRC.
const HEADER: usize = 8 + 25;

/// A PNG with a text chunk (`iTXt`, UTF-8, not compressed) for each keyword and text. What is no PNG comes back
/// as it is.
pub fn with_text(png: &[u8], texts: &[(&str, &str)]) -> Vec<u8> {
    if png.len() < HEADER || !png.starts_with(&SIGNATURE) {
        return png.to_vec();
    }
    let (header, rest) = png.split_at(HEADER);
    let mut out = header.to_vec();
    for (keyword, text) in texts {
        // Keyword, then: not compressed, method 0, no language, no translated keyword.
        let mut chunk = b"iTXt".to_vec();
        chunk.extend(keyword.as_bytes());
        chunk.extend([0, 0, 0, 0, 0]);
        chunk.extend(text.as_bytes());
        out.extend(u32::to_be_bytes((chunk.len() - 4) as u32));
        out.extend(&chunk);
        out.extend(crc32(&chunk).to_be_bytes());
    }
    out.extend(rest);
    out
}

/// CRC-32 as in the PNG specification, annex D.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_known_chunks() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
    }

    #[test]
    fn text_goes_between_header_and_data() {
        let mut png = SIGNATURE.to_vec();
        png.extend([0; 25]);
        png.extend(b"the rest");
        let with = with_text(&png, &[("Title", "α = 1"), ("URL", "https://example.org/#v=1")]);
        assert_eq!(with[..HEADER], png[..HEADER]);
        assert!(with.ends_with(b"the rest"));
        let length = u32::from_be_bytes(with[HEADER..HEADER + 4].try_into().unwrap()) as usize;
        let data = &with[HEADER + 8..HEADER + 8 + length];
        assert_eq!(data, "Title\0\0\0\0\0α = 1".as_bytes());
        let crc = &with[HEADER + 8 + length..][..4];
        assert_eq!(crc, crc32(&with[HEADER + 4..HEADER + 8 + length]).to_be_bytes());
    }

    #[test]
    fn what_is_no_png_is_left_alone() {
        assert_eq!(with_text(b"GIF89a", &[("Title", "x")]), b"GIF89a");
        assert_eq!(with_text(&[], &[]), b"");
    }
}
