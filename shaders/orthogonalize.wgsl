// One-sided Jacobi, one workgroup a matrix: rotates pairs of rows until all are orthogonal. A sweep meets
// every pair once, in n − 1 rounds of n / 2 disjoint pairs (the circle method), one thread a pair. Rows are
// walked two quads at a time: software adapters silently end all loops of an invocation after 65535 iterations
// together, and ten sweeps of n = 128 stay below that only so.

struct Params {
    batch: u32,
    n: u32,
    sweeps: u32,
    tolerance: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrices: array<vec4<f32>>; // [batch, n, n / 4]
@group(0) @binding(2) var<storage, read_write> rows: array<vec4<f32>>; // [batch, n, n / 4]

const THREADS: u32 = 64u; // n / 2 at most

var<workgroup> rotated: array<u32, THREADS>;
var<workgroup> again: u32;

// Makes rows p and q orthogonal; 1 where that took a rotation.
fn rotate(p: u32, q: u32) -> u32 {
    let quads = params.n / 4u;
    var alpha = 0.0;
    var beta = 0.0;
    var gamma = 0.0;
    for (var i = 0u; i < quads; i += 2u) {
        let a = rows[p + i];
        let b = rows[q + i];
        let c = rows[p + i + 1u];
        let d = rows[q + i + 1u];
        alpha += dot(a, a) + dot(c, c);
        beta += dot(b, b) + dot(d, d);
        gamma += dot(a, b) + dot(c, d);
    }
    if (abs(gamma) <= params.tolerance * sqrt(alpha) * sqrt(beta)) {
        return 0u;
    }
    let zeta = (beta - alpha) / (2.0 * gamma);
    let tangent = select(-1.0, 1.0, zeta >= 0.0) / (abs(zeta) + sqrt(1.0 + zeta * zeta));
    let cosine = inverseSqrt(1.0 + tangent * tangent);
    let sine = cosine * tangent;
    for (var i = 0u; i < quads; i += 2u) {
        let a = rows[p + i];
        let b = rows[q + i];
        let c = rows[p + i + 1u];
        let d = rows[q + i + 1u];
        rows[p + i] = cosine * a - sine * b;
        rows[q + i] = sine * a + cosine * b;
        rows[p + i + 1u] = cosine * c - sine * d;
        rows[q + i + 1u] = sine * c + cosine * d;
    }
    return 1u;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.n;
    let quads = n / 4u;
    let start = group.x * n * quads;
    for (var i = thread; i < n * quads; i += THREADS) {
        rows[start + i] = matrices[start + i];
    }
    storageBarrier();
    for (var sweep = 0u; sweep < params.sweeps; sweep++) {
        rotated[thread] = 0u;
        for (var round = 0u; round < n - 1u; round++) {
            if (thread < n / 2u) {
                let other = (round + n - 1u - thread) % (n - 1u);
                let one = select((round + thread) % (n - 1u), n - 1u, thread == 0u);
                rotated[thread] |= rotate(start + one * quads, start + other * quads);
            }
            storageBarrier();
        }
        workgroupBarrier();
        if (thread == 0u) {
            again = 0u;
            for (var i = 0u; i < THREADS; i++) {
                again |= rotated[i];
            }
        }
        if (workgroupUniformLoad(&again) == 0u) {
            break;
        }
    }
}
