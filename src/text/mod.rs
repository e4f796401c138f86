//! Text ↔ tokens, and the bundled passages.

mod bpe;
mod passages;

pub use passages::{PASSAGES, Passage, passage};

/// Longest text that is tokenized at all, in bytes: far beyond any context here, and still instant.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum TextError {
    #[error("tokenizer.json cannot be read: {0}")]
    Tokenizer(String),
    #[error("the text has {0} token{s}; type at least two, so that there is something to predict", s = if *.0 == 1 { "" } else { "s" })]
    TooShort(usize),
}

/// The byte-level BPE of a checkpoint's `tokenizer.json`.
pub struct Tokenizer(bpe::Bpe);

/// A text cut to what a model takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    pub ids: Vec<u32>,
    /// Tokens of the whole text; more than `ids` where it was cut.
    pub total: usize,
}

impl Tokenizer {
    pub fn from_json(json: &[u8]) -> Result<Self, TextError> {
        bpe::Bpe::from_json(json).map(Tokenizer)
    }

    /// Tokens of the text, at most `context` of them. An error below two.
    pub fn encode(&self, text: &str, context: usize) -> Result<Tokens, TextError> {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        let mut ids = self.0.encode(text);
        let total = ids.len();
        if total < 2 {
            return Err(TextError::TooShort(total));
        }
        ids.truncate(context);
        Ok(Tokens { ids, total })
    }

    /// One token's text. A token that is part of a character gives U+FFFD.
    pub fn decode(&self, id: u32) -> String {
        self.0.decode(id)
    }
}

/// A token's text with spaces and line ends made visible.
pub fn visible(token: &str) -> String {
    token.replace(' ', "·").replace('\n', "↵").replace('\t', "⇥").replace('\r', "␍")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/checkpoints/tokenizer.json");
        Tokenizer::from_json(&std::fs::read(path).unwrap()).unwrap()
    }

    #[test]
    fn passages_are_300_to_500_tokens_long() {
        let tokenizer = tokenizer();
        for passage in PASSAGES {
            let tokens = tokenizer.encode(passage.text, 256).unwrap();
            assert!((300..=500).contains(&tokens.total), "{}: {}", passage.id, tokens.total);
            assert_eq!(tokens.ids.len(), 256);
        }
    }

    #[test]
    fn text_survives_tokens() {
        let tokenizer = tokenizer();
        let text = "A ship came in, \"late\".\n\nNobody saw it.";
        let ids = tokenizer.encode(text, 256).unwrap().ids;
        assert_eq!(ids.iter().map(|id| tokenizer.decode(*id)).collect::<String>(), text);
    }

    #[test]
    fn short_and_odd_texts() {
        let tokenizer = tokenizer();
        assert!(matches!(tokenizer.encode("", 256), Err(TextError::TooShort(0))));
        assert!(tokenizer.encode("\0\u{1F600}é", 256).unwrap().ids.len() > 2);
        assert_eq!(tokenizer.encode(&"long ".repeat(100_000), 256).unwrap().ids.len(), 256);
        assert!(Tokenizer::from_json(b"{}").is_err());
    }

    #[test]
    fn spaces_show() {
        assert_eq!(visible(" a\n"), "·a↵");
    }
}
