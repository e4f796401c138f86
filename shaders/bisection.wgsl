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
// Intervals end below 2⁻³⁵ of all eigenvalues' bound.
const LEAST: f32 = 0x1p-35;
const LITTLE: f32 = 0x1p-46;

var<workgroup> diagonal: array<vec2<f32>, 128>;
var<workgroup> squares: array<vec2<f32>, 128>;
var<workgroup> counts: array<u32, 128>;

// The next leading minor of the matrix less x from the two before it; in the place of 0 a little with the other sign
// than the last.
fn next_minor(i: u32, x: vec2<f32>, before: vec2<f32>, last: vec2<f32>) -> vec2<f32> {
    let minor = tidy(add_product(multiply(add(diagonal[i], -x), last), -squares[i], before));
    return select(minor, vec2<f32>(-LITTLE * last.x, 0.0), minor.x == 0.0);
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
        // By a power of two, so that minors neither overflow nor vanish.
        let exponent = bitcast<u32>(max(abs(one.x), abs(two.x))) >> 23u;
        let scale = bitcast<f32>((254u - clamp(exponent, 1u, 253u)) << 23u);
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
    while (width > LEAST) {
        width /= f32(strands + 1u);
        counts[thread] = below(add(low, vec2<f32>(width * f32(strand + 1u), 0.0)));
        workgroupBarrier();
        var steps = 0u;
        for (var i = 0u; i < strands; i++) {
            steps += select(0u, 1u, counts[i * n + index] <= index);
        }
        low = add(low, vec2<f32>(width * f32(steps), 0.0));
        workgroupBarrier();
    }
    if (strand == 0u) {
        values[group.x * n + index] = abs(low.x + (low.y + 0.5 * width)) * unscale;
    }
}
