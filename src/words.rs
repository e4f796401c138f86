//! What the page says in words: numbers as people read them, and the sentence under the figure.

use crate::model::LayerMode;

/// Beyond this ratio to the baseline a perplexity says only "collapsed".
const COLLAPSED: f64 = 1e6;

/// A perplexity, with as many digits as mean something.
pub fn perplexity(value: Option<f64>, baseline: Option<f64>) -> String {
    match value {
        Some(p) if p / baseline.unwrap_or(p) < COLLAPSED => significant(p),
        _ => "> 10⁶×".into(),
    }
}

/// Ratio of two perplexities: "×1.034".
pub fn ratio(value: Option<f64>, baseline: Option<f64>) -> String {
    match (value, baseline) {
        (Some(p), Some(b)) if p / b < COLLAPSED => {
            format!("×{}", if p / b < 10.0 { format!("{:.3}", p / b) } else { significant(p / b) })
        }
        _ => "> 10⁶×".into(),
    }
}

/// The change of a perplexity: "+3.4 %", "−0.2 %", "×12.4" or "> 10⁶×".
pub fn change(value: Option<f64>, baseline: Option<f64>) -> String {
    match (value, baseline) {
        (Some(p), Some(b)) if p / b < 2.0 => format!("{} %", signed(100.0 * (p / b - 1.0), 1)),
        _ => ratio(value, baseline),
    }
}

/// With a typographic minus and an explicit plus; zero has no sign.
pub fn signed(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    let zero = text.chars().all(|c| c == '0' || c == '.');
    match (zero, value < 0.0) {
        (true, _) => text,
        (_, true) => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

fn significant(value: f64) -> String {
    match value {
        v if v < 100.0 => format!("{v:.2}"),
        v if v < 1000.0 => format!("{v:.1}"),
        v if v < 1e5 => format!("{v:.0}"),
        v => {
            let exponent = v.log10().floor();
            let digits: String = format!("{exponent}").chars().map(superscript).collect();
            format!("{:.1}·10{digits}", v / 10f64.powf(exponent))
        }
    }
}

fn superscript(digit: char) -> char {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    digit.to_digit(10).map_or(digit, |d| RAISED[d as usize])
}

/// "98 304": digits in threes, held together by narrow spaces.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join("\u{202f}")
}

/// "11.6 MB".
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// A model's title up to its first comma: "S-D attention".
pub fn short(title: &str) -> String {
    title.split(',').next().unwrap_or(title).to_string()
}

/// What a mode does, in a phrase for tooltips and the legend.
pub fn mode_help(mode: LayerMode) -> String {
    match mode {
        LayerMode::Softmax => "softmax of the scores, as in standard attention".into(),
        LayerMode::Linearized => "first-order expansion of softmax: linear time".into(),
        LayerMode::Elu1 => "ELU + 1 feature map: linear time".into(),
        LayerMode::Uniform => "plain average of all visible tokens: a control".into(),
        LayerMode::Routing => "softmax with the filtering part of the scores dropped".into(),
        LayerMode::Filtering => "softmax with the routing part of the scores dropped".into(),
        LayerMode::Rank(k) => format!("softmax with routing cut to its {} strongest rotation planes", k / 2),
        LayerMode::Off => "attention output dropped: a control".into(),
    }
}

/// "linearised", as in "layers 1–7 linearised".
fn participle(mode: LayerMode) -> String {
    match mode {
        LayerMode::Softmax => "set to softmax".into(),
        LayerMode::Linearized => "linearised".into(),
        LayerMode::Elu1 => "set to ELU + 1".into(),
        LayerMode::Uniform => "replaced by plain averaging".into(),
        LayerMode::Routing => "left with routing only".into(),
        LayerMode::Filtering => "left with filtering only".into(),
        LayerMode::Rank(k) => format!("cut to routing rank {k}"),
        LayerMode::Off => "switched off".into(),
    }
}

/// The layers that differ from how they were trained, as "layers 1–7 linearised and layer 9 switched off".
pub fn simplified(modes: &[LayerMode], trained: &[LayerMode]) -> Option<String> {
    let mut parts: Vec<(LayerMode, Vec<(usize, usize)>)> = Vec::new();
    for (layer, (mode, own)) in modes.iter().zip(trained).enumerate() {
        if mode == own {
            continue;
        }
        if !parts.iter().any(|(m, _)| m == mode) {
            parts.push((*mode, Vec::new()));
        }
        for (_, ranges) in parts.iter_mut().filter(|(m, _)| m == mode) {
            match ranges.last_mut() {
                Some((_, last)) if *last == layer => *last = layer + 1,
                _ => ranges.push((layer + 1, layer + 1)),
            }
        }
    }
    let texts: Vec<String> = parts
        .iter()
        .map(|(mode, ranges)| {
            let one = ranges.len() == 1 && ranges[0].0 == ranges[0].1;
            let list: Vec<_> =
                ranges.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}–{b}") }).collect();
            format!("layer{} {} {}", if one { "" } else { "s" }, list.join(", "), participle(*mode))
        })
        .collect();
    (!texts.is_empty()).then(|| join(&texts))
}

/// "a", "a and b", "a, b and c".
pub fn join(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// What the sentence is about.
pub struct Shown<'a> {
    pub modes: &'a [LayerMode],
    pub trained: &'a [LayerMode],
    pub baseline: Option<f64>,
    pub now: Option<f64>,
    /// Perplexity with the simplified layers averaging uniformly instead, where it is known.
    pub uniform: Option<Option<f64>>,
    /// Mean operating routing rank, a layer.
    pub ranks: &'a [f64],
}

