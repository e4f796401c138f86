//! Layer modes and their text form, `linearized*7,softmax*5`.

use std::fmt;
use std::str::FromStr;

/// How a layer mixes the values of the visible positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerMode {
    /// softmax_j(G_ij), the standard mixing.
    Softmax,
    /// First-order expansion of softmax about uniform weights, in linear time.
    Linearized,
    /// φ(q)·φ(k) with φ = ELU + 1, in linear time (Katharopoulos et al. 2020).
    Elu1,
    /// 1/n over the visible positions: is the layer doing more than averaging?
    Uniform,
    /// softmax with the filtering part of G dropped.
    Routing,
    /// softmax with the routing part of G dropped.
    Filtering,
    /// softmax with the routing part of the weight kernel cut to this many singular values (an even number:
    /// one rotation plane is a pair), the rest of G kept.
    Rank(u16),
    /// Attention output dropped.
    Off,
}

/// Largest K of `rankK` that is accepted; above the full rank it means "nothing cut".
const MAX_RANK: u16 = 512;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModesError {
    #[error(
        "'{0}' is not a layer mode; use softmax, linearized, elu1, uniform, routing, filtering, off, trained or \
         rankK with an even K (rank2, rank4, …)"
    )]
    Unknown(String),
    #[error("'{0}' has no valid repeat count; write for example linearized*7")]
    Count(String),
    #[error("{found} modes given for {expected} layers")]
    Length { found: usize, expected: usize },
}

impl fmt::Display for LayerMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LayerMode::Softmax => "softmax",
            LayerMode::Linearized => "linearized",
            LayerMode::Elu1 => "elu1",
            LayerMode::Uniform => "uniform",
            LayerMode::Routing => "routing",
            LayerMode::Filtering => "filtering",
            LayerMode::Rank(k) => return write!(f, "rank{k}"),
            LayerMode::Off => "off",
        })
    }
}

impl FromStr for LayerMode {
    type Err = ModesError;

    fn from_str(text: &str) -> Result<Self, ModesError> {
        Ok(match text {
            "softmax" => LayerMode::Softmax,
            "linearized" => LayerMode::Linearized,
            "elu1" => LayerMode::Elu1,
            "uniform" => LayerMode::Uniform,
            "routing" => LayerMode::Routing,
            "filtering" => LayerMode::Filtering,
            "off" => LayerMode::Off,
            _ => {
                let rank = text.strip_prefix("rank").and_then(|k| k.parse().ok());
                match rank {
                    Some(k) if k % 2 == 0 && k <= MAX_RANK => LayerMode::Rank(k),
                    _ => return Err(ModesError::Unknown(text.chars().take(40).collect())),
                }
            }
        })
    }
}

impl LayerMode {
    /// Modes whose cost grows linearly with the number of tokens.
    pub fn is_linear(self) -> bool {
        matches!(self, LayerMode::Linearized | LayerMode::Elu1 | LayerMode::Uniform | LayerMode::Off)
    }
}

/// The variants of a sweep: the first k layers in `mode`, the rest as trained, for k = 0…layers.
pub fn sweep_variants(trained: &[LayerMode], mode: LayerMode) -> Vec<Vec<LayerMode>> {
    let variant = |k: usize| (0..trained.len()).map(|l| if l < k { mode } else { trained[l] }).collect();
    (0..=trained.len()).map(variant).collect()
}

/// The variants of a solo curve: one layer in `mode`, the rest as trained, for each layer.
pub fn solo_variants(trained: &[LayerMode], mode: LayerMode) -> Vec<Vec<LayerMode>> {
    let variant = |only: usize| (0..trained.len()).map(|l| if l == only { mode } else { trained[l] }).collect();
    (0..trained.len()).map(variant).collect()
}

/// One model's switches on another: a layer that is as trained stays as the other was trained.
pub fn same_switches(modes: &[LayerMode], trained: &[LayerMode], others: &[LayerMode]) -> Vec<LayerMode> {
    let layers = modes.iter().zip(trained).zip(others);
    layers.map(|((mode, own), other)| if mode == own { *other } else { *mode }).collect()
}

