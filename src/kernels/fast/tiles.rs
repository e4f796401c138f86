//! What the fast forms are made of: products of rows with rows, mixtures of rows, and a few maps over them.

use std::array::from_fn;

use wide::f32x4;

/// Rows that go through the same numbers together, so that each number is loaded once for all of them.
pub const ROWS: usize = 4;
/// Columns beside them: with [`ROWS`], as many sums as stay in 16 registers. (Two rows of four columns, whose sums
/// could be stored at once, are half as fast in V8.)
const COLUMNS: usize = 2;
/// Words of the second factor that all rows pass over before the next are touched: half of a nearest cache.
const BLOCK_WORDS: usize = 4096;

/// output\[t·stride + c\] = x(t) · w(c) for all rows t and columns c. The vectors' length is a multiple of 4.
pub fn products<'a>(
    (rows, columns): (usize, usize),
    x: impl Fn(usize) -> &'a [f32],
    w: impl Fn(usize) -> &'a [f32],
    output: &mut [f32],
    stride: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    let block = (BLOCK_WORDS / w(0).len().max(1)).next_multiple_of(COLUMNS);
    for first in (0..columns).step_by(block) {
        let end = (first + block).min(columns);
        for t in (0..rows).step_by(ROWS) {
            // Past the end the last row does again, and its products are dropped.
            let xs: [&[f32]; ROWS] = from_fn(|r| x((t + r).min(rows - 1)));
            for c in (first..end).step_by(COLUMNS) {
                let sums = dots(xs, from_fn(|i| w((c + i).min(columns - 1))));
                for (r, [sum, next]) in sums.into_iter().enumerate().take(rows - t) {
                    let row = &mut output[(t + r) * stride..][..columns];
                    row[c] = sum;
                    if c + 1 < columns {
                        row[c + 1] = next;
                    }
                }
            }
        }
    }
}

/// All dot products of a few rows with a few columns.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // Several slices go in step.
fn dots(x: [&[f32]; ROWS], w: [&[f32]; COLUMNS]) -> [[f32; COLUMNS]; ROWS] {
    let n = x[0].len() / 4;
    let x: [&[[f32; 4]]; ROWS] = x.map(|row| &row.as_chunks().0[..n]);
    let w: [&[[f32; 4]]; COLUMNS] = w.map(|row| &row.as_chunks().0[..n]);
    let mut sums = [[f32x4::ZERO; COLUMNS]; ROWS];
    for k in 0..n {
        let w: [f32x4; COLUMNS] = from_fn(|c| f32x4::from(w[c][k]));
        for r in 0..ROWS {
            let x = f32x4::from(x[r][k]);
            for c in 0..COLUMNS {
                sums[r][c] = x.mul_add(w[c], sums[r][c]);
            }
        }
    }
    sums.map(|row| row.map(f32x4::reduce_add))
}

/// output\[t·stride + c\] = Σ_j weights(t)\[j\] · row(j)\[c\] for all rows t; the weights' length says how many j
/// there are. `width` is a multiple of 4.
pub fn mix<'a, 'b>(
    (rows, width): (usize, usize),
    weights: impl Fn(usize) -> &'b [f32],
    row: impl Fn(usize) -> &'a [f32],
    output: &mut [f32],
    stride: usize,
) {
    for t in (0..rows).step_by(ROWS) {
        let weights: [&[f32]; ROWS] = from_fn(|r| weights((t + r).min(rows - 1)));
        let mut put = |c: usize, r: usize, quad: f32x4| {
            if t + r < rows {
                store(&mut output[(t + r) * stride..][..width], c, quad);
            }
        };
        let pairs = width / 8 * 8;
        for c in (0..pairs).step_by(8) {
            for (r, [low, high]) in mixture(weights, &row, c).into_iter().enumerate() {
                put(c, r, low);
                put(c + 4, r, high);
            }
        }
        if pairs < width {
            for (r, [quad]) in mixture(weights, &row, pairs).into_iter().enumerate() {
                put(pairs, r, quad);
            }
        }
    }
}

/// The columns from `first` on of a few mixtures.
#[inline(always)]
fn mixture<'a, const QUADS: usize>(
    weights: [&[f32]; ROWS],
    row: &impl Fn(usize) -> &'a [f32],
    first: usize,
) -> [[f32x4; QUADS]; ROWS] {
    let n = weights[0].len();
    let weights = weights.map(|w| &w[..n]);
    let mut sums = [[f32x4::ZERO; QUADS]; ROWS];
    // Row and weights are indexed alike.
    #[allow(clippy::needless_range_loop)]
    for j in 0..n {
        let values: &[[f32; 4]] = row(j)[first..][..4 * QUADS].as_chunks().0;
        let values: [f32x4; QUADS] = from_fn(|i| f32x4::from(values[i]));
        for r in 0..ROWS {
            let weight = f32x4::splat(weights[r][j]);
            for i in 0..QUADS {
                sums[r][i] = weight.mul_add(values[i], sums[r][i]);
            }
        }
    }
    sums
}

