//! Checkpoints from strangers: corrupt and hostile files give an error that names what is wrong, what was
//! expected and what was found, without a panic and without much memory; good files in every storage read alike.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use cascade::checkpoint;
use cascade::engine::{Engine, Session};
use cascade::model::random::Rng;
use cascade::model::{LayerMode, Model, Scores, Slot};
use half::{bf16, f16};
use serde_json::{Value, json};

/// Counts what each thread allocates.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The files here have a few kilobytes, one of them 100; nothing justifies more.
const MOST_BYTES: isize = 4 << 20;

fn count(bytes: isize) {
    // A thread that is ending has no counters any more, and nothing that we measure.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        PEAK.try_with(|peak| peak.set(peak.get().max(live.get())))
    });
}

/// What `work` returns, and the most bytes that it held at once.
fn measured<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    (result, PEAK.get() - before)
}

// SAFETY: all memory comes from the system's allocator; the counters touch none of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above; every block came from there.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Clone)]
struct Tensor {
    name: String,
    dtype: &'static str,
    shape: Vec<usize>,
    data: Vec<u8>,
}

/// A checkpoint that can be bent before it is written.
#[derive(Clone)]
struct Checkpoint {
    config: Value,
    tensors: Vec<Tensor>,
}

const VOCAB: usize = 12;
const CONTEXT: usize = 16;
const D: usize = 8;
const HEADS: usize = 2;

impl Checkpoint {
    fn new(config: Value, shapes: &[(&str, &[usize])]) -> Self {
        let mut rng = Rng(7);
        let tensor = |(name, shape): &(&str, &[usize])| {
            let values = rng.values(shape.iter().product(), 0.5);
            let data = values.iter().flat_map(|x| x.to_le_bytes()).collect();
            Tensor { name: (*name).into(), dtype: "F32", shape: shape.to_vec(), data }
        };
        Checkpoint { config, tensors: shapes.iter().map(tensor).collect() }
    }

    fn sd() -> Self {
        let config = json!({
            "model_type": "sd", "n_layer": 2, "d_model": D, "n_head": HEADS, "head_dim": [4, 8], "value_dim": [4, 4],
            "d_ff": 16, "vocab_size": VOCAB, "n_ctx": CONTEXT, "embed_scale": 2.0, "activation": "gelu_tanh",
            "attention": ["softmax", "elu1"], "tie_embeddings": true,
        });
        let mut shapes: Vec<(String, Vec<usize>)> =
            vec![("embed.token".into(), vec![VOCAB, D]), ("embed.position".into(), vec![CONTEXT, D])];
        for (i, r) in [4, 8].into_iter().enumerate() {
            let mut add = |part: &str, shape: &[usize]| shapes.push((format!("layers.{i}.{part}"), shape.to_vec()));
            add("attn.u.weight", &[HEADS * r, D]);
            add("attn.a", &[HEADS, r, r]);
            add("attn.delta", &[HEADS, r]);
            add("attn.v.weight", &[HEADS * 4, D]);
            add("attn.v.bias", &[HEADS * 4]);
            add("attn.o.weight", &[D, HEADS * 4]);
            add("attn.o.bias", &[D]);
            add("mlp.up.weight", &[16, D]);
            add("mlp.up.bias", &[16]);
            add("mlp.down.weight", &[D, 16]);
            add("mlp.down.bias", &[D]);
        }
        let shapes: Vec<(&str, &[usize])> = shapes.iter().map(|(n, s)| (n.as_str(), s.as_slice())).collect();
        Self::new(config, &shapes)
    }

    fn psd() -> Self {
        let mut psd = Self::sd();
        psd.config["filter"] = "psd".into();
        let mut rng = Rng(8);
        for tensor in &mut psd.tensors {
            if let Some(stem) = tensor.name.strip_suffix("delta") {
                let r = tensor.shape[1];
                tensor.name = format!("{stem}l");
                tensor.shape = vec![HEADS, r, r];
                tensor.data = rng.values(HEADS * r * r, 0.5).iter().flat_map(|x| x.to_le_bytes()).collect();
            }
        }
        psd
    }

