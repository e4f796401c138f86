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

const THREADS: u32 = 256u;

// What is left on the diagonal; negative where a column has had its turn.
var<workgroup> left: array<f32, 128>;
var<workgroup> sums: array<vec2<f32>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.n;
    let strands = THREADS / n;
    let strand = thread / n;
    let column = thread % n;
    let start = group.x * n * n;
    let first = strand == 0u;
    let works = strand < strands;
    var diagonal = vec2<f32>(0.0);
    var done = false;
    if (first) {
        diagonal = gram[start + column * n + column];
        left[column] = diagonal.x;
    }
    workgroupBarrier();
    var least = 0.0;
    for (var k = 0u; k < n; k++) {
        var largest = left[0];
        var pivot = 0u;
        for (var i = 1u; i < n; i++) {
            if (left[i] > largest) {
                largest = left[i];
                pivot = i;
            }
        }
        if (k == 0u) {
            least = largest * params.floor;
        }
        var sum = vec2<f32>(0.0);
        if (works) {
            for (var j = strand; j < k; j += strands) {
                let row = start + j * n;
                sum = add_product(sum, factor[row + column], factor[row + pivot]);
            }
        }
        sums[thread] = sum;
        workgroupBarrier();
        if (first) {
            var rest = gram[start + pivot * n + column];
            var value = gram[start + pivot * n + pivot];
            for (var i = 0u; i < strands; i++) {
                rest = add(rest, -sums[i * n + column]);
                value = add(value, -sums[i * n + pivot]);
            }
            var out = vec2<f32>(0.0);
            // Columns that had their turn are 0 from there on, and so is everything once only rounding is left.
            if (!done && !(largest <= least)) {
                out = divide(rest, root(value));
            }
            factor[start + k * n + column] = out;
            diagonal = add(diagonal, -multiply(out, out));
            done = done || column == pivot;
            left[column] = select(diagonal.x, -1.0, done);
        }
        workgroupBarrier();
        storageBarrier();
    }
}
