//! Drawing the next token from logits, reproducibly.

use crate::model::random::Rng;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 takes the likeliest token.
    pub temperature: f64,
    /// Only so many of the likeliest tokens can be drawn.
    pub top_k: usize,
    pub seed: u64,
}

/// What a page offers; values outside are clamped.
pub const MAX_TEMPERATURE: f64 = 2.0;
pub const MAX_TOP_K: usize = 100;

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 0.8, top_k: 40, seed: 1 }
    }
}

/// What a continuation depends on besides model and text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dice {
    /// Tokens of the text that are kept.
    pub after: usize,
    /// How many may follow.
    pub count: usize,
    pub sampling: Sampling,
}

impl Default for Dice {
    fn default() -> Self {
        Dice { after: 48, count: 40, sampling: Sampling::default() }
    }
}

impl Dice {
    /// For links: `after,count,temperature,top k,seed`.
    pub fn encode(&self) -> String {
        let Sampling { temperature, top_k, seed } = self.sampling;
        format!("{},{},{temperature},{top_k},{seed}", self.after, self.count)
    }

    /// The inverse; what the page does not offer is clamped. None where it is not five numbers.
    pub fn decode(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(',').collect();
        let [after, count, temperature, top_k, seed] = parts[..] else { return None };
        let temperature = temperature.parse().ok().filter(|t: &f64| t.is_finite())?;
        let sampling = Sampling { temperature, top_k: top_k.parse().ok()?, seed: seed.parse().ok()? };
        Some(Dice { after: after.parse().ok()?, count: count.parse().ok()?, sampling }.clamped())
    }

    /// The nearest that the page offers.
    pub fn clamped(self) -> Self {
        let Sampling { temperature, top_k, seed } = self.sampling;
        let (temperature, top_k) = (temperature.clamp(0.0, MAX_TEMPERATURE), top_k.clamp(1, MAX_TOP_K));
        Dice { after: self.after.max(1), count: self.count.max(1), sampling: Sampling { temperature, top_k, seed } }
    }
}

/// A drawn token, its probability under the model (temperature 1, whole vocabulary), and whether it was the likeliest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    pub id: u32,
    pub probability: f64,
    pub likeliest: bool,
}

/// Draws the token at position `step`. The dice depend on seed and step alone, so that two models that are drawn from
/// with the same seed differ only where their predictions do. None where the logits are not finite.
pub fn draw(logits: &[f64], sampling: &Sampling, step: usize) -> Option<Drawn> {
    if logits.is_empty() || logits.iter().any(|l| !l.is_finite()) {
        return None;
    }
    let mut order: Vec<usize> = (0..logits.len()).collect();
    // Ties keep the smaller id.
    let by_logit = |a: &usize, b: &usize| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b));
    let kept = sampling.top_k.clamp(1, logits.len());
    if kept < order.len() {
        order.select_nth_unstable_by(kept - 1, by_logit);
        order.truncate(kept);
    }
    order.sort_unstable_by(by_logit);
    let top = logits[order[0]];
    let picked = if sampling.temperature <= 0.0 {
        0
    } else {
        let weights: Vec<f64> = order.iter().map(|id| ((logits[*id] - top) / sampling.temperature).exp()).collect();
        pick(&weights, roll(sampling.seed, step))
    };
    let sum: f64 = logits.iter().map(|l| (l - top).exp()).sum();
    let id = order[picked];
    Some(Drawn { id: id as u32, probability: (logits[id] - top).exp() / sum, likeliest: picked == 0 })
}

/// How many tokens two continuations share from the start.
pub fn agreeing(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The index whose share of the weights holds the roll.
fn pick(weights: &[f64], roll: f64) -> usize {
    let mut left = roll * weights.iter().sum::<f64>();
    for (i, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return i;
        }
    }
    weights.len() - 1
}

/// Uniform in \[0, 1).
fn roll(seed: u64, step: usize) -> f64 {
    let mut rng = Rng(seed ^ (step as u64).wrapping_mul(0xd134_2543_de82_ef95));
    (f64::from(rng.next_f32()) + 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(logits: &[f64], sampling: &Sampling, count: usize) -> Vec<u32> {
        (0..count).map(|step| draw(logits, sampling, step).unwrap().id).collect()
    }

    #[test]
    fn cold_takes_the_likeliest_and_ties_the_first() {
        let cold = Sampling { temperature: 0.0, ..Sampling::default() };
        assert_eq!(draw(&[0.0, 2.0, 2.0, 1.0], &cold, 3).unwrap().id, 1);
        let one = Sampling { top_k: 1, ..Sampling::default() };
        assert_eq!(drawn(&[0.0, 2.0, 2.0], &one, 20), [1; 20]);
    }

    #[test]
    fn shares_follow_the_softmax_and_top_k_cuts() {
        let logits = [0.0, 3f64.ln(), f64::MIN, 1f64.ln()];
        let sampling = Sampling { temperature: 1.0, top_k: 4, seed: 9 };
        let ids = drawn(&logits, &sampling, 20_000);
        let share = |id: u32| ids.iter().filter(|i| **i == id).count() as f64 / ids.len() as f64;
        for (id, expected) in [(0, 0.2), (1, 0.6), (2, 0.0), (3, 0.2)] {
            assert!((share(id) - expected).abs() < 0.015, "{id}: {} for {expected}", share(id));
        }
        let first = draw(&logits, &sampling, 0).unwrap();
        let expected = [0.2, 0.6, 0.0, 0.2][first.id as usize];
        assert!((first.probability - expected).abs() < 1e-12);
        let two = Sampling { top_k: 2, ..sampling };
        assert!(drawn(&logits, &two, 1000).iter().all(|id| *id < 2));
    }

    #[test]
    fn the_seed_decides() {
        let logits: Vec<f64> = (0..50).map(|i| f64::from(i % 7)).collect();
        let with = |seed| drawn(&logits, &Sampling { seed, ..Sampling::default() }, 40);
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn agreement_ends_at_the_first_difference() {
        assert_eq!(agreeing(&[1, 2, 3, 4], &[1, 2, 9, 4, 5]), 2);
        assert_eq!(agreeing(&[1, 2], &[1, 2, 3]), 2);
        assert_eq!(agreeing(&[], &[1]), 0);
    }

    #[test]
    fn an_overflow_draws_nothing() {
        assert_eq!(draw(&[1.0, f64::NAN], &Sampling::default(), 0), None);
        assert_eq!(draw(&[f64::INFINITY, 1.0], &Sampling::default(), 0), None);
        assert_eq!(draw(&[], &Sampling::default(), 0), None);
    }
}
