//! The models that ship with the site, in the order of the menu.

use crate::download::RemoteFile;
use crate::model::{LayerMode, parse_modes};

/// One shipped model. Its files lie in `assets/checkpoints/<id>/`.
#[derive(Debug, PartialEq)]
pub struct ModelEntry {
    pub id: &'static str,
    pub title: &'static str,
    /// What it shows, as on its card.
    pub shows: &'static str,
    pub parameters: u64,
    /// The model to compare it with, of the other family.
    pub twin: &'static str,
    /// Of `model.safetensors`, lower-case hex.
    pub sha256: &'static str,
    /// Size of `model.safetensors`.
    pub bytes: u64,
    pub heads: usize,
    /// The mode that each layer was trained with, as in links.
    trained: &'static str,
    pub layers: usize,
    /// Layer and head, from 1, that are selected at first: the telling head of the card, see
    /// [`crate::heads::telling_head`].
    first_head: (usize, usize),
}

impl ModelEntry {
    /// The mode that each layer was trained with.
    pub fn trained(&self) -> Vec<LayerMode> {
        let softmax = vec![LayerMode::Softmax; self.layers];
        parse_modes(self.trained, &softmax).unwrap_or(softmax)
    }

    /// Layer and head, from 0, that are selected at first.
    pub fn first_head(&self) -> (usize, usize) {
        (self.first_head.0 - 1, self.first_head.1 - 1)
    }

    /// Its `model.safetensors` on the site.
    pub fn weights(&self) -> RemoteFile {
        RemoteFile { url: format!("{}/model.safetensors", self.folder()), sha256: self.sha256, bytes: self.bytes }
    }

    /// Where its files lie on the site.
    pub fn folder(&self) -> String {
        format!("checkpoints/{}", self.id)
    }
}

/// The tokenizer that all of them share.
pub fn tokenizer() -> RemoteFile {
    RemoteFile {
        url: "checkpoints/tokenizer.json".into(),
        sha256: "312c22ba6543fa7acdebca36280311178d4217e740f0bb6c97e13b8490139d67",
        bytes: 262_869,
    }
}

/// Every file that the page keeps on the visitor's device.
pub fn files() -> Vec<RemoteFile> {
    MODELS.iter().map(ModelEntry::weights).chain([tokenizer()]).collect()
}

