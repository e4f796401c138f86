//! What a configuration costs: arithmetic, parameters and memory, from formulas.
//!
//! Arithmetic counts the products of matrices and vectors, a multiplication with its addition as 2. Exponentials,
//! norms, biases and activations, which no mode changes much, are left out. Linear modes are counted as running sums
//! over the text, as when it comes token by token; whole texts are computed in chunks, which takes a little more.

mod words;

use crate::export::Column;
use crate::model::{Config, Filter, LayerMode};

pub use words::{bytes, crossover_sentence, flops, kept, memory_sentence, sentence, tokens};

/// Bytes of an f32, in which everything is computed and kept.
pub const F32: f64 = 4.0;

/// Floating-point operations of one pass over a text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arithmetic {
    /// Residual stream → what scores are made of, and values.
    pub projections: f64,
    /// Queries by small matrices, scores and the weighted sums of values.
    pub mixing: f64,
    /// Values → residual stream.
    pub output: f64,
    pub mlp: f64,
    /// Residual stream → the scores of the next token.
    pub unembedding: f64,
}

impl Arithmetic {
    pub fn total(&self) -> f64 {
        self.projections + self.mixing + self.output + self.mlp + self.unembedding
    }

    /// The parts by name, in the order in which they are computed.
    pub fn parts(&self) -> [(&'static str, f64); 5] {
        [
            ("projections", self.projections),
            ("scores and mixing", self.mixing),
            ("output projection", self.output),
            ("MLP", self.mlp),
            ("unembedding", self.unembedding),
        ]
    }
}

/// Arithmetic of one pass over `tokens` tokens with one mode a layer.
pub fn arithmetic(config: &Config, modes: &[LayerMode], tokens: u64) -> Arithmetic {
    let (t, d) = (tokens as f64, config.d_model as f64);
    let mut sum = Arithmetic { unembedding: 2.0 * t * d * config.vocab_size as f64, ..Arithmetic::default() };
    for (layer, mode) in modes.iter().enumerate().take(config.layers) {
        let (heads, v) = (config.heads as f64, config.value_dim[layer] as f64);
        sum.mlp += 4.0 * t * d * config.d_ff as f64;
        if *mode == LayerMode::Off {
            continue;
        }
        let scored = if *mode == LayerMode::Uniform { 0.0 } else { config.score_width(layer) as f64 };
        sum.projections += 2.0 * t * d * heads * (scored + v);
        sum.mixing += heads * mixing(config, layer, *mode, t);
        sum.output += 2.0 * t * heads * v * d;
    }
    sum
}

/// One head's scores and weighted sums over `t` tokens.
fn mixing(config: &Config, layer: usize, mode: LayerMode, t: f64) -> f64 {
    let (r, v) = (config.head_dim[layer] as f64, config.value_dim[layer] as f64);
    let z = config.score_width(layer) as f64;
    // q = u (S − D): a standard head's q comes with the projection.
    let queries = if config.is_sd() { 2.0 * t * r * r } else { 0.0 };
    let pairs = t * (t + 1.0) / 2.0;
    match mode {
        LayerMode::Softmax => queries + 2.0 * pairs * (r + v),
        // One attention of the width of all that scores are made of: q = z K, k = z.
        LayerMode::Routing | LayerMode::Filtering | LayerMode::Rank(_) => 2.0 * t * z * z + 2.0 * pairs * (z + v),
        // k ⊗ v into the running sum and q out of it, and q by the sum of the keys.
        LayerMode::Linearized | LayerMode::Elu1 => queries + t * (4.0 * r * v + 2.0 * r),
        // v into the running sum, and the sum by 1/n.
        LayerMode::Uniform => 2.0 * t * v,
        LayerMode::Off => 0.0,
    }
}

/// Parameters of a layer's attention that a mode makes use of, biases included.
pub fn attention_parameters(config: &Config, layer: usize, mode: LayerMode) -> usize {
    let (heads, d) = (config.heads, config.d_model);
    let (r, v) = (config.head_dim[layer], config.value_dim[layer]);
    let values = heads * v * (d + 1) + d * (heads * v + 1);
    let filter = match config.filter {
        Filter::None => 0,
        Filter::Diagonal => heads * r,
        Filter::Full => heads * r * r,
    };
    match mode {
        LayerMode::Off => 0,
        LayerMode::Uniform => values,
        _ if !config.is_sd() => 2 * heads * r * (d + 1) + values,
        LayerMode::Filtering => heads * r * d + filter + values,
        LayerMode::Routing => heads * r * (d + r) + values,
        _ => heads * r * (d + r) + filter + values,
    }
}

/// The same over all layers.
pub fn all_attention_parameters(config: &Config, modes: &[LayerMode]) -> usize {
    modes.iter().enumerate().take(config.layers).map(|(l, mode)| attention_parameters(config, l, *mode)).sum()
}

/// What a layer has to remember of a text to go on with it, in numbers of f32.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    pub a_token: usize,
    /// However long the text is.
    pub fixed: usize,
}

