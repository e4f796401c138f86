//! Bytes → checked tensors → a [`Model`]. One reader a family; all name, shape and dtype checks are here.

mod gpt2;
mod header;
mod json;
mod sd;
mod tensors;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::model::Model;
pub(crate) use sd::{diagonal, skew};
pub use tensors::Tensors;

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("config.json: {0}")]
    Config(String),
    #[error("config.json: {name} is {found}; expected {expected}")]
    Value { name: String, found: String, expected: String },
    #[error("model.safetensors is not a readable safetensors file: {0}")]
    File(String),
    #[error("tensor '{0}' is missing from model.safetensors")]
    Missing(String),
    #[error("tensor '{name}' has shape {found:?}; expected {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    #[error("tensor '{name}' has dtype {found}; expected F32, F16 or BF16")]
    Dtype { name: String, found: String },
    #[error("tensor '{name}' holds {value} at index {index}; every weight must be finite")]
    NotFinite { name: String, index: usize, value: f32 },
}

/// A family's reader: `config.json` and tensors to the shared model.
type Reader = fn(&Map<String, Value>, &mut Tensors) -> Result<Model, CheckpointError>;

/// The families, by `model_type`. A new one is a file beside this one and a row here.
const FAMILIES: &[(&str, Reader)] = &[("sd", sd::read), ("gpt2", gpt2::read)];

/// Reads `config.json` and `model.safetensors`.
pub fn read(config: &[u8], weights: &[u8]) -> Result<Model, CheckpointError> {
    let config = json::object(config).map_err(|e| CheckpointError::Config(format!("not valid JSON: {e}")))?;
    let family = config.get("model_type").and_then(|v| v.as_str()).unwrap_or("absent");
    let Some((_, reader)) = FAMILIES.iter().find(|(name, _)| *name == family) else {
        let known: Vec<_> = FAMILIES.iter().map(|(name, _)| *name).collect();
        return Err(value("model_type", family, known.join(" or ")));
    };
    reader(&config, &mut Tensors::parse(weights)?)
}

/// SHA-256 of the weights file, in lower-case hex: a model's identity in reports and links.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn value(name: &str, found: impl ToString, expected: impl ToString) -> CheckpointError {
    CheckpointError::Value { name: name.into(), found: found.to_string(), expected: expected.to_string() }
}

/// A family's typed `config.json`.
fn typed<'a, T: Deserialize<'a>>(config: &'a Map<String, Value>) -> Result<T, CheckpointError> {
    json::typed(config).map_err(|e| CheckpointError::Config(e.to_string()))
}

/// Limits keep hostile files from asking for absurd work; real small models are far below them.
const MAX_LAYERS: usize = 128;
const MAX_SIZE: usize = 1 << 20;
/// Widest head the kernels take: see `kernels::attention`.
const MAX_HEAD: usize = 64;
const MAX_VALUE: usize = crate::kernels::attention::MAX_WIDTH as usize;

/// Checks that `found` is in 1..=`most` and a multiple of `step`.
fn size(name: &str, found: usize, most: usize, step: usize) -> Result<usize, CheckpointError> {
    if found == 0 || found > most || !found.is_multiple_of(step) {
        let multiple = if step > 1 { format!(" and a multiple of {step}") } else { String::new() };
        return Err(value(name, found, format!("1 to {most}{multiple}")));
    }
    Ok(found)
}

/// Checks a per-layer list: one entry a layer, each within bounds.
fn sizes(name: &str, found: Vec<usize>, layers: usize, most: usize) -> Result<Vec<usize>, CheckpointError> {
    if found.len() != layers {
        return Err(value(
            name,
            format!("a list of {}", found.len()),
            format!("one entry for each of {layers} layers"),
        ));
    }
    for (i, n) in found.iter().enumerate() {
        size(&format!("{name}[{i}]"), *n, most, 4)?;
    }
    Ok(found)
}
