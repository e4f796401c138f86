//! What a sweep shows, in sentences.

use super::{Curves, Kind, SWEPT};
use crate::model::LayerMode;
use crate::words::change;

/// A rise of perplexity that still counts as cheap: the paper's own bound.
const CHEAP: f64 = 1.05;

/// One sentence a model, of those whose curves of linearising and averaging are whole.
pub fn sentence(models: &[(&str, &Curves)]) -> Option<String> {
    let sentences: Vec<String> = models.iter().filter_map(|(name, curves)| of_model(name, curves)).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn of_model(name: &str, curves: &Curves) -> Option<String> {
    let whole = |mode: LayerMode| -> Option<Vec<Option<f64>>> {
        let curve = SWEPT.iter().position(|m| *m == mode)?;
        curves.curve(curve).map(|_| curves.ratios(curve))
    };
    let (linearized, uniform) = (whole(LayerMode::Linearized)?, whole(LayerMode::Uniform)?);
    Some(match curves.kind {
        Kind::First => first(name, &linearized, &uniform),
        Kind::Alone => alone(name, &linearized, &uniform),
    })
}

fn cheap(ratio: &Option<f64>) -> bool {
    ratio.is_some_and(|r| r < CHEAP)
}

/// How far simplifying goes: the longest run of first layers that is cheap, beside plain averaging there. Ratios for
/// k = 0…L.
fn first(name: &str, linearized: &[Option<f64>], uniform: &[Option<f64>]) -> String {
    let of = |ratio: Option<&Option<f64>>| change(ratio.copied().flatten(), Some(1.0));
    match linearized.iter().rposition(cheap) {
        None | Some(0) => {
            format!("{name}: linearising even the first layer costs 5 % or more ({}).", of(linearized.get(1)))
        }
        Some(k) => {
            let layers = if k == 1 { "layer".into() } else { format!("{k} layers") };
            format!(
                "{name}: the first {layers} can be linearised for less than 5 % ({}); plain averaging there: {}.",
                of(linearized.get(k)),
                of(uniform.get(k))
            )
        }
    }
}

/// How many layers are cheap one at a time, and which is the dearest. Ratios for layers 1…L.
fn alone(name: &str, linearized: &[Option<f64>], uniform: &[Option<f64>]) -> String {
    let count = |ratios: &[Option<f64>]| ratios.iter().filter(|r| cheap(r)).count();
    let cost = |ratio: &Option<f64>| ratio.unwrap_or(f64::INFINITY);
    let dearest = (0..linearized.len()).max_by(|a, b| cost(&linearized[*a]).total_cmp(&cost(&linearized[*b])));
    let dearest = dearest.map_or(String::new(), |layer| {
        format!("; layer {} costs most ({})", layer + 1, change(linearized[layer], Some(1.0)))
    });
    format!(
        "{name}: one at a time, {} of {} layers can be linearised for less than 5 %, and {} can average{dearest}.",
        count(linearized),
        linearized.len(),
        count(uniform)
    )
}

/// "about 40 s", "about 3 minutes".
pub fn about(milliseconds: f64) -> String {
    match milliseconds / 1e3 {
        s if s < 1.0 => "less than a second".into(),
        s if s < 10.0 => format!("about {s:.0} s"),
        s if s < 90.0 => format!("about {:.0} s", (s / 5.0).ceil() * 5.0),
        s => format!("about {:.0} minutes", (s / 60.0).ceil()),
    }
}

/// Milliseconds that so many points take, from the time of one whole forward pass: a point starts, on average, in
/// the middle of the stack, and every one needs the output projection.
pub fn estimate(points: usize, forward_ms: f64) -> f64 {
    0.6 * forward_ms * points as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(kind: Kind, linearized: &[Option<f64>], uniform: &[Option<f64>]) -> Curves {
        let points = linearized.len();
        let layers = if kind == Kind::First { points - 1 } else { points };
        let mut curves = Curves::new(kind, layers, Some(30.0));
        for (i, k) in kind.points(layers).enumerate() {
            curves.set(0, k, linearized[i].map(|r| 30.0 * r));
            if let Some(ratio) = uniform.get(i) {
                curves.set(2, k, ratio.map(|r| 30.0 * r));
            }
        }
        curves
    }

    const LINEARIZED: [Option<f64>; 6] = [Some(1.0), Some(1.01), Some(1.2), Some(1.04), Some(9.0), None];
    const UNIFORM: [Option<f64>; 6] = [Some(1.0), Some(1.1), Some(1.3), Some(1.5), Some(3.0), Some(4.0)];

    #[test]
    fn says_how_far_simplifying_goes() {
        let main = curves(Kind::First, &LINEARIZED, &UNIFORM);
        let mut worse = LINEARIZED;
        worse[1..].fill(Some(2.5));
        let twin = curves(Kind::First, &worse, &UNIFORM);
        assert_eq!(
            sentence(&[("S-D", &main), ("Standard", &twin)]).unwrap(),
            "S-D: the first 3 layers can be linearised for less than 5 % (+4.0 %); plain averaging there: +50.0 %. \
             Standard: linearising even the first layer costs 5 % or more (×2.500)."
        );
        worse[1] = Some(1.01);
        let one = curves(Kind::First, &worse, &UNIFORM);
        assert!(sentence(&[("S-D", &one)]).unwrap().contains("the first layer can be linearised"));
    }

    #[test]
    fn says_nothing_of_what_is_not_all_there() {
        let partial = curves(Kind::First, &LINEARIZED, &UNIFORM[..3]);
        assert_eq!(sentence(&[("S-D", &partial)]), None);
        let main = curves(Kind::First, &LINEARIZED, &UNIFORM);
        assert!(sentence(&[("S-D", &partial), ("Standard", &main)]).unwrap().starts_with("Standard"));
    }

    #[test]
    fn says_which_layer_costs_most_alone() {
        let alone = curves(Kind::Alone, &LINEARIZED, &UNIFORM);
        assert_eq!(
            sentence(&[("S-D", &alone)]).unwrap(),
            "S-D: one at a time, 3 of 6 layers can be linearised for less than 5 %, and 1 can average; layer 6 costs \
             most (> 10⁶×)."
        );
    }

    #[test]
    fn times() {
        let texts = [300.0, 4200.0, 31000.0, 100_000.0].map(about);
        assert_eq!(texts, ["less than a second", "about 4 s", "about 35 s", "about 2 minutes"]);
        assert_eq!(estimate(10, 100.0), 600.0);
    }
}