impl Memory {
    pub fn bytes(&self, tokens: u64) -> f64 {
        F32 * (self.a_token as f64 * tokens as f64 + self.fixed as f64)
    }
}

pub fn layer_memory(config: &Config, layer: usize, mode: LayerMode) -> Memory {
    let (heads, r, v) = (config.heads, config.head_dim[layer], config.value_dim[layer]);
    match mode {
        // k and v; an S-D head's u is where both its queries and its keys come from.
        LayerMode::Softmax => Memory { a_token: heads * (r + v), fixed: 0 },
        // A standard head's routing and filtering parts read q of earlier tokens as well.
        LayerMode::Routing | LayerMode::Filtering | LayerMode::Rank(_) => {
            Memory { a_token: heads * (config.score_width(layer) + v), fixed: 0 }
        }
        LayerMode::Linearized => Memory { a_token: 0, fixed: heads * (r * v + r + v) },
        LayerMode::Elu1 => Memory { a_token: 0, fixed: heads * (r * v + r) },
        LayerMode::Uniform => Memory { a_token: 0, fixed: heads * v },
        LayerMode::Off => Memory::default(),
    }
}

pub fn memory(config: &Config, modes: &[LayerMode]) -> Memory {
    let layers = modes.iter().enumerate().take(config.layers).map(|(l, mode)| layer_memory(config, l, *mode));
    layers.fold(Memory::default(), |sum, m| Memory { a_token: sum.a_token + m.a_token, fixed: sum.fixed + m.fixed })
}

/// Memory and arithmetic at several lengths of text as columns, now and with softmax in every layer.
pub fn columns(config: &Config, modes: &[LayerMode], lengths: &[u64]) -> Vec<Column> {
    let softmax = vec![LayerMode::Softmax; config.layers];
    let kept = |modes: &[LayerMode]| lengths.iter().map(|n| memory(config, modes).bytes(*n)).collect::<Vec<f64>>();
    let work =
        |modes: &[LayerMode]| lengths.iter().map(|n| arithmetic(config, modes, *n).total()).collect::<Vec<f64>>();
    vec![
        Column::new("tokens", lengths.iter().map(|n| *n as usize)),
        Column::new("memory_now_bytes", kept(modes)),
        Column::new("memory_softmax_bytes", kept(&softmax)),
        Column::new("arithmetic_now_flop", work(modes)),
        Column::new("arithmetic_softmax_flop", work(&softmax)),
    ]
}

/// Texts longer than this are not looked at.
pub const LONGEST: u64 = 1 << 20;

