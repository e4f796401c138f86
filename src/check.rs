//! Links that check themselves: the figures that a link's author saw, short enough for an address, and how they
//! compare with those that were computed from the link.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::engine::LayerSpectra;
use crate::spectra::effective_rank;
use crate::words::{perplexity, signed};

/// First letter of the text form.
const VERSION: char = '1';

/// Largest relative difference of perplexities that counts as the same. Engines and adapters agree to about
/// 1e-6 where the model works, and to 1e-5 where it has collapsed.
pub const PERPLEXITY_TOLERANCE: f64 = 1e-4;

/// The same for mean effective ranks, which also lose 5e-5 in the text form.
pub const RANK_TOLERANCE: f64 = 2e-3;

/// Largest effective rank that the text form holds; the smallest is 1, and 0 for a zero matrix.
const MAX_RANK: f64 = 1024.0;

/// Differences that are named one by one.
const NAMED: usize = 3;

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// None where it overflows.
    pub baseline: Option<f64>,
    /// Under the link's modes.
    pub perplexity: Option<f64>,
    /// Mean effective rank of routing over a layer's heads, on the text and of the weights.
    pub operating: Vec<f64>,
    pub capacity: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CheckError {
    #[error("they are of a version that this page does not read")]
    Version,
    #[error("they are damaged (was the link cut?)")]
    Damaged,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Largest relative differences within tolerance.
    pub perplexity: f64,
    pub rank: f64,
    /// What differs, in words; empty where everything was reproduced.
    pub differing: Vec<String>,
}

impl Figures {
    /// Of a baseline run's spectra, with its perplexity and the modified run's.
    pub fn new(baseline: Option<f64>, perplexity: Option<f64>, spectra: &[LayerSpectra]) -> Self {
        let mean = |of: fn(&crate::spectra::HeadSpectra) -> &[f64]| {
            let layer = |l: &LayerSpectra| {
                l.heads.iter().map(|h| effective_rank(of(h))).sum::<f64>() / l.heads.len().max(1) as f64
            };
            spectra.iter().map(layer).collect()
        };
        let (operating, capacity) = (mean(|h| &h.operating.routing), mean(|h| &h.capacity().routing));
        Figures { baseline, perplexity, operating, capacity }
    }

