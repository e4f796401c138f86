//! What is written to disk while the rounds run, so that a run that is cut off still gives its tables.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One operation's outcome in one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measurement {
    /// Milliseconds, up to the end of a readback of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// The same of the first, where `ms` is the median of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_ms: Option<f64>,
    /// Of a toggle: one a layer; `ms` is their mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<f64>,
    /// Milliseconds of them that the device was at work, by its own clock; of a toggle the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_ms: Option<f64>,
    /// Relative error of the mean loss against float64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_error: Option<f64>,
    /// Largest error of a token's loss, in nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst_token: Option<f64>,
    /// Largest error of a singular value, in units of the largest of its matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sigma_error: Option<f64>,
    /// Of a floor: operations or bytes a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Why there is no time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Operations by `contestant/model/operation`.
pub type Round = BTreeMap<String, Measurement>;

/// Least work of a model's full run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Work {
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes of weights, in f32.
    pub weight_bytes: f64,
}

/// A whole run of the benchmark.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// Date, browser, adapter, commit.
    pub about: BTreeMap<String, String>,
    /// What each contestant said when it was opened, or why it could not be.
    pub contestants: BTreeMap<String, Value>,
    /// By model.
    pub work: BTreeMap<String, Work>,
    /// One after the other.
    pub rounds: Vec<Round>,
}

impl Record {
    /// Reads a record from a file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Replaces the file in one step: a kill in between leaves the one before.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let text = serde_json::to_string(self).map_err(|error| error.to_string())?;
        let next = path.with_extension("part");
        std::fs::write(&next, text).map_err(failed)?;
        std::fs::rename(&next, path).map_err(failed)
    }

    /// A value of an operation in each round.
    pub fn each_round(&self, key: &str, value: impl Fn(&Measurement) -> Option<f64>) -> Vec<Option<f64>> {
        self.rounds.iter().map(|round| round.get(key).and_then(&value)).collect()
    }

    /// The largest that a value ever was.
    pub fn worst(&self, key: &str, value: impl Fn(&Measurement) -> Option<f64>) -> Option<f64> {
        // Not a number counts as the worst.
        self.each_round(key, value).into_iter().flatten().max_by(f64::total_cmp)
    }
}
