// ZᵀZ = C Cᵀ by rows of Cᵀ, the largest of what is left on the diagonal first. A workgroup factors one matrix; a column
// of the matrix has a thread in each strand, which adds up its share of the rows found so far.

struct Params {
    batch: u32,
    n: u32,
    floor: f32,
    zero: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gram: array<vec2<f32>>; // [batch, n, n]
@group(0) @binding(2) var<storage, read_write> factor: array<vec2<f32>>; // [batch, n, n]: Cᵀ

const THREADS: u32 = 128u;
const NOWHERE: u32 = 0xffffffffu;

// What is left on the diagonal; negative where a column has had its turn.
var<workgroup> left: array<vec2<f32>, 128>;
var<workgroup> sums: array<vec2<f32>, 128>;
var<workgroup> factor_of_rest: vec2<f32>;
var<workgroup> chosen: atomic<u32>;

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.n;
    let strands = THREADS / n;
    let strand = thread / n;
    let column = thread % n;
    let start = group.x * n * n;
    let first = strand == 0u;
    let works = strand < strands;
    if (first) {
        left[column] = gram[start + column * n + column];
    }
    var least = 0.0;
    for (var k = 0u; k < n; k++) {
        if (thread == 0u) {
            atomicStore(&chosen, NOWHERE);
        }
        workgroupBarrier();
        storageBarrier();
        var largest = -1.0;
        for (var i = 0u; i < n; i += 8u) {
            let low = max(max(left[i].x, left[i + 1u].x), max(left[i + 2u].x, left[i + 3u].x));
            let high = max(max(left[i + 4u].x, left[i + 5u].x), max(left[i + 6u].x, left[i + 7u].x));
            largest = max(largest, max(low, high));
        }
        if (k == 0u) {
            least = largest * params.floor;
        }
        // What is not a number is chosen as well, and spreads.
        if (first && !(left[column].x < largest)) {
            atomicMin(&chosen, column);
        }
        workgroupBarrier();
        let pivot = min(atomicLoad(&chosen), n - 1u);
        var sum = vec2<f32>(0.0);
        var other = vec2<f32>(0.0);
        if (works) {
            var j = strand;
            while (j + 3u * strands < k) {
                let a = start + j * n;
                let b = a + strands * n;
                let c = b + strands * n;
                let d = c + strands * n;
                let a0 = factor[a + column];
                let b0 = factor[b + column];
                let c0 = factor[c + column];
                let d0 = factor[d + column];
                let a1 = factor[a + pivot];
                let b1 = factor[b + pivot];
                let c1 = factor[c + pivot];
                let d1 = factor[d + pivot];
                sum = add_product(add_product(sum, a0, a1), c0, c1);
                other = add_product(add_product(other, b0, b1), d0, d1);
                j += 4u * strands;
            }
            while (j < k) {
                sum = add_product(sum, factor[start + j * n + column], factor[start + j * n + pivot]);
                j += strands;
            }
        }
        sums[thread] = add(tidy(sum), tidy(other));
        var rest = gram[start + pivot * n + column];
        let value = left[pivot];
        if (thread == THREADS - 1u) {
            factor_of_rest = reciprocal(root(value));
        }
        workgroupBarrier();
        if (first) {
            for (var i = 0u; i < strands; i++) {
                rest = add(rest, -sums[i * n + column]);
            }
            let own = left[column];
            var out = vec2<f32>(0.0);
            // Columns that had their turn are 0 from there on, and so is everything once only rounding is left.
            if (!(own.x < 0.0) && !(value.x <= least)) {
                out = multiply(rest, factor_of_rest);
            }
            factor[start + k * n + column] = out;
            if (column == pivot) {
                left[column] = vec2<f32>(-1.0, 0.0);
            } else if (own.x >= 0.0) {
                let next = add(own, -multiply(out, out));
                left[column] = select(next, vec2<f32>(0.0), next.x < 0.0);
            }
        }
    }
}
