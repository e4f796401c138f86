//! Costs as people read them.

use super::{Memory, arithmetic, crossover, layer_memory, memory};
use crate::model::{Config, LayerMode};

/// "256", "1k", "64k", "1M".
pub fn tokens(count: u64) -> String {
    const K: u64 = 1 << 10;
    const M: u64 = 1 << 20;
    match count {
        n if n >= M && n.is_multiple_of(M) => format!("{}M", n / M),
        n if n >= K && n.is_multiple_of(K) => format!("{}k", n / K),
        n => n.to_string(),
    }
}

/// "27.3 kB", in powers of a thousand.
pub fn bytes(count: f64) -> String {
    prefixed(count, "B")
}

/// "3.21 GFLOP".
pub fn flops(count: f64) -> String {
    prefixed(count, "FLOP")
}

fn prefixed(value: f64, unit: &str) -> String {
    const PREFIXES: [&str; 6] = ["", "k", "M", "G", "T", "P"];
    let step = if value < 1000.0 { 0 } else { ((value.log10() / 3.0 + 1e-9) as usize).min(PREFIXES.len() - 1) };
    let scaled = value / 1000f64.powi(step as i32);
    let digits = match scaled {
        _ if step == 0 => 0,
        s if s < 9.995 => 2,
        s if s < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:.digits$} {}{unit}", PREFIXES[step])
}

/// What a layer keeps of a text in a mode, in words; r and d_v are numbers.
pub fn kept(config: &Config, layer: usize, mode: LayerMode) -> String {
    let (heads, r, v) = (config.heads, config.head_dim[layer], config.value_dim[layer]);
    let key = if config.is_sd() { "u" } else { "k" };
    let each = format!("for each of {heads} heads");
    match mode {
        LayerMode::Softmax => format!("{key} ({r}) and v ({v}) of every token, {each}"),
        LayerMode::Routing | LayerMode::Filtering | LayerMode::Rank(_) if !config.is_sd() => {
            format!("q ({r}), k ({r}) and v ({v}) of every token, {each}")
        }
        LayerMode::Routing | LayerMode::Filtering | LayerMode::Rank(_) => {
            format!("u ({r}) and v ({v}) of every token, {each}")
        }
        LayerMode::Linearized => format!("the sums of {key} ⊗ v ({r} × {v}), of {key} ({r}) and of v ({v}), {each}"),
        LayerMode::Elu1 => format!("the sums of φ({key}) ⊗ v ({r} × {v}) and of φ({key}) ({r}), {each}"),
        LayerMode::Uniform => format!("the sum of v ({v}), {each}"),
        LayerMode::Off => "nothing".into(),
    }
}

/// One line for each run of layers with the same mode and widths: "Layers 1–7, linearized", what it keeps, and how
/// much at that length.
pub fn memory_sentence(config: &Config, modes: &[LayerMode], count: u64) -> Vec<(String, String, String)> {
    let same = |a: usize, b: usize| {
        (modes[a], config.head_dim[a], config.value_dim[a]) == (modes[b], config.head_dim[b], config.value_dim[b])
    };
    let layers: Vec<usize> = (0..modes.len().min(config.layers)).collect();
    let groups = layers.chunk_by(|a, b| same(*a, *b)).map(|group| {
        let (first, last) = (group[0], group[group.len() - 1]);
        let mode = modes[first];
        let name = if first == last {
            format!("Layer {}, {mode}", first + 1)
        } else {
            format!("Layers {}–{}, {mode}", first + 1, last + 1)
        };
        let bytes_here: f64 = group.iter().map(|l| layer_memory(config, *l, mode).bytes(count)).sum();
        (name, kept(config, first, mode), bytes(bytes_here))
    });
    groups.collect()
}

/// What the current modes cost against all layers in softmax, on this text and far beyond it.
pub fn sentence(config: &Config, modes: &[LayerMode], count: u64) -> String {
    let softmax = vec![LayerMode::Softmax; config.layers];
    if modes == softmax {
        let total = arithmetic(config, modes, count);
        return format!(
            "Every layer runs in softmax: {} on this text, {:.0} % of it scores and mixing, and {} to remember.",
            flops(total.total()),
            100.0 * total.mixing / total.total(),
            bytes(memory(config, modes).bytes(count))
        );
    }
    let long = 1 << 16;
    let at = |count: u64| {
        let work = |modes: &[LayerMode]| arithmetic(config, modes, count).total();
        let kept = |modes: &[LayerMode]| memory(config, modes).bytes(count);
        format!(
            "{} the arithmetic and {} the memory",
            times(work(modes) / work(&softmax)),
            times(kept(modes) / kept(&softmax))
        )
    };
    format!("Against softmax in every layer: {} on this text; {} at {} tokens.", at(count), at(long), tokens(long))
}

