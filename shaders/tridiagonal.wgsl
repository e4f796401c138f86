// Householder reflections of the skew part (B − Bᵀ)/2 and the symmetric part (B + Bᵀ)/2 from both sides, to
// tridiagonal form. A workgroup takes one part; a column has a thread in each strand, for every so manieth row.
// What is wanted once is computed by one thread while the others have work: a warp that repeats it costs the same again.

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

const THREADS: u32 = 128u;

// The column below the diagonal, of two steps in turn, so that none waits for those that still read the last one's; 0
// outside of what is left of the matrix.
var<workgroup> v: array<vec2<f32>, 256>;
// A v: the strands' shares, and their sum; the first row that A still has; β A v less its share along v.
var<workgroup> shares: array<vec2<f32>, 128>;
var<workgroup> product: array<vec2<f32>, 128>;
var<workgroup> edge: array<vec2<f32>, 128>;
var<workgroup> w: array<vec2<f32>, 128>;
// What is to be added up, and the sums of every sixteenth of it.
var<workgroup> terms: array<vec2<f32>, 128>;
var<workgroup> parts: array<vec2<f32>, 16>;
var<workgroup> image: vec2<f32>;
var<workgroup> beta: vec2<f32>;

fn add_part(thread: u32) {
    let low = add(add(terms[thread], terms[thread + 16u]), add(terms[thread + 32u], terms[thread + 48u]));
    var high = vec2<f32>(0.0);
    if (params.n > 64u) {
        high = add(add(terms[thread + 64u], terms[thread + 80u]), add(terms[thread + 96u], terms[thread + 112u]));
    }
    parts[thread] = add(low, high);
}

fn total() -> vec2<f32> {
    let a = add(add(parts[0], parts[1]), add(parts[2], parts[3]));
    let b = add(add(parts[4], parts[5]), add(parts[6], parts[7]));
    let c = add(add(parts[8], parts[9]), add(parts[10], parts[11]));
    let d = add(add(parts[12], parts[13]), add(parts[14], parts[15]));
    return add(add(a, b), add(c, d));
}

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.n;
    let skew = group.x < params.batch;
    let sign = select(1.0, -1.0, skew);
    let strands = THREADS / n;
    let strand = thread / n;
    let column = thread % n;
    let source = group.x % params.batch * n * n;
    let start = group.x * (n + 2u) * n;
    let first = strand == 0u;
    let works = strand < strands;
    if (works) {
        for (var i = strand; i < n; i += strands) {
            let one = congruent[source + i * n + column];
            let other = congruent[source + column * n + i];
            tridiagonal[start + i * n + column] = 0.5 * add(one, sign * other);
        }
    }
    terms[thread] = vec2<f32>(0.0);
    workgroupBarrier();
    for (var k = 0u; k < n; k++) {
        // The row equals the column but for the sign.
        let now = k % 2u * THREADS;
        if (strand == k % strands) {
            let value = tridiagonal[start + k * n + column];
            if (column == k) {
                tridiagonal[start + n * n + k] = select(value, vec2<f32>(0.0), skew);
            }
            let below = select(vec2<f32>(0.0), sign * value, column > k);
            v[now + column] = below;
            terms[column] = multiply(below, below);
        }
        workgroupBarrier();
        if (thread < 16u) {
            add_part(thread);
        }
        // Rows above hold nothing, since v has nothing there.
        let next = min(k + 1u, n - 1u);
        let from_row = next - next % strands + strand;
        let reached = works && column > k;
        var sum = vec2<f32>(0.0);
        if (reached) {
            var other = vec2<f32>(0.0);
            var i = from_row;
            if (i < n) {
                let a = tridiagonal[start + i * n + column];
                sum = add_product(sum, a, v[now + i]);
                if (i == next) {
                    edge[column] = a;
                }
                i += strands;
            }
            while (i + 3u * strands < n) {
                let at = start + i * n + column;
                let a = tridiagonal[at];
                let b = tridiagonal[at + strands * n];
                let c = tridiagonal[at + 2u * strands * n];
                let d = tridiagonal[at + 3u * strands * n];
                sum = add_product(sum, a, v[now + i]);
                other = add_product(other, b, v[now + i + strands]);
                sum = add_product(sum, c, v[now + i + 2u * strands]);
                other = add_product(other, d, v[now + i + 3u * strands]);
                i += 4u * strands;
            }
            while (i < n) {
                sum = add_product(sum, tridiagonal[start + i * n + column], v[now + i]);
                i += strands;
            }
            sum = add(tidy(sum), tidy(other));
        }
        shares[thread] = sum;
        workgroupBarrier();
        let head = v[now + next];
        if (thread == THREADS - 1u) {
            // The mirror's normal is v, its first entry less that of the image, which is ∓|v|; β = 2/|normal|².
            let norm = root(total());
            let onto = select(-norm, norm, head.x < 0.0);
            image = onto;
            beta = vec2<f32>(0.0);
            if (norm.x != 0.0) {
                beta = -reciprocal(multiply(onto, add(head, -onto)));
            }
            tridiagonal[start + (n + 1u) * n + k] = onto;
        }
        var whole = vec2<f32>(0.0);
        if (first && column > k) {
            for (var i = 0u; i < strands; i++) {
                whole = add(whole, shares[i * n + column]);
            }
            // Of Aᵀ so far.
            whole *= sign;
        }
        if (first) {
            product[column] = whole;
            terms[column] = multiply(whole, v[now + column]);
        }
        workgroupBarrier();
        // The normal is v less the image at `next`: A times it, and its share along the normal, follow from those of v.
        let mine = select(v[now + column], add(head, -image), column == next);
        if (!skew) {
            if (thread < 16u) {
                add_part(thread);
            }
            workgroupBarrier();
        }
        if (first && column > k) {
            whole = multiply(beta, add(whole, -sign * multiply(image, edge[column])));
            if (!skew) {
                let crossed = add(product[next] + product[next], -multiply(image, edge[next]));
                let along = add(total(), -multiply(image, crossed));
                whole = add(whole, -multiply(0.5 * multiply(multiply(beta, beta), along), mine));
            }
        }
        if (first) {
            w[column] = select(vec2<f32>(0.0), whole, column > k);
        }
        workgroupBarrier();
        if (reached) {
            let across = w[column];
            var i = from_row;
            if (i < n) {
                let at = start + i * n + column;
                let normal = -sign * select(v[now + i], add(head, -image), i == next);
                tridiagonal[at] = tidy(add_product(add_product(tridiagonal[at], normal, across), -w[i], mine));
                i += strands;
            }
            while (i + strands < n) {
                let at = start + i * n + column;
                let a = tridiagonal[at];
                let b = tridiagonal[at + strands * n];
                let one = add_product(add_product(a, -sign * v[now + i], across), -w[i], mine);
                let two = add_product(add_product(b, -sign * v[now + i + strands], across), -w[i + strands], mine);
                tridiagonal[at] = tidy(one);
                tridiagonal[at + strands * n] = tidy(two);
                i += 2u * strands;
            }
            if (i < n) {
                let at = start + i * n + column;
                tridiagonal[at] = tidy(add_product(add_product(tridiagonal[at], -sign * v[now + i], across), -w[i], mine));
            }
        }
    }
}
