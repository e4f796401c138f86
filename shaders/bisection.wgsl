// |λ| of symmetric tridiagonal matrices. A workgroup takes a matrix; every eigenvalue has a thread in each strand, which
// cut its interval into parts and keep the part that holds it, by Sturm's count of eigenvalues below.

struct Params {
    batch: u32,
    n: u32,
    zero: u32,
    pad0: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tridiagonal: array<vec2<f32>>; // [batch, n + 2, n]
@group(0) @binding(2) var<storage, read_write> values: array<f32>; // [batch, n]

const THREADS: u32 = 128u;
// Intervals end below 2⁻³³ of all eigenvalues' bound. In f32 counts are right to 2⁻²¹ of it: it serves down to COARSE,
// and then leaves as much room on both sides.
const COARSE: f32 = 0x1p-18;
const FINE: f32 = 0x1p-33;
const LITTLE: f32 = 0x1p-46;

var<workgroup> diagonal: array<vec2<f32>, 128>;
var<workgroup> squares: array<vec2<f32>, 128>;
var<workgroup> counts: array<u32, 128>;

// The next leading minor of the matrix less x from the two before it; in the place of 0 a little with the other sign
// than the last.
fn next_minor(i: u32, x: vec2<f32>, before: vec2<f32>, last: vec2<f32>) -> vec2<f32> {
    let a = add(diagonal[i], -x);
    let square = squares[i];
    let plus = exact_product(a.x, last.x);
    let minus = exact_product(square.x, before.x);
    let low = (plus.y + (a.x * last.y + a.y * last.x)) - (minus.y + (square.x * before.y + square.y * before.x));
    let high = exact_sum(plus.x, -minus.x);
    let minor = ordered_sum(high.x, high.y + low);
    return select(minor, vec2<f32>(-LITTLE * last.x, 0.0), minor.x == 0.0);
}

fn next_coarse_minor(i: u32, x: f32, before: f32, last: f32) -> f32 {
    let minor = (diagonal[i].x - x) * last - squares[i].x * before;
    return select(minor, -LITTLE * last, minor == 0.0);
}

// The power of two that brings the larger of two minors near 1, so that they neither overflow nor vanish.
fn near_one(one: f32, two: f32) -> f32 {
    let exponent = bitcast<u32>(max(abs(one), abs(two))) >> 23u;
    return bitcast<f32>((254u - clamp(exponent, 1u, 253u)) << 23u);
}

// Eigenvalues below x: changes of sign in the leading minors. No division, which takes as long as ten products.
fn below(x: vec2<f32>) -> u32 {
    var count = 0u;
    // The square before the first row is 0.
    var before = vec2<f32>(0.0);
    var last = vec2<f32>(1.0, 0.0);
    for (var i = 0u; i < params.n; i += 2u) {
        let one = next_minor(i, x, before, last);
        let two = next_minor(i + 1u, x, last, one);
        count += select(0u, 1u, (one.x < 0.0) != (last.x < 0.0)) + select(0u, 1u, (two.x < 0.0) != (one.x < 0.0));
        let scale = near_one(one.x, two.x);
        before = scale * one;
        last = scale * two;
    }
    return count;
}

fn coarsely_below(x: f32) -> u32 {
    var count = 0u;
    var before = 0.0;
    var last = 1.0;
    for (var i = 0u; i < params.n; i += 2u) {
        let one = next_coarse_minor(i, x, before, last);
        let two = next_coarse_minor(i + 1u, x, last, one);
        count += select(0u, 1u, (one < 0.0) != (last < 0.0)) + select(0u, 1u, (two < 0.0) != (one < 0.0));
        let scale = near_one(one, two);
        before = scale * one;
        last = scale * two;
    }
    return count;
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.n;
    let at = group.x * (n + 2u) * n + n * n;
    var bound = 0.0;
    var before = 0.0;
    // As whole numbers, in whose order infinity and what is not a number come last.
    var largest = 0u;
    for (var i = 0u; i < n; i++) {
        let beside = abs(tridiagonal[at + n + i].x);
        let here = abs(tridiagonal[at + i].x);
        bound = max(bound, before + here + beside);
        before = beside;
        largest = max(largest, max(bitcast<u32>(here), bitcast<u32>(beside)));
    }
    let exponent = max(largest, bitcast<u32>(bound)) >> 23u;
    let strands = THREADS / n;
    let strand = thread / n;
    let index = thread % n;
    if (exponent > 252u) {
        if (strand == 0u) {
            // Not a number; as a constant WGSL refuses it.
            values[group.x * n + index] = bitcast<f32>(0x7fc00000u | params.zero);
        }
        return;
    }
    // To entries of at most 1, exactly: squares must not underflow.
    let scale = bitcast<f32>((253u - exponent) << 23u);
    let unscale = bitcast<f32>((exponent + 1u) << 23u);
    if (thread < n) {
        diagonal[thread] = scale * tridiagonal[at + thread];
        var beside = vec2<f32>(0.0);
        if (thread > 0u) {
            beside = scale * tridiagonal[at + n + thread - 1u];
        }
        squares[thread] = multiply(beside, beside);
    }
    workgroupBarrier();
    var low = vec2<f32>(-1.0, 0.0);
    var width = 2.0;
    var coarse = true;
    while (width > FINE) {
        width /= f32(strands + 1u);
        let x = add(low, vec2<f32>(width * f32(strand + 1u), 0.0));
        if (coarse) {
            counts[thread] = coarsely_below(x.x);
        } else {
            counts[thread] = below(x);
        }
        workgroupBarrier();
        var steps = 0u;
        for (var i = 0u; i < strands; i++) {
            steps += select(0u, 1u, counts[i * n + index] <= index);
        }
        low = add(low, vec2<f32>(width * f32(steps), 0.0));
        workgroupBarrier();
        if (coarse && width < COARSE) {
            coarse = false;
            low = add(low, vec2<f32>(-COARSE, 0.0));
            width += 2.0 * COARSE;
        }
    }
    if (strand == 0u) {
        values[group.x * n + index] = abs(low.x + (low.y + 0.5 * width)) * unscale;
    }
}