/// "×0.97", with as many digits as mean something.
fn times(ratio: f64) -> String {
    match ratio {
        r if r >= 0.995 => format!("×{r:.2}"),
        r if r >= 0.0995 => format!("×{r:.2}"),
        0.0 => "×0".into(),
        r => format!("×{r:.3}"),
    }
}

/// From which length on the current modes take less than softmax; None where they are softmax.
pub fn crossover_sentence(config: &Config, modes: &[LayerMode]) -> Option<String> {
    let softmax = vec![LayerMode::Softmax; config.layers];
    if modes == softmax {
        return None;
    }
    let (ours, theirs): (Memory, Memory) = (memory(config, modes), memory(config, &softmax));
    let remember = crossover(|t| ours.bytes(t), |t| theirs.bytes(t));
    let work = |modes: &[LayerMode], t| arithmetic(config, modes, t).total();
    let compute = crossover(|t| work(modes, t), |t| work(&softmax, t));
    let from = |what: &str, found: Option<u64>| match found {
        Some(1) => format!("{what} at every length"),
        Some(t) => format!("{what} from {t} tokens on"),
        None => format!("{what} at no length"),
    };
    Some(format!("Less than softmax: {}; {}.", from("memory", remember), from("arithmetic", compute)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{parse_modes, random};

    #[test]
    fn numbers() {
        assert_eq!([256, 1024, 65536, 1 << 20, 1000].map(tokens), ["256", "1k", "64k", "1M", "1000"]);
        assert_eq!([0.0, 832.0, 1000.0, 27_264.0].map(bytes), ["0 B", "832 B", "1.00 kB", "27.3 kB"]);
        assert_eq!([9_996.0, 999_600.0, 3.214e9].map(flops), ["10.0 kFLOP", "1000 kFLOP", "3.21 GFLOP"]);
        assert_eq!([1.003, 0.97, 0.5, 0.0123, 0.0].map(times), ["×1.00", "×0.97", "×0.50", "×0.012", "×0"]);
    }

    fn config(family: &'static str) -> Config {
        random::config(family, 12, 192, 6, 4096, 256)
    }

    fn modes(text: &str) -> Vec<LayerMode> {
        parse_modes(text, &[LayerMode::Softmax; 12]).unwrap()
    }

    #[test]
    fn says_what_is_kept() {
        let sd = config("sd");
        assert_eq!(kept(&sd, 0, LayerMode::Softmax), "u (32) and v (32) of every token, for each of 6 heads");
        let standard = config("gpt2");
        assert!(kept(&standard, 0, LayerMode::Routing).starts_with("q (32), k (32) and v (32)"));
        assert!(kept(&standard, 0, LayerMode::Linearized).starts_with("the sums of k ⊗ v (32 × 32), of k (32)"));
        let lines = memory_sentence(&sd, &modes("linearized*7,softmax,off*4"), 256);
        let names: Vec<&str> = lines.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["Layers 1–7, linearized", "Layer 8, softmax", "Layers 9–12, off"]);
        // 7 layers of 6·(1024 + 64) numbers; 256 tokens of 6·64; nothing.
        assert_eq!(lines.iter().map(|l| l.2.as_str()).collect::<Vec<_>>(), ["183 kB", "393 kB", "0 B"]);
    }

    #[test]
    fn sentences() {
        let sd = config("sd");
        let softmax = sentence(&sd, &modes("softmax*12"), 256);
        assert!(softmax.starts_with("Every layer runs in softmax: "), "{softmax}");
        let linear = sentence(&sd, &modes("linearized*7,softmax*5"), 256);
        assert!(linear.contains("at 64k tokens"), "{linear}");
        // 5 of 12 layers remember: ×0.42 in the long run.
        assert!(linear.ends_with("×0.42 the memory at 64k tokens."), "{linear}");
        assert_eq!(
            crossover_sentence(&sd, &modes("linearized*7,softmax*5")).unwrap(),
            "Less than softmax: memory from 18 tokens on; arithmetic from 65 tokens on."
        );
        assert_eq!(crossover_sentence(&sd, &modes("softmax*12")), None);
        let routing = crossover_sentence(&config("gpt2"), &modes("routing*12")).unwrap();
        assert_eq!(routing, "Less than softmax: memory at no length; arithmetic at no length.");
        let off = crossover_sentence(&sd, &modes("off*12")).unwrap();
        assert_eq!(off, "Less than softmax: memory at every length; arithmetic at every length.");
    }
}