/// Parses `mode*count,…`, first layer first. `trained` stands for the mode that the layer was trained with.
pub fn parse_modes(text: &str, trained: &[LayerMode]) -> Result<Vec<LayerMode>, ModesError> {
    let mut modes = Vec::with_capacity(trained.len());
    let mut found = 0usize;
    for part in text.split(',') {
        let (name, count) = match part.trim().split_once('*') {
            Some((name, count)) => {
                let count = count.trim().parse::<u32>().ok().filter(|n| *n > 0);
                (name.trim(), count.ok_or_else(|| ModesError::Count(part.chars().take(40).collect()))? as usize)
            }
            None => (part.trim(), 1),
        };
        let mode = if name == "trained" { None } else { Some(name.parse::<LayerMode>()?) };
        // A count may be huge: keep only what fits, and report the true number.
        let wanted = trained.iter().skip(found).take(count);
        modes.extend(wanted.map(|own| mode.unwrap_or(*own)));
        found = found.saturating_add(count);
    }
    if found != trained.len() {
        return Err(ModesError::Length { found, expected: trained.len() });
    }
    Ok(modes)
}

/// The shortest text that [`parse_modes`] reads back.
pub fn format_modes(modes: &[LayerMode]) -> String {
    let runs = modes.chunk_by(|a, b| a == b);
    let texts = runs.map(|run| if run.len() == 1 { run[0].to_string() } else { format!("{}*{}", run[0], run.len()) });
    texts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRAINED: [LayerMode; 4] = [LayerMode::Elu1, LayerMode::Softmax, LayerMode::Softmax, LayerMode::Softmax];

    #[test]
    fn round_trips() {
        for text in ["linearized*3,softmax", "off,rank4*2,routing", "uniform,filtering,elu1,rank0"] {
            assert_eq!(format_modes(&parse_modes(text, &TRAINED).unwrap()), text);
        }
        assert_eq!(parse_modes("trained*4", &TRAINED).unwrap(), TRAINED);
    }

    #[test]
    fn variants_of_sweeps_and_solo_curves() {
        let texts = |all: Vec<Vec<LayerMode>>| all.iter().map(|modes| format_modes(modes)).collect::<Vec<_>>();
        let sweep = texts(sweep_variants(&TRAINED, LayerMode::Off));
        assert_eq!(sweep, ["elu1,softmax*3", "off,softmax*3", "off*2,softmax*2", "off*3,softmax", "off*4"]);
        let solo = texts(solo_variants(&TRAINED, LayerMode::Off));
        assert_eq!(solo[..2], ["off,softmax*3", "elu1,off,softmax*2"]);
        assert_eq!((solo.len(), solo[3].as_str()), (4, "elu1,softmax*2,off"));
    }

    #[test]
    fn says_both_numbers() {
        let error = parse_modes("softmax*7", &TRAINED).unwrap_err();
        assert_eq!(error.to_string(), "7 modes given for 4 layers");
        assert!(matches!(parse_modes("softmax", &TRAINED), Err(ModesError::Length { found: 1, .. })));
        assert!(parse_modes("softmax*4000000000,softmax*4000000000", &TRAINED).is_err());
    }

    #[test]
    fn as_trained_means_as_each_was_trained() {
        let own = [LayerMode::Softmax; 4];
        let modes = [LayerMode::Softmax, LayerMode::Off, LayerMode::Uniform, LayerMode::Softmax];
        let expected = [LayerMode::Elu1, LayerMode::Off, LayerMode::Uniform, LayerMode::Softmax];
        assert_eq!(same_switches(&modes, &own, &TRAINED), expected);
    }

    #[test]
    fn refuses_nonsense() {
        for text in ["", "soft", "rank3", "rank-2", "rank9999", "softmax*0", "softmax*-1", "softmax*x", "softmax,,off"]
        {
            assert!(parse_modes(text, &TRAINED).is_err(), "{text}");
        }
    }
}
