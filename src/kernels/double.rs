//! Numbers as pairs of f32, high and low, as `shaders/double.wgsl` computes with them.

/// The closest pair.
pub fn pair(x: f64) -> [f32; 2] {
    let high = x as f32;
    let low = (x - f64::from(high)) as f32;
    // What is infinite has no rest.
    [high, if high.is_finite() { low } else { 0.0 }]
}

/// The number that a pair stands for.
pub fn value(pair: &[f32]) -> f64 {
    f64::from(pair[0]) + f64::from(pair[1])
}

/// Values of whole pairs.
pub fn values(pairs: &[f32]) -> Vec<f64> {
    pairs.chunks_exact(2).map(value).collect()
}

/// Writes numbers as pairs.
pub fn store(out: &mut [f32], values: impl IntoIterator<Item = f64>) {
    out.chunks_exact_mut(2).zip(values).for_each(|(out, x)| out.copy_from_slice(&pair(x)));
}
