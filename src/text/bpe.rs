//! Byte-level BPE as GPT-2 has it, read from a `tokenizer.json`: split the text into pieces, then merge bytes.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::TextError;

/// Vocabulary and merges, over bytes.
pub struct Bpe {
    /// Each token's bytes, by id.
    bytes: Vec<Vec<u8>>,
    /// The token of each single byte.
    singles: [u32; 256],
    /// Rank of a pair of tokens, lowest first, and what they become.
    merges: HashMap<(u32, u32), (u32, u32)>,
    /// Texts that are one token wherever they stand.
    added: Vec<(String, u32)>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<serde_json::Value>,
    pre_tokenizer: Option<Splitter>,
    model: Merger,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct Splitter {
    r#type: String,
    #[serde(default)]
    add_prefix_space: bool,
    #[serde(default = "yes")]
    use_regex: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Merger {
    r#type: Option<String>,
    vocab: HashMap<String, u32>,
    merges: Vec<Pair>,
}

/// Both spellings that such files have.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pair {
    Two(String, String),
    One(String),
}

impl Bpe {
    /// # Errors
    /// A file that is no JSON, of another kind of tokenizer, or with merges of tokens that it does not have.
    pub fn from_json(json: &[u8]) -> Result<Self, TextError> {
        let wrong = |what: String| TextError::Tokenizer(what);
        let file: File = serde_json::from_slice(json).map_err(|e| wrong(e.to_string()))?;
        let byte_level =
            file.pre_tokenizer.is_some_and(|p| p.r#type == "ByteLevel" && p.use_regex && !p.add_prefix_space);
        let bpe = file.model.r#type.is_none_or(|kind| kind == "BPE");
        if !byte_level || !bpe || file.normalizer.is_some_and(|n| !n.is_null()) {
            return Err(wrong("it is not a byte-level BPE like GPT-2's, the kind that this program reads".into()));
        }
        let size = file.model.vocab.values().chain(file.added_tokens.iter().map(|a| &a.id)).max().map_or(0, |id| *id);
        if size as usize > file.model.vocab.len() + file.added_tokens.len() {
            return Err(wrong(format!("its vocabulary has gaps: the largest id is {size}")));
        }
        let letters = alphabet();
        let spelled = |text: &str| text.chars().map(|c| letters.get(&c).copied()).collect::<Option<Vec<u8>>>();
        let mut bytes = vec![Vec::new(); size as usize + 1];
        let mut singles = [None; 256];
        for (text, id) in &file.model.vocab {
            // An added token may stand in the vocabulary as it is.
            bytes[*id as usize] = spelled(text).unwrap_or_else(|| text.clone().into_bytes());
            if let [byte] = bytes[*id as usize].as_slice() {
                singles[usize::from(*byte)] = Some(*id);
            }
        }
        for added in &file.added_tokens {
            bytes[added.id as usize] = added.content.clone().into_bytes();
        }
        let mut all = [0; 256];
        for (byte, id) in singles.iter().enumerate() {
            all[byte] = id.ok_or_else(|| wrong(format!("it has no token for the byte {byte}")))?;
        }
        let mut merges = HashMap::with_capacity(file.model.merges.len());
        for (rank, pair) in file.model.merges.iter().enumerate() {
            let (left, right) = match pair {
                Pair::Two(left, right) => (left.as_str(), right.as_str()),
                Pair::One(both) => both.split_once(' ').unwrap_or((both, "")),
            };
            let id = |text: &str| {
                let found = file.model.vocab.get(text).copied();
                found.ok_or_else(|| wrong(format!("its merge {rank} needs a token '{text}' that it does not have")))
            };
            merges.insert((id(left)?, id(right)?), (rank as u32, id(&format!("{left}{right}"))?));
        }
        let added = file.added_tokens.into_iter().map(|a| (a.content, a.id)).filter(|(c, _)| !c.is_empty()).collect();
        Ok(Bpe { bytes, singles: all, merges, added })
    }

    /// The tokens of a text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            // The first added token from here on; the longest where two begin at one place.
            let places = self.added.iter().filter_map(|(content, id)| Some((rest.find(content)?, content.len(), *id)));
            let found = places.min_by_key(|(at, length, _)| (*at, usize::MAX - length));
            let (at, length, id) = found.map_or((rest.len(), 0, None), |(at, length, id)| (at, length, Some(id)));
            for piece in Pieces(&rest[..at]) {
                self.merge(piece.as_bytes(), &mut ids);
            }
            ids.extend(id);
            rest = &rest[at + length..];
        }
        ids
    }

    /// A token's bytes as text; bytes that are no UTF-8 become U+FFFD.
    pub fn decode(&self, id: u32) -> String {
        let bytes = self.bytes.get(id as usize).map_or(&[][..], Vec::as_slice);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Merges a piece's bytes, lowest rank first and the leftmost of equals.
    fn merge(&self, piece: &[u8], ids: &mut Vec<u32>) {
        let mut tokens: Vec<u32> = piece.iter().map(|byte| self.singles[usize::from(*byte)]).collect();
        loop {
            let pairs = tokens.windows(2).enumerate();
            let known = pairs.filter_map(|(i, p)| self.merges.get(&(p[0], p[1])).map(|(rank, id)| (*rank, i, *id)));
            let Some((_, i, id)) = known.min() else { break };
            tokens[i] = id;
            tokens.remove(i + 1);
        }
        ids.extend(tokens);
    }
}

/// Which byte each letter of the vocabulary's spelling stands for: printable bytes are themselves, the others follow
/// from U+0100 on.
fn alphabet() -> HashMap<char, u8> {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let mut next = 0x100u32;
    let letter = |byte: u8| {
        let code = if printable(byte) {
            u32::from(byte)
        } else {
            next += 1;
            next - 1
        };
        char::from_u32(code).map(|letter| (letter, byte))
    };
    (0..=255u8).filter_map(letter).collect()
}

/// A text in pieces that no token crosses: GPT-2's pattern
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, by hand.
struct Pieces<'a>(&'a str);

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Space,
    Letter,
    Number,
    Other,
}

