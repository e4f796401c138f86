//! Making the page's wasm smaller: the names of its functions are a ninth of what visitors would download.

use std::path::Path;

use crate::shell::Failure;

/// Custom sections that only debuggers and toolchains read.
const DROPPED: [&[u8]; 2] = [b"name", b"producers"];
const HEADER: usize = 8;

/// Removes function names from every wasm file of a folder. A panic still says its message, file and line.
pub fn strip_folder(folder: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{} can't be stripped: {error}", folder.display()));
    for path in std::fs::read_dir(folder).map_err(failed)?.flatten().map(|file| file.path()) {
        if path.extension().is_some_and(|extension| extension == "wasm") {
            let bytes = std::fs::read(&path).map_err(failed)?;
            let stripped =
                strip(&bytes).ok_or_else(|| Failure::new(format!("{} is not a wasm module", path.display())))?;
            std::fs::write(&path, stripped).map_err(failed)?;
        }
    }
    Ok(())
}

/// The module without the dropped sections; nothing where it is not a module.
fn strip(module: &[u8]) -> Option<Vec<u8>> {
    let mut kept = module.get(..HEADER).filter(|header| header.starts_with(b"\0asm"))?.to_vec();
    let mut at = HEADER;
    while at < module.len() {
        let (size, body) = leb128(module, at + 1)?;
        let end = body.checked_add(size)?;
        let section = module.get(at..end)?;
        if !(module[at] == 0 && DROPPED.contains(&custom_name(module.get(body..end)?)?)) {
            kept.extend_from_slice(section);
        }
        at = end;
    }
    Some(kept)
}

/// The name that a custom section's content begins with.
fn custom_name(content: &[u8]) -> Option<&[u8]> {
    let (length, start) = leb128(content, 0)?;
    content.get(start..start.checked_add(length)?)
}

/// An unsigned LEB128 number of at most 32 bits, and where it ends.
fn leb128(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = 0;
    for (i, byte) in bytes.get(at..)?.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, at + i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::strip;

    /// A section with a one-byte length.
    fn section(id: u8, content: &[u8]) -> Vec<u8> {
        [&[id, content.len() as u8], content].concat()
    }

    fn module(sections: &[Vec<u8>]) -> Vec<u8> {
        [b"\0asm\x01\0\0\0".as_slice(), &sections.concat()].concat()
    }

    #[test]
    fn only_names_and_producers_go() {
        let (types, features) = (section(1, &[0]), section(0, b"\x0ftarget_featuresxyz"));
        let (names, producers) = (section(0, b"\x04name\x01\x02"), section(0, b"\x09producers"));
        let whole = module(&[types.clone(), names, features.clone(), producers]);
        assert_eq!(strip(&whole), Some(module(&[types, features])));
    }

    #[test]
    fn what_is_not_a_whole_module_is_refused() {
        let whole = module(&[section(1, &[0, 0, 0])]);
        assert_eq!(strip(&whole), Some(whole.clone()));
        assert_eq!(strip(&whole[..whole.len() - 1]), None, "cut short");
        assert_eq!(strip(b"<html>"), None);
        assert_eq!(strip(&module(&[vec![0, 0xff, 0xff, 0xff, 0xff, 0x0f]])), None, "a section beyond the end");
    }
}