    /// The text form: a version letter, then base64url of a checksum (2 bytes), both perplexities (f32, infinity
    /// for an overflow), the number of layers, and the ranks on the text and of the weights (2 bytes each,
    /// logarithmic). All numbers are big-endian.
    pub fn encode(&self) -> String {
        let mut data = Vec::new();
        for value in [self.baseline, self.perplexity] {
            data.extend((value.unwrap_or(f64::INFINITY) as f32).to_be_bytes());
        }
        let layers = self.operating.len().min(self.capacity.len()).min(usize::from(u8::MAX));
        data.push(layers as u8);
        for ranks in [&self.operating, &self.capacity] {
            data.extend(ranks[..layers].iter().flat_map(|rank| quantised(*rank).to_be_bytes()));
        }
        let mut bytes = checksum(&data).to_be_bytes().to_vec();
        bytes.extend(data);
        format!("{VERSION}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads the text form.
    pub fn decode(text: &str) -> Result<Figures, CheckError> {
        let body = text.strip_prefix(VERSION).ok_or(CheckError::Version)?;
        // 255 layers need 1,375 letters.
        let bytes =
            (body.len() < 2000).then(|| URL_SAFE_NO_PAD.decode(body).ok()).flatten().ok_or(CheckError::Damaged)?;
        let (sum, data) = bytes.split_first_chunk::<2>().ok_or(CheckError::Damaged)?;
        let (head, ranks) = data.split_first_chunk::<9>().ok_or(CheckError::Damaged)?;
        let layers = usize::from(head[8]);
        if u16::from_be_bytes(*sum) != checksum(data) || ranks.len() != 4 * layers {
            return Err(CheckError::Damaged);
        }
        let number = |bytes: &[u8]| -> Result<Option<f64>, CheckError> {
            let value = bytes.try_into().map(f32::from_be_bytes).map_err(|_| CheckError::Damaged)?;
            match f64::from(value) {
                v if v.is_nan() || v < 0.0 => Err(CheckError::Damaged),
                v => Ok(v.is_finite().then_some(v)),
            }
        };
        let mut ranks: Vec<f64> = ranks.chunks_exact(2).map(|b| rank(u16::from_be_bytes([b[0], b[1]]))).collect();
        let capacity = ranks.split_off(layers);
        Ok(Figures { baseline: number(&head[..4])?, perplexity: number(&head[4..8])?, operating: ranks, capacity })
    }

    /// Compares a link's figures (`self`) with those that were computed here.
    pub fn compare(&self, here: &Figures) -> Verdict {
        let mut verdict = Verdict { perplexity: 0.0, rank: 0.0, differing: Vec::new() };
        for (name, link, here) in [
            ("perplexity", self.perplexity, here.perplexity),
            ("the baseline perplexity", self.baseline, here.baseline),
        ] {
            let difference = match (link, here) {
                (Some(a), Some(b)) => relative(a, b),
                (None, None) => 0.0,
                _ => f64::INFINITY,
            };
            if difference <= PERPLEXITY_TOLERANCE {
                verdict.perplexity = verdict.perplexity.max(difference);
            } else {
                let by = percent(link, here).map(|by| format!(", {by}")).unwrap_or_default();
                let say = |value: Option<f64>| value.map_or("an overflow".into(), |v| perplexity(Some(v), None));
                verdict.differing.push(format!("{name} is {} here and {} in the link{by}", say(here), say(link)));
            }
        }
        if self.operating.len() != here.operating.len() {
            let (a, b) = (here.operating.len(), self.operating.len());
            verdict.differing.push(format!("the model has {a} layers here and {b} in the link"));
            return verdict;
        }
        for (name, link, here) in [
            ("the effective rank on this text", &self.operating, &here.operating),
            ("the effective rank of the weights", &self.capacity, &here.capacity),
        ] {
            for (layer, (a, b)) in link.iter().zip(here).enumerate() {
                let difference = relative(*a, *b);
                if difference <= RANK_TOLERANCE {
                    verdict.rank = verdict.rank.max(difference);
                } else {
                    let by = percent(Some(*a), Some(*b)).map(|by| format!(", {by}")).unwrap_or_default();
                    let layer = layer + 1;
                    verdict
                        .differing
                        .push(format!("{name} at layer {layer} is {b:.2} here and {a:.2} in the link{by}"));
                }
            }
        }
        verdict
    }
}

impl Verdict {
    pub fn reproduced(&self) -> bool {
        self.differing.is_empty()
    }

    /// The outcome as a sentence or two.
    pub fn sentence(&self) -> String {
        if self.reproduced() {
            return format!(
                "Reproduced on this device. Largest difference from the link’s figures: {} in perplexity, {} in \
                 effective rank (tolerance {} and {}).",
                share(self.perplexity),
                share(self.rank),
                share(PERPLEXITY_TOLERANCE),
                share(RANK_TOLERANCE),
            );
        }
        let more = self.differing.len().saturating_sub(NAMED);
        let named = self.differing[..self.differing.len() - more].join("; ");
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!("Differs from the link’s figures: {named}{more}.")
    }
}

/// |a − b| relative to the larger; 0 for equal values.
fn relative(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { (a - b).abs() / a.abs().max(b.abs()) }
}

/// By how much `here` differs from `link`.
fn percent(link: Option<f64>, here: Option<f64>) -> Option<String> {
    let (link, here) = (link.filter(|v| *v > 0.0)?, here?);
    let change = 100.0 * (here / link - 1.0);
    Some(match change.abs() {
        c if c >= 1000.0 => format!("×{:.1}", here / link),
        c if c >= 0.1 => format!("{} %", signed(change, 1)),
        _ => format!("{} %", signed(change, 3)),
    })
}

/// A small share in percent, with one digit that means something.
fn share(value: f64) -> String {
    if value < 1e-6 {
        return "less than 0.0001 %".into();
    }
    let digits = (-(100.0 * value).log10().floor()).max(0.0) as usize;
    format!("{:.digits$} %", 100.0 * value)
}

/// An effective rank on a logarithmic scale of 1 to [`MAX_RANK`]; 0 is a zero matrix.
fn quantised(rank: f64) -> u16 {
    if rank < 0.5 || rank.is_nan() {
        return 0;
    }
    let steps = f64::from(u16::MAX - 1);
    1 + (rank.clamp(1.0, MAX_RANK).ln() / MAX_RANK.ln() * steps).round() as u16
}

fn rank(code: u16) -> f64 {
    match code {
        0 => 0.0,
        _ => (f64::from(code - 1) / f64::from(u16::MAX - 1) * MAX_RANK.ln()).exp(),
    }
}

/// FNV-1a folded to 16 bits: a link that was cut or mistyped is not taken for one with other figures.
fn checksum(data: &[u8]) -> u16 {
    let hash = data.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash >> 16) as u16 ^ hash as u16
}