/// One or two plain sentences that state what the figure shows now.
pub fn sentence(shown: &Shown) -> String {
    let Some(what) = simplified(shown.modes, shown.trained) else {
        return match shown.ranks {
            [first, .., last] => format!(
                "Every layer runs as it was trained. Routing uses about {first:.1} dimensions a head at layer 1 and \
                 {last:.1} at layer {}.",
                shown.ranks.len()
            ),
            _ => "Every layer runs as it was trained.".into(),
        };
    };
    let mut text = what;
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let effect = match (shown.now, shown.baseline) {
        (Some(now), Some(base)) if (now / base - 1.0).abs() < 0.0005 => "perplexity does not change".to_string(),
        (Some(now), Some(base)) if now < base => {
            format!("perplexity falls by {:.1} %, from {base:.2} to {now:.2}", 100.0 * (1.0 - now / base))
        }
        (Some(now), Some(base)) if now / base < 2.0 => {
            format!("perplexity rises by {:.1} %, from {base:.2} to {now:.2}", 100.0 * (now / base - 1.0))
        }
        (Some(now), Some(base)) if now / base < COLLAPSED => {
            format!("perplexity rises {}-fold, from {base:.2} to {}", significant(now / base), significant(now))
        }
        _ => "the model collapses: perplexity is more than a million times the baseline".to_string(),
    };
    text = format!("{text}: {effect}.");
    if let Some(uniform) = shown.uniform {
        let change = change(uniform, shown.baseline);
        text += &format!(" Plain averaging in the same layers: {change}.");
    }
    text
}

/// What capacity does with depth, in a sentence: the cascade, or its absence.
pub fn cascade_sentence(capacity: &[f64]) -> String {
    let [first, .., last] = capacity else { return String::new() };
    let rho = rank_correlation_with_order(capacity);
    let ends = format!(
        "{first:.1} at layer 1, {last:.1} at layer {}; rank correlation with depth {}",
        capacity.len(),
        signed(rho, 2)
    );
    if rho > 0.8 {
        format!("Capacity grows with depth: a spectral cascade ({ends}).")
    } else {
        format!("Capacity does not grow steadily with depth in this model ({ends}).")
    }
}

/// Spearman's correlation of values with their position; ties share their mean rank.
fn rank_correlation_with_order(values: &[f64]) -> f64 {
    let rank = |v: f64| {
        let below = values.iter().filter(|w| **w < v).count() as f64;
        let equal = values.iter().filter(|w| **w == v).count() as f64;
        below + (equal - 1.0) / 2.0
    };
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let (mut covariance, mut spread, mut order) = (0.0, 0.0, 0.0);
    for (i, v) in values.iter().enumerate() {
        let (x, y) = (i as f64 - middle, rank(*v) - middle);
        covariance += x * y;
        order += x * x;
        spread += y * y;
    }
    if spread > 0.0 { covariance / (spread * order).sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::parse_modes;

    const TRAINED: [LayerMode; 12] = [LayerMode::Softmax; 12];

    fn modes(text: &str) -> Vec<LayerMode> {
        parse_modes(text, &TRAINED).unwrap()
    }

    #[test]
    fn digits_come_in_threes() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn numbers() {
        assert_eq!(perplexity(Some(29.958), Some(29.958)), "29.96");
        assert_eq!(perplexity(Some(352417.0), Some(29.9)), "3.5·10⁵");
        assert_eq!(perplexity(Some(1e144), Some(29.9)), "> 10⁶×");
        assert_eq!(perplexity(None, Some(29.9)), "> 10⁶×");
        assert_eq!(ratio(Some(30.98), Some(29.96)), "×1.034");
        assert_eq!(
            (change(Some(31.0), Some(30.0)), change(Some(29.9), Some(30.0))),
            ("+3.3 %".into(), "−0.3 %".into())
        );
        assert_eq!(change(Some(30.0), Some(30.0)), "0.0 %");
        assert_eq!(change(Some(372.0), Some(30.0)), "×12.40");
    }

    #[test]
    fn names_ranges() {
        let text = simplified(&modes("linearized*7,softmax,off,rank8*2,linearized"), &TRAINED).unwrap();
        assert_eq!(text, "layers 1–7, 12 linearised, layer 9 switched off and layers 10–11 cut to routing rank 8");
        assert_eq!(simplified(&TRAINED, &TRAINED), None);
    }

    #[test]
    fn says_whether_there_is_a_cascade() {
        let rising = cascade_sentence(&[2.5, 9.9, 9.0, 14.4, 20.2, 26.9]);
        assert_eq!(
            rising,
            "Capacity grows with depth: a spectral cascade (2.5 at layer 1, 26.9 at layer 6; rank correlation with depth +0.94)."
        );
        assert!(cascade_sentence(&[25.6, 19.0, 12.8, 23.5]).starts_with("Capacity does not grow"));
        assert_eq!(rank_correlation_with_order(&[1.0, 1.0, 1.0]), 0.0);
        assert_eq!(cascade_sentence(&[]), "");
    }

    #[test]
    fn sentences() {
        let modes = modes("linearized*7,softmax*5");
        let shown = Shown {
            modes: &modes,
            trained: &TRAINED,
            baseline: Some(29.96),
            now: Some(30.98),
            uniform: Some(Some(39.45)),
            ranks: &[2.8, 20.0],
        };
        assert_eq!(
            sentence(&shown),
            "Layers 1–7 linearised: perplexity rises by 3.4 %, from 29.96 to 30.98. Plain averaging in the same layers: +31.7 %."
        );
        let still = Shown { modes: &TRAINED, ..shown };
        assert!(sentence(&still).contains("about 2.8 dimensions a head at layer 1 and 20.0 at layer 2"));
        let gone = Shown { now: None, uniform: None, ..shown };
        assert!(sentence(&gone).contains("collapses"));
    }
}