pub const MODELS: &[ModelEntry] = &[
    ModelEntry {
        id: "sd-6m",
        title: "S-D attention, 6M",
        shows: "The cascade, without any normalisation. Its first seven layers can be linearised for about 2 %, for which a share of its training was, and three of them do real work there.",
        parameters: 5_793_792,
        twin: "gpt2-6m",
        sha256: "051b61a680c0060ec7f1df813b01c62361dd06dbed3286f7eb5f5c96649ed22f",
        bytes: 11_599_592,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
        first_head: (9, 1),
    },
    ModelEntry {
        id: "gpt2-6m",
        title: "Standard attention, 6M",
        shows: "The pre-norm GPT-2 twin: same data, tokens and budget, no linearised share. It predicts better, and collapses when its first seven layers are linearised.",
        parameters: 6_174_336,
        twin: "sd-6m",
        sha256: "0e23c67ec56f93aad3fc4f6e3a0ef10c7ac4d5e4048316383278e1569002c19f",
        bytes: 12_361_336,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
        first_head: (2, 6),
    },
    ModelEntry {
        id: "sd-1m",
        title: "S-D attention, 1M",
        shows: "Eight small layers, quick to load. The first five can be linearised for 1.4 %; it was trained for that.",
        parameters: 929_280,
        twin: "gpt2-1m",
        sha256: "4f6b0a07d05ba7ffb31342dcd90fbeb5a26cf4085107e112c71be06da8e0f894",
        bytes: 1_866_448,
        heads: 4,
        trained: "softmax*8",
        layers: 8,
        first_head: (6, 1),
    },
    ModelEntry {
        id: "gpt2-1m",
        title: "Standard attention, 1M",
        shows: "The standard twin of the 1M model. Linearising its first layer alone costs a third.",
        parameters: 971_040,
        twin: "sd-1m",
        sha256: "4b6564b1c14d580fe658b8d43d8a846f1634a18059750e8f1844e05f6eb7ffe9",
        bytes: 1_950_344,
        heads: 4,
        trained: "softmax*8",
        layers: 8,
        first_head: (4, 3),
    },
    ModelEntry {
        id: "sd-6m-a1",
        title: "S-D, 6M, α = 1: the cascade",
        shows: "The spectral cascade: with α = 1 and nothing else imposed, the mean capacity rank is 2.7 at the first layer and 24 at the last, and its first five layers can be linearised for 0.7 %.",
        parameters: 5_793_792,
        twin: "gpt2-6m",
        sha256: "c3cb01f8064455dee7bef28e44ef382bfaa2db01eb66ed19a1a72a285f404159",
        bytes: 11_599_592,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
        first_head: (10, 1),
    },
    ModelEntry {
        id: "sd-6m-elu4",
        title: "S-D, 6M, four layers of ELU+1",
        shows: "The first four layers are trained with ELU+1 linear attention, at no cost that one seed can tell from noise.",
        parameters: 5_793_792,
        twin: "gpt2-6m",
        sha256: "0d151ce13741f8414594923e30a5f0060e629e2228e6bfb41f8ef14099f1c082",
        bytes: 11_599_592,
        heads: 6,
        trained: "elu1*4,softmax*8",
        layers: 12,
        first_head: (8, 5),
    },
    ModelEntry {
        id: "sd-6m-cascade47",
        title: "S-D, 6M, 47 % fewer attention weights",
        shows: "Heads of 4 to 32 dimensions along the depth: 47 % fewer attention parameters for 1.8 % more perplexity.",
        parameters: 5_126_832,
        twin: "gpt2-6m",
        sha256: "a3ca48d7ee2b8b3ec84cc066703773e5bf1cdcf2c96d435e6374b865286a0405",
        bytes: 10_265_592,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
        first_head: (9, 5),
    },
    ModelEntry {
        id: "sd-6m-cascade65",
        title: "S-D, 6M, 65 % fewer attention weights",
        shows: "Heads of 4 to 24 dimensions along the depth: 65 % fewer attention parameters for 3.1 % more perplexity.",
        parameters: 4_874_400,
        twin: "gpt2-6m",
        sha256: "9c7f99fa3d1ca6a02aa3b443a688a6a1248800681d18bedfddeb743fab385bf8",
        bytes: 9_760_712,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
        first_head: (10, 4),
    },
    ModelEntry {
        id: "sd-6m-psd",
        title: "S-D, 6M, full filter",
        shows: "A full filter instead of a diagonal one, a larger residual stream and no linearised share: the closest to the twin, but only its first four layers can be linearised.",
        parameters: 5_865_216,
        twin: "gpt2-6m",
        sha256: "e9c357ae5ccce39f60ba77e6a83aac84273b8982f9b105d0067c5307e4b6dc11",
        bytes: 11_742_432,
        heads: 6,
        trained: "softmax*12",
        layers: 12,
        first_head: (5, 6),
    },
    ModelEntry {
        id: "sd-15m",
        title: "S-D attention, 15M",
        shows: "Sixteen layers of width 256: the first ten can be linearised for 2 %. Ten is what it was trained for.",
        parameters: 12_812_288,
        twin: "gpt2-15m",
        sha256: "a30336c828a0dccf4187148c93eca2419cd57d6a7d207031cc41496b8de06989",
        bytes: 25_640_784,
        heads: 8,
        trained: "softmax*16",
        layers: 16,
        first_head: (11, 6),
    },
    ModelEntry {
        id: "gpt2-15m",
        title: "Standard attention, 15M",
        shows: "The standard twin of the 15M model. Six of its sixteen layers linearised cost a factor of twelve.",
        parameters: 13_750_784,
        twin: "sd-15m",
        sha256: "1c4744fdc8184636c60789e530c3069f0a86a569b87af3afc26ab2d49baacbdb",
        bytes: 27_518_640,
        heads: 8,
        trained: "softmax*16",
        layers: 16,
        first_head: (5, 4),
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
            let read = crate::checkpoint::read(&config, &weights).unwrap();
            assert_eq!(read.parameters as u64, model.parameters, "{}", model.id);
            let read = read.config;
            assert_eq!((read.layers, read.heads), (model.layers, model.heads), "{}", model.id);
            assert_eq!(read.trained, parse_modes(model.trained, &read.trained).unwrap(), "{}", model.id);
            assert_eq!(read.trained, model.trained(), "{}", model.id);
            let twin = find(model.twin).unwrap_or_else(|| panic!("{}: no model {}", model.id, model.twin));
            let family = |id: &str| id.split('-').next().map(str::to_owned);
            assert_eq!(family(model.id).as_deref(), Some(read.family), "{}", model.id);
            assert_ne!(family(twin.id), family(model.id), "{}", model.id);
            assert_eq!(twin.layers, model.layers, "{}", model.id);
        }
        assert!(find(DEFAULT).is_some());
    }

    #[test]
    fn files_are_what_is_said_of_them() {
        for file in files() {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(&file.url);
            let content = std::fs::read(path).unwrap();
            assert_eq!(content.len() as u64, file.bytes, "{}", file.url);
            assert_eq!(crate::checkpoint::sha256_hex(&content), file.sha256, "{}", file.url);
        }
    }

    #[test]
    fn entries_agree_with_the_cards() {
        for model in MODELS {
            let path = format!("{}/assets/checkpoints/{}/card.json", env!("CARGO_MANIFEST_DIR"), model.id);
            let card: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            for (key, value) in [("id", model.id), ("shows", model.shows), ("sha256", model.sha256)] {
                assert_eq!(card[key].as_str(), Some(value), "{}: {key}", model.id);
            }
            assert_eq!(card["parameters"].as_u64(), Some(model.parameters), "{}", model.id);
            let read: crate::card::Card = serde_json::from_value(card.clone()).unwrap();
            assert_eq!(model.first_head(), crate::heads::telling_head(&read.spectra), "{}", model.id);
            if let Some(twin) = card["twin"]["id"].as_str() {
                assert_eq!(twin, model.twin, "{}", model.id);
            }
        }
    }
}
