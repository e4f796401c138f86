//! The models that ship with the site, in the order of the menu.

use crate::model::{LayerMode, parse_modes};

/// One shipped model. Its files lie in `assets/checkpoints/<id>/`.
#[derive(Debug, PartialEq)]
pub struct ModelEntry {
    pub id: &'static str,
    pub title: &'static str,
    /// What it shows, in a sentence.
    pub shows: &'static str,
    /// Of `model.safetensors`, lower-case hex.
    pub sha256: &'static str,
    /// Size of `model.safetensors`.
    pub bytes: u64,
    pub heads: usize,
    /// The mode that each layer was trained with, as in links.
    trained: &'static str,
    pub layers: usize,
}

impl ModelEntry {
    /// The mode that each layer was trained with.
    pub fn trained(&self) -> Vec<LayerMode> {
        let softmax = vec![LayerMode::Softmax; self.layers];
        parse_modes(self.trained, &softmax).unwrap_or(softmax)
    }
}

pub const MODELS: &[ModelEntry] = &[
    ModelEntry {
        id: "sd-6m",
        title: "S-D attention, 6M",
        shows: "Routing and filtering kept apart by construction, no normalisation: the spectral cascade.",
        sha256: "44ae141ec65877db3955882c27fdfa56e95782ae636a1cc718a4dff1a67ed725",
        bytes: 11_599_592,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
    },
    ModelEntry {
        id: "gpt2-6m",
        title: "Standard attention, 6M",
        shows: "The pre-norm GPT-2 twin of the same size and data: it collapses where S-D holds.",
        sha256: "b85b8110c60dad996acfa188a3b94b5665fcd9f7982bd0be73c53be7f3827855",
        bytes: 12_361_336,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
    },
];

/// The model that is shown when a link names none.
pub const DEFAULT: &str = "sd-6m";

pub fn find(id: &str) -> Option<&'static ModelEntry> {
    MODELS.iter().find(|m| m.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_describe_the_files() {
        for model in MODELS {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/checkpoints").join(model.id);
            let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
            assert_eq!(weights.len() as u64, model.bytes, "{}", model.id);
            assert_eq!(crate::checkpoint::sha256_hex(&weights), model.sha256, "{}", model.id);
            let config = std::fs::read(folder.join("config.json")).unwrap();
            let read = crate::checkpoint::read(&config, &weights).unwrap().config;
            assert_eq!((read.layers, read.heads), (model.layers, model.heads), "{}", model.id);
            assert_eq!(read.trained, parse_modes(model.trained, &read.trained).unwrap(), "{}", model.id);
            assert_eq!(read.trained, model.trained(), "{}", model.id);
        }
        assert!(find(DEFAULT).is_some());
    }
}