    fn gpt2() -> Self {
        let config = json!({
            "model_type": "gpt2", "n_layer": 1, "n_embd": D, "n_head": HEADS, "n_positions": CONTEXT, "vocab_size": VOCAB,
        });
        let shapes: &[(&str, &[usize])] = &[
            ("wte.weight", &[VOCAB, D]),
            ("wpe.weight", &[CONTEXT, D]),
            ("h.0.ln_1.weight", &[D]),
            ("h.0.ln_1.bias", &[D]),
            ("h.0.attn.c_attn.weight", &[D, 3 * D]),
            ("h.0.attn.c_attn.bias", &[3 * D]),
            ("h.0.attn.c_proj.weight", &[D, D]),
            ("h.0.attn.c_proj.bias", &[D]),
            ("h.0.ln_2.weight", &[D]),
            ("h.0.ln_2.bias", &[D]),
            ("h.0.mlp.c_fc.weight", &[D, 4 * D]),
            ("h.0.mlp.c_fc.bias", &[4 * D]),
            ("h.0.mlp.c_proj.weight", &[4 * D, D]),
            ("h.0.mlp.c_proj.bias", &[D]),
            ("ln_f.weight", &[D]),
            ("ln_f.bias", &[D]),
        ];
        Self::new(config, shapes)
    }

    fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|t| t.name == name).expect(name)
    }

    /// The header, and the data behind it.
    fn parts(&self) -> (Value, Vec<u8>) {
        let (mut header, mut data) = (json!({"__metadata__": {"format": "pt"}}), Vec::new());
        for Tensor { name, dtype, shape, data: own } in &self.tensors {
            let start = data.len();
            data.extend_from_slice(own);
            header[name] = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]});
        }
        (header, data)
    }

    fn weights(&self) -> Vec<u8> {
        let (header, data) = self.parts();
        file(header.to_string().as_bytes(), &data)
    }

    fn read(&self) -> Result<Model, checkpoint::CheckpointError> {
        checkpoint::read(self.config.to_string().as_bytes(), &self.weights())
    }

    /// The same weights in another storage type.
    fn stored(&self, dtype: &'static str, convert: impl Fn(f32) -> Vec<u8>) -> Self {
        let mut other = self.clone();
        for tensor in &mut other.tensors {
            let words = tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            (tensor.dtype, tensor.data) = (dtype, words.flat_map(&convert).collect());
        }
        other
    }
}

fn file(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header, data].concat()
}

/// Expects an error that says all of that.
fn refused(what: &str, config: &[u8], weights: &[u8], says: &[&str]) {
    let (result, peak) = measured(|| checkpoint::read(config, weights));
    let error = match result {
        Ok(_) => panic!("{what}: was read"),
        Err(e) => e.to_string(),
    };
    for text in says {
        assert!(error.contains(text), "{what}: the error does not say '{text}': {error}");
    }
    assert!(error.len() < 500, "{what}: an error is to be read by people: {error}");
    assert!(peak < MOST_BYTES, "{what}: {peak} bytes were allocated");
}

#[test]
fn the_allocator_counts() {
    assert!(measured(|| vec![1u8; 5 << 20].len()).1 > MOST_BYTES);
}

