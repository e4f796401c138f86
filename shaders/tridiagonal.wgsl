// Householder reflections of the skew part (B − Bᵀ)/2 and the symmetric part (B + Bᵀ)/2 from both sides, to
// tridiagonal form. A workgroup takes one part; a column has a thread in each strand, for every so manieth row.

struct Params {
    batch: u32,
    n: u32,
    zero: u32,
    pad0: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> congruent: array<vec2<f32>>; // [batch, n, n]: B
// [2, batch, n + 2, n], skew parts first: what is left of the matrix, its diagonal, what stands beside it
@group(0) @binding(2) var<storage, read_write> tridiagonal: array<vec2<f32>>;

const THREADS: u32 = 256u;
const STRANDS: u32 = 8u;

var<workgroup> v: array<vec2<f32>, 128>;
var<workgroup> w: array<vec2<f32>, 128>;
var<workgroup> sums: array<vec2<f32>, 256>;

// Σ of the first n sums, of which the others are 0
fn total(thread: u32, half_side: u32) -> vec2<f32> {
    for (var half = half_side; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (thread < half) {
            sums[thread] = add(sums[thread], sums[thread + half]);
        }
    }
    workgroupBarrier();
    return sums[0];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.n;
    let skew = group.x < params.batch;
    let sign = select(1.0, -1.0, skew);
    let strands = min(THREADS / n, STRANDS);
    let strand = thread / n;
    let column = thread % n;
    let source = group.x % params.batch * n * n;
    let start = group.x * (n + 2u) * n;
    let first = strand == 0u;
    let works = strand < strands;
    var half_side = 64u;
    while (half_side >= n) {
        half_side /= 2u;
    }
    if (works) {
        for (var i = strand; i < n; i += strands) {
            let one = congruent[source + i * n + column];
            let other = congruent[source + column * n + i];
            tridiagonal[start + i * n + column] = 0.5 * add(one, sign * other);
        }
    }
    for (var k = 0u; k < n; k++) {
        // The column below the diagonal, which the row beside it equals but for the sign.
        sums[thread] = vec2<f32>(0.0);
        workgroupBarrier();
        if (strand == k % strands) {
            let value = tridiagonal[start + k * n + column];
            if (column == k) {
                tridiagonal[start + n * n + k] = select(value, vec2<f32>(0.0), skew);
            }
            let below = select(vec2<f32>(0.0), sign * value, column > k);
            v[column] = below;
            sums[column] = multiply(below, below);
        }
        let norm = root(total(thread, half_side));
        // v becomes the mirror's normal: its first entry less that of the image, which is ∓norm.
        let head = v[min(k + 1u, n - 1u)];
        let image = select(-norm, norm, head.x < 0.0);
        let normal = add(head, -image);
        workgroupBarrier();
        if (thread == 0u) {
            tridiagonal[start + (n + 1u) * n + k] = image;
            if (k + 1u < n) {
                v[k + 1u] = normal;
            }
        }
        workgroupBarrier();
        var beta = vec2<f32>(0.0);
        if (norm.x != 0.0) {
            beta = divide(vec2<f32>(-1.0, 0.0), multiply(image, normal));
        }
        // w = β A v, less its share along v; a skew part has none.
        var sum = vec2<f32>(0.0);
        if (works && column > k) {
            for (var i = strand; i < n; i += strands) {
                if (i > k) {
                    sum = add_product(sum, tridiagonal[start + i * n + column], v[i]);
                }
            }
        }
        sums[thread] = sum;
        workgroupBarrier();
        let mine = v[column];
        var image_of_v = vec2<f32>(0.0);
        if (first) {
            for (var i = 0u; i < strands; i++) {
                image_of_v = add(image_of_v, sums[i * n + column]);
            }
            image_of_v = multiply(sign * beta, image_of_v);
        }
        if (!skew) {
            workgroupBarrier();
            sums[thread] = select(vec2<f32>(0.0), multiply(image_of_v, mine), first);
            let along = multiply(0.5 * beta, total(thread, half_side));
            image_of_v = add(image_of_v, -multiply(along, mine));
        }
        if (first) {
            w[column] = image_of_v;
        }
        workgroupBarrier();
        if (works && column > k) {
            let across = w[column];
            for (var i = strand; i < n; i += strands) {
                if (i > k) {
                    let at = start + i * n + column;
                    let one = add_product(tridiagonal[at], -sign * v[i], across);
                    let both = add_product(one, -w[i], mine);
                    tridiagonal[at] = ordered_sum(both.x, both.y);
                }
            }
        }
    }
}