/// The shortest text, up to [`LONGEST`], from which on `ours` is below `theirs`. Their difference may change sign
/// once, as that of costs that grow linearly or quadratically does.
pub fn crossover(ours: impl Fn(u64) -> f64, theirs: impl Fn(u64) -> f64) -> Option<u64> {
    let below = |tokens: &u64| ours(*tokens) < theirs(*tokens);
    if !below(&LONGEST) {
        return None;
    }
    let (mut low, mut high) = (0, LONGEST);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if below(&middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{parse_modes, random};

    /// 2 layers, d 8, 2 heads, r = v = 4, d_ff 32, vocabulary 10.
    fn small(family: &'static str) -> Config {
        random::config(family, 2, 8, 2, 10, 16)
    }

    fn modes(text: &str) -> Vec<LayerMode> {
        parse_modes(text, &[LayerMode::Softmax; 2]).unwrap()
    }

    #[test]
    fn arithmetic_by_hand() {
        // 3 tokens: 6 visible pairs.
        let standard = arithmetic(&small("gpt2"), &modes("softmax*2"), 3);
        // A layer: q, k, v of 8 numbers each from 8; scores 2·6·4 and sums 2·6·4 a head; output 8 from 8.
        assert_eq!(standard.projections, 2.0 * (2.0 * 3.0 * 8.0 * 24.0));
        assert_eq!(standard.mixing, 2.0 * (2.0 * (48.0 + 48.0)));
        assert_eq!(standard.output, 2.0 * (2.0 * 3.0 * 8.0 * 8.0));
        assert_eq!(standard.mlp, 2.0 * (2.0 * 3.0 * 8.0 * 32.0 * 2.0));
        assert_eq!(standard.unembedding, 2.0 * 3.0 * 8.0 * 10.0);
        assert_eq!(standard.total(), 2304.0 + 384.0 + 768.0 + 6144.0 + 480.0);
        assert_eq!(standard.parts().iter().map(|(_, f)| f).sum::<f64>(), standard.total());
        // S-D: u and v; and u (S − D), 3 tokens by 4×4, for each of 2 heads.
        let sd = arithmetic(&small("sd"), &modes("softmax*2"), 3);
        assert_eq!(sd.projections, 2.0 * (2.0 * 3.0 * 8.0 * 16.0));
        assert_eq!(sd.mixing, 2.0 * (2.0 * (96.0 + 2.0 * 3.0 * 16.0)));
    }

    #[test]
    fn modes_change_their_own_parts_only() {
        let config = small("gpt2");
        let of = |text| arithmetic(&config, &modes(text), 3);
        let (softmax, off) = (of("softmax*2"), of("off,softmax"));
        assert_eq!((off.mlp, off.unembedding), (softmax.mlp, softmax.unembedding));
        assert_eq!((off.projections, off.mixing, off.output), (1152.0, 192.0, 384.0));
        // Linear: 4·4·4 + 2·4 a token and head.
        assert_eq!(of("linearized,off").mixing, 2.0 * 3.0 * 72.0);
        assert_eq!(of("elu1,off").mixing, 2.0 * 3.0 * 72.0);
        // Uniform: no scores to project; one sum and one product a value.
        let uniform = of("uniform,off");
        assert_eq!((uniform.projections, uniform.mixing), (2.0 * 3.0 * 8.0 * 8.0, 2.0 * 3.0 * 8.0));
        // Routing of a standard head: 8 wide instead of 4, and a matrix of 8×8.
        assert_eq!(of("routing,off").mixing, 2.0 * (2.0 * 3.0 * 64.0 + 2.0 * 6.0 * 12.0));
        assert_eq!(of("rank4,off").mixing, of("routing,off").mixing);
    }

    #[test]
    fn parameters_are_those_of_the_files() {
        for entry in crate::zoo::MODELS {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/checkpoints").join(entry.id);
            let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
            let model = crate::checkpoint::read(&read("config.json"), &read("model.safetensors")).unwrap();
            let counted = all_attention_parameters(&model.config, &model.config.trained);
            assert_eq!(counted, model.attention_parameters, "{}", entry.id);
        }
    }

    #[test]
    fn modes_leave_parameters_idle() {
        let config = small("sd");
        let of = |mode| attention_parameters(&config, 0, mode);
        // u 8·8, A 2·16, δ 2·4, v 8·8 + 8, o 8·8 + 8.
        assert_eq!(of(LayerMode::Softmax), 64 + 32 + 8 + 144);
        assert_eq!(of(LayerMode::Linearized), of(LayerMode::Softmax));
        assert_eq!(of(LayerMode::Routing), 64 + 32 + 144);
        assert_eq!(of(LayerMode::Filtering), 64 + 8 + 144);
        assert_eq!((of(LayerMode::Uniform), of(LayerMode::Off)), (144, 0));
    }

    #[test]
    fn memory_by_hand() {
        let (sd, standard) = (small("sd"), small("gpt2"));
        let of = |config, mode| layer_memory(config, 0, mode);
        assert_eq!(of(&sd, LayerMode::Softmax), Memory { a_token: 16, fixed: 0 });
        assert_eq!(of(&standard, LayerMode::Softmax), Memory { a_token: 16, fixed: 0 });
        assert_eq!(of(&sd, LayerMode::Routing).a_token, 16);
        assert_eq!(of(&standard, LayerMode::Routing).a_token, 24, "q, k and v");
        assert_eq!(of(&sd, LayerMode::Linearized).fixed, 2 * (16 + 4 + 4));
        assert_eq!(of(&sd, LayerMode::Elu1).fixed, 2 * (16 + 4));
        assert_eq!(of(&sd, LayerMode::Uniform), Memory { a_token: 0, fixed: 8 });
        assert_eq!(of(&sd, LayerMode::Off), Memory::default());
        let all = memory(&sd, &modes("linearized,softmax"));
        assert_eq!((all, all.bytes(10)), (Memory { a_token: 16, fixed: 48 }, 4.0 * 208.0));
    }

    #[test]
    fn columns_hold_what_the_functions_say() {
        let sd = small("sd");
        let table = columns(&sd, &modes("off*2"), &[3, 5]);
        let names: Vec<&str> = table.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names[..3], ["tokens", "memory_now_bytes", "memory_softmax_bytes"]);
        assert_eq!(table[1].cells, Column::new("", [0.0, 0.0]).cells);
        assert_eq!(table[2].cells, Column::new("", [4.0 * 32.0 * 3.0, 4.0 * 32.0 * 5.0]).cells);
        let total = arithmetic(&sd, &modes("softmax*2"), 5).total();
        assert_eq!(table[4].cells[1], Column::new("", [total]).cells[0]);
    }

    #[test]
    fn crossovers() {
        let (sd, softmax) = (small("sd"), modes("softmax*2"));
        let linear = modes("linearized,softmax");
        let kept = |modes: &[LayerMode]| {
            let memory = memory(&sd, modes);
            move |tokens| memory.bytes(tokens)
        };
        // 48 numbers against 16 a token: equal at 3, less from 4.
        assert_eq!(crossover(kept(&linear), kept(&softmax)), Some(4));
        // 72 a token and head against (T + 1)·8: equal at 8.
        let work = |modes: &[LayerMode], tokens| arithmetic(&sd, modes, tokens).total();
        assert_eq!(crossover(|t| work(&linear, t), |t| work(&softmax, t)), Some(9));
        assert_eq!(crossover(|t| work(&softmax, t), |t| work(&softmax, t)), None);
        assert_eq!(crossover(|t| work(&softmax, t), |t| work(&linear, t)), None);
        assert_eq!(crossover(kept(&modes("off*2")), kept(&softmax)), Some(1));
    }
}