#[test]
fn files_that_are_not_what_they_say() {
    let sd = Checkpoint::sd();
    let config = sd.config.to_string();
    let good = sd.weights();
    let (header, data) = sd.parts();
    let text = header.to_string();
    let length = |claim: u64| [&claim.to_le_bytes(), &good[8..]].concat();
    let with_header = |change: &dyn Fn(&mut Value)| {
        let mut changed = header.clone();
        change(&mut changed);
        file(changed.to_string().as_bytes(), &data)
    };
    let offsets = |name: &'static str, start: u64, end: u64| {
        with_header(&|h: &mut Value| h[name]["data_offsets"] = json!([start, end]))
    };
    let follow = (good.len() - 8).to_string();
    let cases: Vec<(&str, Vec<u8>, Vec<&str>)> = vec![
        ("empty", vec![], vec!["0 bytes"]),
        ("one byte", vec![1], vec!["1 bytes", "8"]),
        ("seven bytes", vec![0; 7], vec!["7 bytes"]),
        ("length alone", 100u64.to_le_bytes().into(), vec!["claims 100 bytes", "0 follow"]),
        ("header cut off", good[..60].into(), vec!["claims", "52 follow"]),
        ("header length 0", length(0), vec!["header"]),
        ("header length 2⁶⁴ − 1", length(u64::MAX), vec!["18446744073709551615", &follow]),
        ("header length 100 MB", length(100_000_000), vec!["100000000", &follow]),
        ("header one byte longer than the file", length(good.len() as u64 - 7), vec![&follow]),
        ("header one byte short", length(text.len() as u64 - 1), vec!["header"]),
        ("data cut off", good[..good.len() - 1].into(), vec!["tensor 'layers.1.mlp.down.bias'", "bytes of data"]),
        ("data left over", [good.as_slice(), &[0; 3]].concat(), vec!["5795 bytes", "follow"]),
        ("not UTF-8", file(b"{\"\xff\": 1}", &data), vec!["header"]),
        ("not JSON", file(b"{embed", &data), vec!["header"]),
        ("a list", file(b"[1, 2]", &data), vec!["expected a JSON object"]),
        ("nesting", file("[".repeat(100_000).as_bytes(), &data), vec!["header"]),
        ("an entry that is a number", with_header(&|h| h["embed.token"] = json!(3)), vec!["tensor 'embed.token'"]),
        ("no shape", with_header(&|h| h["embed.token"] = json!({"dtype": "F32"})), vec!["embed.token", "shape"]),
        ("a negative shape", with_header(&|h| h["embed.token"]["shape"] = json!([-1, 8])), vec!["embed.token", "-1"]),
        ("overlap", offsets("embed.position", 0, 512), vec!["embed.", "starts at byte 0", "expected 384"]),
        ("a gap", offsets("embed.token", 4, 388), vec!["embed.token", "byte 4", "expected 0"]),
        ("out of bounds", offsets("embed.token", 0, 1 << 40), vec!["embed.token", "1099511627776"]),
        ("reversed", offsets("embed.token", 384, 0), vec!["embed.token", "384 to 0"]),
        (
            "offsets near 2⁶⁴",
            offsets("embed.token", u64::MAX - 1, u64::MAX),
            vec!["embed.token", "18446744073709551614"],
        ),
        (
            "wrong length for its shape",
            with_header(&|h| h["embed.token"]["shape"] = json!([13, 8])),
            vec!["embed.token", "[13, 8]", "416 bytes", "384"],
        ),
        (
            "a shape whose product overflows",
            with_header(&|h| h["embed.token"]["shape"] = json!([1u64 << 40, 1u64 << 40])),
            vec!["embed.token", "1099511627776"],
        ),
        (
            "a shape of zeros",
            with_header(&|h| h["embed.token"]["shape"] = json!([0, 8])),
            vec!["embed.token", "0 bytes", "384"],
        ),
        (
            "a key twice",
            file(text.replace("embed.position", "embed.token").as_bytes(), &data),
            vec!["embed.token", "twice"],
        ),
        (
            "an unknown dtype",
            with_header(&|h| h["embed.token"]["dtype"] = json!("F99")),
            vec!["embed.token", "F99", "F32, F16 or BF16"],
        ),
    ];
    for (what, weights, says) in cases {
        refused(what, config.as_bytes(), &weights, &says);
    }
}

