//! What the figures of one head show now, in sentences.

use super::HeadFigures;
use crate::spectra::{Plane, effective_rank, rank90};
use crate::words::signed;

/// A share as whole per cent; "< 1" and "> 99" where rounding would say none or all.
pub fn percent(share: f64) -> String {
    match 100.0 * share {
        p if p > 0.0 && p < 0.5 => "< 1 %".into(),
        p if (99.5..100.0).contains(&p) => "> 99 %".into(),
        p => format!("{p:.0} %"),
    }
}

/// What a head does, from its figures.
pub fn head_sentence(head: &HeadFigures) -> String {
    format!(
        "Head {} of layer {}: {} of its scores’ energy on this text is routing, spread over an effective rank of \
         {:.1}; its weights would allow {:.1}.",
        head.head + 1,
        head.layer + 1,
        percent(head.fraction),
        head.operating,
        head.capacity,
    )
}

/// What a routing spectrum shows: `values` descend and come in pairs.
pub fn spectrum_sentence(values: &[f64]) -> String {
    let total: f64 = values.iter().map(|s| s * s).sum();
    let first: f64 = values.iter().take(2).map(|s| s * s).sum();
    if total <= 0.0 || !total.is_finite() {
        return "There is no routing here.".into();
    }
    // Rounding can split a pair; the plane counts as a whole.
    let planes = rank90(values).div_ceil(2);
    let reach = match planes {
        1 => "one plane is enough for 90 %".to_string(),
        n => format!("{n} planes reach 90 %"),
    };
    let rank = effective_rank(values);
    format!(
        "The strongest plane holds {} of the routing energy; {reach}. Effective rank {rank:.1}.",
        percent(first / total)
    )
}

/// Where the eigenvalues of M lie: `values` are (Re, Im) of those that can differ from zero, `zeros` counts the
/// others.
pub fn eigenvalue_sentence(values: &[(f64, f64)], zeros: usize) -> String {
    let Some(largest) = values.iter().map(|v| v.0).reduce(f64::max) else {
        return "These weights are not finite: there are no eigenvalues to show.".into();
    };
    let count = values.len();
    let rest = if zeros > 0 { format!(" {zeros} more are exactly 0.") } else { String::new() };
    let size = values.iter().map(|v| v.0.hypot(v.1)).fold(0.0, f64::max);
    // Beyond what the f32 weights can mean, right and left of the line are the same.
    let right = values.iter().filter(|v| v.0 > 1e-6 * size).count();
    if right == 0 {
        format!(
            "None of the {count} eigenvalues lies right of the line: their largest real part is {}.{rest}",
            figure(largest)
        )
    } else {
        format!(
            "{right} of the {count} eigenvalues lie right of the line: the largest real part is {}.{rest}",
            figure(largest)
        )
    }
}

/// Three significant digits, signed, for figures of any size.
pub fn figure(value: f64) -> String {
    let digits = if value == 0.0 { 0.0 } else { (2.0 - value.abs().log10().floor()).clamp(0.0, 9.0) };
    signed(value, digits as usize)
}

/// The key and query that routing links most, and which way.
pub fn pair_sentence(query: (usize, &str), key: (usize, &str), score: f64) -> String {
    let (query, key) = (token(query), token(key));
    if score >= 0.0 {
        format!("from {key} to {query}: {}", signed(score, 2))
    } else {
        format!("holds {query} off {key}: {}", signed(score, 2))
    }
}

fn token((index, text): (usize, &str)) -> String {
    format!("“{text}” ({})", index + 1)
}

/// What the strongest planes hold together, of how many there are.
pub fn plane_sentence(planes: &[Plane]) -> String {
    let share: f64 = planes.iter().map(|p| p.share).sum();
    match planes {
        [] => "There is no routing on this text.".into(),
        [_] => format!("The strongest plane holds {} of this head’s routing energy on this text.", percent(share)),
        _ => format!(
            "The {} strongest planes hold {} of this head’s routing energy on this text.",
            planes.len(),
            percent(share)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_spectra() {
        let figures =
            HeadFigures { layer: 7, head: 1, operating: 2.04, capacity: 24.0, fraction: 0.947, layer_cost: None };
        assert_eq!(
            head_sentence(&figures),
            "Head 2 of layer 8: 95 % of its scores’ energy on this text is routing, spread over an effective rank of \
             2.0; its weights would allow 24.0."
        );
        assert_eq!(
            spectrum_sentence(&[3.0, 3.0]),
            "The strongest plane holds 100 % of the routing energy; one plane is enough for 90 %. Effective rank 2.0."
        );
        let sentence = spectrum_sentence(&[1.0; 24]);
        assert!(sentence.contains("holds 8 %") && sentence.contains("11 planes reach 90 %"), "{sentence}");
        assert_eq!(spectrum_sentence(&[0.0, 0.0]), "There is no routing here.");
        assert_eq!((percent(0.001), percent(0.999), percent(0.0)), ("< 1 %".into(), "> 99 %".into(), "0 %".into()));
    }

    #[test]
    fn eigenvalues() {
        assert_eq!(
            eigenvalue_sentence(&[(-0.5, 1.0), (-0.0123, 0.0), (-0.5, -1.0)], 160),
            "None of the 3 eigenvalues lies right of the line: their largest real part is −0.0123. 160 more are exactly 0."
        );
        assert_eq!(
            eigenvalue_sentence(&[(2.5, 1.0), (2.5, -1.0), (-1.0, 0.0)], 0),
            "2 of the 3 eigenvalues lie right of the line: the largest real part is +2.50."
        );
        // Rounding noise is not a crossing.
        assert!(eigenvalue_sentence(&[(1e-12, 0.0), (-3.0, 0.0)], 0).starts_with("None of the 2"));
        assert!(eigenvalue_sentence(&[], 5).contains("not finite"));
    }

    #[test]
    fn planes_and_pairs() {
        let plane = |share| Plane { sigma: 1.0, share, points: vec![] };
        assert_eq!(
            plane_sentence(&[plane(0.5), plane(0.25)]),
            "The 2 strongest planes hold 75 % of this head’s routing energy on this text."
        );
        assert!(plane_sentence(&[plane(0.5)]).starts_with("The strongest plane holds 50 %"));
        assert!(plane_sentence(&[]).contains("no routing"));
        assert_eq!(pair_sentence((56, "·dog"), (11, "·the"), 2.314), "from “·the” (12) to “·dog” (57): +2.31");
        assert_eq!(pair_sentence((56, "·dog"), (11, "·the"), -2.314), "holds “·dog” (57) off “·the” (12): −2.31");
    }
}
