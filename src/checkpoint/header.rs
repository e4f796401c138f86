//! The header of a safetensors file, checked before the `safetensors` crate reads it: that crate refuses the
//! same files, but without saying which tensor is at fault and what was expected of it.

use safetensors::Dtype;
use serde::Deserialize;
use serde_json::Value;

use super::{CheckpointError, json};

/// Headers of real models have some hundred bytes a tensor.
const MAX_HEADER: u64 = 16 << 20;

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// Checks that the header is there and that its tensors tile the data.
pub fn check(bytes: &[u8]) -> Result<(), CheckpointError> {
    let refuse = |why: String| Err(CheckpointError::File(why));
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return refuse(format!("it has {} bytes; the length of its header alone takes 8", bytes.len()));
    };
    let length = u64::from_le_bytes(*length);
    if length > rest.len() as u64 || length > MAX_HEADER {
        let found = rest.len();
        return refuse(format!("its header claims {length} bytes; {found} follow, and at most {MAX_HEADER} are read"));
    }
    let (header, data) = rest.split_at(length as usize);
    let mut entries = entries(header).map_err(|e| CheckpointError::File(format!("header: {e}")))?;
    for (name, Entry { dtype, shape, data_offsets: (start, end) }) in &entries {
        let Ok(known) = Dtype::deserialize(&Value::String(dtype.clone())) else {
            return Err(CheckpointError::Dtype { name: name.clone(), found: dtype.clone() });
        };
        if start > end || *end > data.len() {
            return refuse(format!("tensor '{name}' lies at bytes {start} to {end} of {} bytes of data", data.len()));
        }
        let elements = shape.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
        let expected = elements.and_then(|n| n.checked_mul(known.bitsize())).map(|bits| bits.div_ceil(8));
        let found = end - start;
        if expected != Some(found) {
            let expected = expected.map_or("more bytes than can be counted".into(), |n| format!("{n} bytes"));
            return refuse(format!("tensor '{name}', {dtype} of shape {shape:?}, takes {expected}; it has {found}"));
        }
    }
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut free = 0;
    for (name, Entry { data_offsets: (start, end), .. }) in entries {
        if start != free {
            return refuse(format!(
                "tensor '{name}' starts at byte {start} of the data; expected {free}, the end of the one before"
            ));
        }
        free = end;
    }
    if free != data.len() {
        return refuse(format!("its tensors take {free} bytes; {} bytes of data follow the header", data.len()));
    }
    Ok(())
}

fn entries(header: &[u8]) -> Result<Vec<(String, Entry)>, serde_json::Error> {
    let object = json::object(header)?;
    let tensors = object.into_iter().filter(|(name, _)| name != "__metadata__");
    tensors
        .map(|(name, value)| {
            let entry =
                Entry::deserialize(value).map_err(|e| serde::de::Error::custom(format!("tensor '{name}': {e}")))?;
            Ok((name, entry))
        })
        .collect()
}
