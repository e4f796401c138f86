//! Figures as files: data as CSV and JSON, drawings as SVG that stands alone, PNG with its source written in.
//!
//! Every file says which weights it is of (SHA-256) and has the link that leads back to the figure.

mod palette;
mod png;
mod svg;
mod table;

pub use palette::LIGHT;
pub use png::with_text;
pub use svg::{standalone, with_image};
pub use table::{Cell, Column, csv, json};

use crate::model::LayerMode;

/// What a figure is of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// Id of the figure: the beginning of file names.
    pub figure: String,
    pub title: String,
    /// What the figure shows, in a sentence or two.
    pub sentence: String,
    pub model: String,
    /// Of the weights file, lower-case hex.
    pub sha256: String,
    /// As in links: `linearized*7,softmax*5`.
    pub modes: String,
    /// Leads back to this state of the page.
    pub link: String,
}

/// `cascade-sd-6m-linearized7`, without an extension: what is shown, of which model, under which modes.
/// Layers that run as they were trained are not named.
pub fn file_stem(figure: &str, model: &str, modes: &[LayerMode], trained: &[LayerMode]) -> String {
    let mut parts = vec![figure.to_string(), model.to_string()];
    let pairs: Vec<_> = modes.iter().zip(trained).collect();
    let mut first = 1;
    for run in pairs.chunk_by(|a, b| a.0 == b.0 && (a.0 == a.1) == (b.0 == b.1)) {
        let (mode, last) = (run[0].0, first + run.len() - 1);
        if mode != run[0].1 {
            let layers = if first == 1 { last.to_string() } else { format!("-layers{first}to{last}") };
            // "rank47" would read as a rank of 47.
            let between = if matches!(mode, LayerMode::Rank(_)) && first == 1 { "x" } else { "" };
            parts.push(format!("{mode}{between}{layers}"));
        }
        first = last + 1;
    }
    let stem = parts.join("-");
    let safe = stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' });
    safe.take(MAX_STEM).collect()
}

/// Some file systems refuse longer names.
const MAX_STEM: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_modes;

    #[test]
    fn file_names_say_what_is_inside() {
        let trained = [LayerMode::Softmax; 12];
        let stem = |modes: &str| file_stem("cascade", "sd-6m", &parse_modes(modes, &trained).unwrap(), &trained);
        assert_eq!(stem("linearized*7,softmax*5"), "cascade-sd-6m-linearized7");
        assert_eq!(stem("trained*12"), "cascade-sd-6m");
        assert_eq!(stem("rank4*7,softmax*5"), "cascade-sd-6m-rank4x7");
        assert_eq!(stem("softmax*2,off,uniform*2,softmax*7"), "cascade-sd-6m-off-layers3to3-uniform-layers4to5");
        let own = [LayerMode::Elu1, LayerMode::Softmax];
        assert_eq!(file_stem("a b", "x/../y", &[LayerMode::Elu1, LayerMode::Elu1], &own), "a-b-x-..-y-elu1-layers2to2");
    }

    #[test]
    fn file_names_stay_short() {
        let trained = [LayerMode::Softmax; 64];
        let modes: Vec<_> = (0..64).map(|i| if i % 2 == 0 { LayerMode::Off } else { LayerMode::Uniform }).collect();
        assert!(file_stem("cascade", "sd-6m", &modes, &trained).len() <= MAX_STEM);
    }
}