#[test]
fn tensors_that_are_not_the_model() {
    type Change = fn(&mut Checkpoint);
    let set = |tensor: &mut Tensor, index: usize, bytes: &[u8]| {
        tensor.data[index * bytes.len()..][..bytes.len()].copy_from_slice(bytes);
    };
    let f16_infinity: Change = |c| {
        *c = c.stored("F16", |x| f16::from_f32(x).to_le_bytes().into());
        c.tensor("embed.token").data[22..24].copy_from_slice(&f16::INFINITY.to_le_bytes());
    };
    let cases: Vec<(&str, Checkpoint, Change, &[&str])> = vec![
        (
            "a missing tensor",
            Checkpoint::sd(),
            |c| c.tensors.retain(|t| t.name != "layers.1.attn.a"),
            &["layers.1.attn.a", "missing"],
        ),
        (
            "psd without l",
            Checkpoint::psd(),
            |c| c.tensors.retain(|t| t.name != "layers.0.attn.l"),
            &["layers.0.attn.l"],
        ),
        (
            "diagonal's file under psd's name",
            Checkpoint::sd(),
            |c| c.config["filter"] = json!("psd"),
            &["layers.0.attn.l"],
        ),
        ("no embedding at all", Checkpoint::gpt2(), |c| c.tensors.retain(|t| t.name != "wte.weight"), &["wte.weight"]),
        (
            "transposed",
            Checkpoint::sd(),
            |c| c.tensor("layers.0.mlp.up.weight").shape = vec![8, 16],
            &["layers.0.mlp.up.weight", "[8, 16]", "[16, 8]"],
        ),
        (
            "transposed, gpt2",
            Checkpoint::gpt2(),
            |c| c.tensor("h.0.attn.c_attn.weight").shape = vec![24, 8],
            &["h.0.attn.c_attn.weight", "[24, 8]", "[8, 24]"],
        ),
        (
            "flattened",
            Checkpoint::sd(),
            |c| c.tensor("layers.0.attn.a").shape = vec![8, 4],
            &["layers.0.attn.a", "[8, 4]", "[2, 4, 4]"],
        ),
        (
            "integers",
            Checkpoint::sd(),
            |c| {
                let t = c.tensor("embed.token");
                t.dtype = "I64";
                t.data.extend(vec![0; 384]);
            },
            &["embed.token", "I64", "F32, F16 or BF16"],
        ),
        (
            "eight bits",
            Checkpoint::gpt2(),
            |c| {
                let t = c.tensor("ln_f.bias");
                t.dtype = "F8_E4M3";
                t.data.truncate(8);
            },
            &["ln_f.bias", "F8_E4M3"],
        ),
        ("NaN", Checkpoint::sd(), |_| (), &["layers.1.attn.delta", "NaN", "index 5"]),
        ("−∞", Checkpoint::gpt2(), |_| (), &["h.0.mlp.c_fc.bias", "-inf", "index 31"]),
        ("f16 ∞", Checkpoint::sd(), f16_infinity, &["embed.token", "inf", "index 11"]),
        ("more layers than the file has", Checkpoint::gpt2(), |c| c.config["n_layer"] = json!(3), &["h.1."]),
        (
            "another vocabulary",
            Checkpoint::gpt2(),
            |c| c.config["vocab_size"] = json!(50257),
            &["wte.weight", "50257", "12"],
        ),
        ("another family", Checkpoint::sd(), |c| c.config = Checkpoint::gpt2().config, &["wte.weight"]),
    ];
    for (what, mut checkpoint, change, says) in cases {
        change(&mut checkpoint);
        match what {
            "NaN" => set(checkpoint.tensor("layers.1.attn.delta"), 5, &f32::NAN.to_le_bytes()),
            "−∞" => set(checkpoint.tensor("h.0.mlp.c_fc.bias"), 31, &f32::NEG_INFINITY.to_le_bytes()),
            _ => (),
        }
        refused(what, checkpoint.config.to_string().as_bytes(), &checkpoint.weights(), says);
    }
}