/// Four words from `at` on, zeros past the end.
#[inline(always)]
pub fn load(words: &[f32], at: usize) -> f32x4 {
    let rest = &words[at..];
    f32x4::from(*rest.first_chunk().unwrap_or(&from_fn(|i| rest.get(i).copied().unwrap_or(0.0))))
}

/// Writes four words from `at` on, as many as there is room for.
#[inline(always)]
pub fn store(words: &mut [f32], at: usize, quad: f32x4) {
    let rest = &mut words[at..];
    match rest.first_chunk_mut::<4>() {
        Some(room) => *room = quad.to_array(),
        None => rest.iter_mut().zip(quad.to_array()).for_each(|(word, value)| *word = value),
    }
}

/// Replaces each four words by what `map` makes of them and of where they begin.
#[inline(always)]
pub fn map_quads(words: &mut [f32], mut map: impl FnMut(usize, f32x4) -> f32x4) {
    for at in (0..words.len()).step_by(4) {
        let quad = map(at, load(words, at));
        store(words, at, quad);
    }
}

/// eˣ, 0 from −87.3 down; only for x below 87.3. What is not a number stays that.
#[inline(always)]
pub fn exp(x: f32x4) -> f32x4 {
    x.is_nan().blend(x, x.exp())
}

/// Largest of the four.
pub fn largest(quad: f32x4) -> f32 {
    quad.to_array().into_iter().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers: every sum is exact, so these must be equal.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + seed * 104_729) % 23) as f32 - 11.0).collect()
    }

    #[test]
    fn products_and_mixtures_are_what_they_say_at_every_edge() {
        for (rows, columns, inner) in [(1, 1, 4), (3, 5, 8), (4, 2, 0), (5, 3, 12), (9, 700, 20), (0, 3, 4)] {
            let (x, w, stride) = (numbers(rows * inner, 1), numbers(columns * inner, 2), columns + 1);
            let mut output = vec![0.5; rows * stride];
            let row = |data: &'_ [f32], i: usize| data[i * inner..][..inner].to_vec();
            products((rows, columns), |t| &x[t * inner..][..inner], |c| &w[c * inner..][..inner], &mut output, stride);
            for (t, found) in output.chunks_exact(stride).enumerate() {
                let dot = |c| row(&x, t).iter().zip(row(&w, c)).map(|(a, b)| a * b).sum::<f32>();
                let expected: Vec<f32> = (0..columns).map(dot).chain([0.5]).collect();
                assert_eq!(found, expected, "products of {rows} rows and {columns} columns, {inner} long");
            }
        }
        for (rows, count, width) in [(1, 1, 4), (3, 0, 8), (4, 5, 12), (6, 33, 20), (5, 2, 32)] {
            let (weights, values, stride) = (numbers(rows * count, 3), numbers(count * width, 4), width + 3);
            let mut output = vec![0.5; rows * stride];
            let weight = |t: usize| &weights[t * count..][..count];
            mix((rows, width), weight, |j| &values[j * width..][..width], &mut output, stride);
            for (t, found) in output.chunks_exact(stride).enumerate() {
                let sum = |c: usize| weight(t).iter().enumerate().map(|(j, w)| w * values[j * width + c]).sum::<f32>();
                let expected: Vec<f32> = (0..width).map(sum).chain([0.5; 3]).collect();
                assert_eq!(found, expected, "mixtures of {rows} rows, {count} each, {width} wide");
            }
        }
    }

    #[test]
    fn exponential_holds_over_its_range_and_keeps_what_is_no_number() {
        for i in -8700..8700 {
            let x = i as f32 / 100.0;
            let found = exp(f32x4::splat(x)).to_array()[0];
            let expected = f64::from(x).exp();
            assert!((f64::from(found) / expected - 1.0).abs() < 3e-7, "exp({x}) is {found}, not {expected}");
        }
        assert_eq!(exp(f32x4::from([-1e3, -3e38, f32::NEG_INFINITY, 0.0])).to_array(), [0.0, 0.0, 0.0, 1.0]);
        assert!(exp(f32x4::splat(f32::NAN)).to_array()[0].is_nan());
    }

    #[test]
    fn quads_reach_to_the_end_and_no_further() {
        let mut words = numbers(7, 5);
        let expected: Vec<f32> = words.iter().enumerate().map(|(i, x)| x + (i / 4 * 4) as f32).collect();
        map_quads(&mut words, |at, quad| quad + f32x4::splat(at as f32));
        assert_eq!(words, expected);
        assert_eq!(load(&[1.0, 2.0], 1).to_array(), [2.0, 0.0, 0.0, 0.0]);
        assert_eq!(largest(f32x4::from([-2.0, -1.0, -3.0, -4.0])), -1.0);
    }
}