fn class(c: char) -> Class {
    match c.general_category_group() {
        _ if c.is_whitespace() => Class::Space,
        GeneralCategoryGroup::Letter => Class::Letter,
        GeneralCategoryGroup::Number => Class::Number,
        _ => Class::Other,
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0;
        let first = text.chars().next()?;
        let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];
        let length = match contractions.iter().find(|c| text.starts_with(**c)) {
            Some(contraction) => contraction.len(),
            None => {
                // One blank may lead a run of anything but space.
                let lead = usize::from(first == ' ');
                match text[lead..].chars().next().map(class) {
                    Some(kind) if kind != Class::Space => lead + run(&text[lead..], kind),
                    _ => {
                        let spaces = run(text, Class::Space);
                        let last = text[..spaces].chars().next_back().map_or(0, char::len_utf8);
                        // The last space before a word belongs to that word, unless it is the only one.
                        if spaces < text.len() && spaces > last { spaces - last } else { spaces }
                    }
                }
            }
        };
        let (piece, rest) = text.split_at(length);
        self.0 = rest;
        Some(piece)
    }
}

/// Bytes of the run of one class that the text begins with.
fn run(text: &str, kind: Class) -> usize {
    text.find(|c| class(c) != kind).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::Rng;
    use crate::text::PASSAGES;

    fn json() -> Vec<u8> {
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/checkpoints/tokenizer.json")).unwrap()
    }

    /// The library that such files come from is the oracle.
    #[test]
    fn tokens_are_those_of_the_reference_library() {
        let (ours, theirs) = (Bpe::from_json(&json()).unwrap(), tokenizers::Tokenizer::from_bytes(json()).unwrap());
        let mut texts: Vec<String> = PASSAGES.iter().map(|p| p.text.to_string()).collect();
        texts.extend(
            [
                "",
                " ",
                "  ",
                "a",
                " a",
                "  a",
                "a ",
                "a  ",
                "\n\n a",
                "\t\tb",
                "it's we're I'll they'd 'tis I'M",
                "x'sy 'll''d",
                "1234 5a6 Ⅷ ½",
                "naïve café — “quoted” …",
                "日本語のテキスト",
                "🐌🐌 👩‍🔬",
                "a<|endoftext|>b",
                "<|endoftext|><|endoftext|>",
                "<|endof",
                "नमस्ते ก็",
                "\u{a0}\u{2003}x\u{3000}",
                "e\u{301}e\u{301}",
                "ⓐⓑ ªº",
                "\0\u{7f}",
                "a\r\nb\r\n\r\nc",
                " \u{1F600}!?",
                "___ --- ...   !!!",
            ]
            .map(str::to_string),
        );
        let letters: Vec<char> = " \n\t'’sdlmtrevaé1²Ⅷ.,!-—日🐌\u{301}\u{a0}ßÅ".chars().collect();
        let mut rng = Rng(11);
        for length in 1..400 {
            let pick = |_| letters[((rng.next_f32() + 1.0) / 2.0 * letters.len() as f32) as usize % letters.len()];
            texts.push((0..length % 60).map(pick).collect());
        }
        for text in &texts {
            let expected = theirs.encode(text.as_str(), false).unwrap();
            assert_eq!(ours.encode(text), expected.get_ids(), "{text:?}");
        }
        for id in 0..4096 {
            assert_eq!(ours.decode(id), theirs.decode(&[id], false).unwrap(), "token {id}");
        }
    }

    #[test]
    fn other_kinds_of_files_are_refused() {
        let with = |change: fn(&mut serde_json::Value)| {
            let mut value: serde_json::Value = serde_json::from_slice(&json()).unwrap();
            change(&mut value);
            Bpe::from_json(value.to_string().as_bytes()).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(with(|_| {}), "");
        assert!(with(|v| v["model"]["type"] = "WordPiece".into()).contains("not a byte-level BPE"));
        assert!(with(|v| v["pre_tokenizer"]["add_prefix_space"] = true.into()).contains("not a byte-level BPE"));
        assert!(with(|v| v["normalizer"] = serde_json::json!({ "type": "NFC" })).contains("not a byte-level BPE"));
        assert!(
            with(|v| v["model"]["merges"][5] = serde_json::json!(["qq", "zz"])).contains("merge 5 needs a token 'qq'")
        );
        assert!(with(|v| drop(v["model"]["vocab"].as_object_mut().unwrap().remove("!"))).contains("for the byte 33"));
        assert!(with(|v| v["model"]["vocab"]["!"] = 4_000_000_000u32.into()).contains("gaps"));
        assert!(with(|v| v["model"]["merges"][0] = "Ġ t".into()).is_empty(), "both spellings of merges are read");
    }
}