#[test]
fn configurations_that_make_no_sense() {
    let (sd, gpt2) = (Checkpoint::sd(), Checkpoint::gpt2());
    let raw: [(&str, &str, &[&str]); 7] = [
        ("empty", "", &["config.json"]),
        ("not JSON", "{", &["config.json"]),
        ("a list", "[]", &["config.json", "JSON object"]),
        ("no keys", "{}", &["model_type", "absent", "sd or gpt2"]),
        ("only a type", r#"{"model_type": "sd"}"#, &["config.json", "missing field"]),
        ("an unknown type", r#"{"model_type": "llama"}"#, &["model_type", "llama", "sd or gpt2"]),
        ("a key twice", r#"{"model_type": "sd", "model_type": "gpt2"}"#, &["model_type", "twice"]),
    ];
    for (what, config, says) in raw {
        refused(what, config.as_bytes(), &sd.weights(), says);
    }
    let changed: Vec<(&Checkpoint, &str, Value, &[&str])> = vec![
        (&sd, "n_layer", json!(0), &["n_layer is 0", "1 to 128"]),
        (&sd, "n_layer", json!(-2), &["n_layer", "-2"]),
        (&sd, "n_layer", json!("2"), &["n_layer", "\"2\""]),
        (&sd, "n_layer", json!(1e9), &["n_layer", "1000000000"]),
        (&sd, "n_layer", json!(129), &["n_layer", "128"]),
        (&sd, "n_layer", json!(3), &["3 layers"]),
        (&sd, "d_model", json!(10), &["d_model", "10", "multiple of 4"]),
        (&sd, "d_model", json!(u64::MAX), &["d_model", "18446744073709551615"]),
        (&sd, "n_head", json!(0), &["n_head is 0"]),
        (&sd, "n_head", json!(1 << 20), &["layers.0.attn.u.weight", "4194304"]),
        (&sd, "head_dim", json!([4]), &["head_dim", "list of 1", "2 layers"]),
        (&sd, "head_dim", json!(4), &["head_dim", "4"]),
        (&sd, "head_dim", json!([4, 68]), &["head_dim[1]", "68", "64"]),
        (&sd, "head_dim", json!([4, 6]), &["head_dim[1]", "6", "multiple of 4"]),
        (&sd, "value_dim", json!([4, 132]), &["value_dim[1]", "132", "128"]),
        (&sd, "value_dim", json!([4, 4, 4]), &["value_dim", "list of 3"]),
        (&sd, "d_ff", json!(0), &["d_ff is 0"]),
        (&sd, "vocab_size", json!(0), &["vocab_size is 0"]),
        (&sd, "vocab_size", json!(1 << 21), &["vocab_size", "2097152", "1048576"]),
        (&sd, "n_ctx", json!(null), &["n_ctx", "null"]),
        (&sd, "embed_scale", json!(0), &["embed_scale", "positive"]),
        (&sd, "embed_scale", json!(1e300), &["embed_scale", "inf"]),
        (&sd, "filter", json!("banded"), &["filter", "banded", "diagonal"]),
        (&sd, "activation", json!("relu"), &["activation", "relu", "gelu_tanh"]),
        (&sd, "attention", json!(["softmax"]), &["attention", "list of 1", "2 layers"]),
        (&sd, "attention", json!(["softmax", "linear"]), &["attention", "linear", "softmax or elu1"]),
        (&sd, "tie_embeddings", json!(false), &["tie_embeddings", "false", "true"]),
        (&gpt2, "n_head", json!(3), &["n_head is 3", "n_embd"]),
        (&gpt2, "n_embd", json!(144), &["n_embd / n_head", "72", "64"]),
        (&gpt2, "n_embd", json!(4), &["n_embd / n_head", "2", "multiple of 4"]),
        (&gpt2, "n_positions", json!(null), &["n_positions", "absent"]),
        (&gpt2, "n_positions", json!(0), &["n_positions is 0"]),
        (&gpt2, "n_inner", json!(30), &["n_inner", "30"]),
        (&gpt2, "activation_function", json!("relu"), &["activation_function", "relu", "gelu_new"]),
        (&gpt2, "layer_norm_epsilon", json!(-1e-5), &["layer_norm_epsilon", "positive"]),
        (&gpt2, "tie_word_embeddings", json!(false), &["tie_word_embeddings", "false"]),
    ];
    for (checkpoint, key, value, says) in changed {
        let mut config = checkpoint.config.clone();
        let what = format!("{key} = {value}");
        config[key] = value;
        refused(&what, config.to_string().as_bytes(), &checkpoint.weights(), says);
    }
    for checkpoint in [&sd, &gpt2] {
        for key in checkpoint.config.as_object().expect("an object").keys() {
            // Keys with a default, by their families' own conventions.
            if key == "tie_embeddings" {
                continue;
            }
            let mut config = checkpoint.config.clone();
            config.as_object_mut().expect("an object").remove(key);
            refused(&format!("no {key}"), config.to_string().as_bytes(), &checkpoint.weights(), &[key]);
        }
    }
}

/// Every byte of the header replaced once: an error or a model, never a panic.
#[test]
fn no_byte_of_a_header_panics() {
    let sd = Checkpoint::sd();
    let (config, good) = (sd.config.to_string(), sd.weights());
    let header = 8 + sd.parts().0.to_string().len();
    for at in 0..header {
        for byte in [0, b'"', b'9', 0xff] {
            let mut bent = good.clone();
            bent[at] = byte;
            // Either is right here: a changed digit of the metadata harms nothing.
            let (_, peak) = measured(|| checkpoint::read(config.as_bytes(), &bent));
            assert!(peak < MOST_BYTES, "byte {at} as {byte}: {peak} bytes were allocated");
        }
    }
}

#[test]
fn every_storage_reads_alike() {
    for checkpoint in [Checkpoint::sd(), Checkpoint::psd(), Checkpoint::gpt2()] {
        let exact = checkpoint.read().expect("f32");
        let half = checkpoint.stored("F16", |x| f16::from_f32(x).to_le_bytes().into()).read().expect("f16");
        let brain = checkpoint.stored("BF16", |x| bf16::from_f32(x).to_le_bytes().into()).read().expect("bf16");
        // f16 keeps 11 bits of a number, bf16 8; values here are below 1.
        for (model, tolerance) in [(half, 0.5f32.powi(11)), (brain, 0.5f32.powi(8))] {
            let pairs = exact.token_embedding.iter().zip(&model.token_embedding);
            let pairs = pairs.chain(exact.layers[0].up.weight.iter().zip(&model.layers[0].up.weight));
            let pairs = pairs.chain(exact.layers[0].output.bias.iter().zip(&model.layers[0].output.bias));
            pairs.for_each(|(a, b)| assert!((a - b).abs() <= tolerance, "{a} became {b}"));
            assert_eq!(model.parameters, exact.parameters);
        }
        let stored: usize = checkpoint.tensors.iter().map(|t| t.data.len() / 4).sum();
        assert_eq!(exact.parameters, stored);
    }
}

#[test]
fn prefixed_names_and_extra_tensors_are_read() {
    let plain = Checkpoint::gpt2();
    let mut prefixed = plain.clone();
    prefixed.tensors.iter_mut().for_each(|t| t.name = format!("transformer.{}", t.name));
    // As real files have them: a mask that is no weight, and the tied output projection once more.
    let mask = Tensor { name: "transformer.h.0.attn.bias".into(), dtype: "BOOL", shape: vec![1, 4], data: vec![1; 4] };
    let head = Tensor { name: "lm_head.weight".into(), ..prefixed.tensors[0].clone() };
    prefixed.tensors.extend([mask, head]);
    let (a, b) = (plain.read().expect("plain"), prefixed.read().expect("prefixed"));
    assert_eq!(a.token_embedding, b.token_embedding);
    assert_eq!(a.layers[0].down.weight, b.layers[0].down.weight);
    assert_eq!(a.parameters, b.parameters);
}

#[test]
fn gpt2_matrices_are_turned_and_split() {
    let checkpoint = Checkpoint::gpt2();
    let model = checkpoint.read().expect("gpt2");
    let stored = &checkpoint.tensors[4];
    // W_k[out, in] is column D + out of row in of the stored [in, 3·out].
    let at = |row: usize, column: usize| &stored.data[(row * 3 * D + column) * 4..][..4];
    let Scores::Standard { key, .. } = &model.layers[0].scores else { panic!("gpt2 has standard heads") };
    for (out, inner) in [(0, 0), (3, 5), (7, 2)] {
        assert_eq!(key.weight[out * D + inner].to_le_bytes(), at(inner, D + out));
        assert_eq!(model.layers[0].value.weight[out * D + inner].to_le_bytes(), at(inner, 2 * D + out));
    }
}

#[test]
fn kernels_are_made_as_the_families_define_them() {
    for (checkpoint, psd) in [(Checkpoint::psd(), true), (Checkpoint::sd(), false)] {
        let model = checkpoint.read().expect("sd");
        for (layer, r) in [4usize, 8].into_iter().enumerate() {
            let find = |part: &str| {
                let name = format!("layers.{layer}.attn.{part}");
                let tensor = checkpoint.tensors.iter().find(|t| t.name == name).expect("a tensor");
                let words = tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                words.map(f64::from).collect::<Vec<_>>()
            };
            let Scores::SymmetricDefinite { s, d, .. } = &model.layers[layer].scores else { panic!("S-D heads") };
            let (a, filter) = (find("a"), find(if psd { "l" } else { "delta" }));
            for h in 0..HEADS {
                for (i, j) in (0..r * r).map(|e| (e / r, e % r)) {
                    let at = (h * r + i) * r + j;
                    let routing = a[at] - a[(h * r + j) * r + i];
                    let filtering = match (psd, i == j) {
                        (true, _) => (0..r).map(|k| filter[(h * r + i) * r + k] * filter[(h * r + j) * r + k]).sum(),
                        (false, true) => filter[h * r + i].exp().ln_1p(),
                        (false, false) => 0.0,
                    };
                    assert!((f64::from(s[at]) - routing).abs() < 1e-6, "S[{i}, {j}]");
                    assert!((f64::from(d[at]) - filtering).abs() < 1e-6, "D[{i}, {j}]");
                }
            }
        }
    }
}

#[test]
fn good_files_run() {
    let trained = [vec![LayerMode::Softmax, LayerMode::Elu1], vec![LayerMode::Softmax]];
    for (checkpoint, trained) in
        [(Checkpoint::sd(), &trained[0]), (Checkpoint::psd(), &trained[0]), (Checkpoint::gpt2(), &trained[1])]
    {
        let model = Arc::new(checkpoint.read().expect("a model"));
        assert_eq!(model.config.trained, *trained);
        let mut session = Session::new(Engine::cpu(), model).expect("a session");
        session.set_tokens(&[0, 11, 5, 5, 3]).expect("a text");
        let run = pollster::block_on(session.run(Slot::Baseline, trained)).expect("a run");
        assert!(run.scores[..4].iter().all(|score| score.nll.is_some_and(f64::is_finite)));
        assert!(run.perplexity().is_some_and(|p| p > 1.0 && p < 1e4));
    }
}

/// Finite weights whose products are not: no panic and no endless iteration, whatever comes out.
#[test]
fn weights_at_the_end_of_the_range_run() {
    for mut checkpoint in [Checkpoint::sd(), Checkpoint::psd(), Checkpoint::gpt2()] {
        for tensor in &mut checkpoint.tensors {
            for word in tensor.data.chunks_exact_mut(4) {
                (word[2], word[3]) = (0x7f, word[3] | 0x7f);
            }
        }
        let model = Arc::new(checkpoint.read().expect("a model"));
        let mut session = Session::new(Engine::cpu(), Arc::clone(&model)).expect("a session");
        session.set_tokens(&[0, 11, 5, 5, 3]).expect("a text");
        for mode in ["softmax", "linearized", "elu1", "uniform", "routing", "filtering", "rank2", "off"] {
            let modes = vec![mode.parse().expect("a mode"); model.config.layers];
            pollster::block_on(session.run(Slot::Modified, &modes)).expect(mode);
        }
        pollster::block_on(session.spectra()).expect("spectra");
    }
}
