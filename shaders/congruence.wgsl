// B = Cᵀ K C a head. A workgroup computes 8 columns of B: first those of K C, then Cᵀ times these.

struct Params {
    batch: u32,
    group: u32,
    n: u32,
    zero: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> factor: array<vec2<f32>>; // [batch, n, n]: Cᵀ
@group(0) @binding(2) var<storage, read> kernels: array<vec2<f32>>; // [group, n, n]: K
@group(0) @binding(3) var<storage, read_write> congruent: array<vec2<f32>>; // [batch, n, n]

const THREADS: u32 = 256u;
const COLUMNS: u32 = 8u;

var<workgroup> products: array<vec2<f32>, 1024>; // [n, COLUMNS]: K C

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let n = params.n;
    let start = group.y * n * n;
    let kernel = group.y % params.group * n * n;
    let column = thread % COLUMNS;
    let c = start + (group.x * COLUMNS + column) * n;
    for (var i = thread / COLUMNS; i < n; i += THREADS / COLUMNS) {
        var sum = vec2<f32>(0.0);
        for (var j = 0u; j < n; j++) {
            let k = kernels[kernel + i * n + j];
            // Nearly all of a standard head's are 0.
            if (k.x != 0.0) {
                sum = add_product(sum, k, factor[c + j]);
            }
        }
        products[i * COLUMNS + column] = ordered_sum(sum.x, sum.y);
    }
    workgroupBarrier();
    for (var i = thread / COLUMNS; i < n; i += THREADS / COLUMNS) {
        var sum = vec2<f32>(0.0);
        for (var j = 0u; j < n; j++) {
            sum = add_product(sum, factor[start + i * n + j], products[j * COLUMNS + column]);
        }
        congruent[start + i * n + group.x * COLUMNS + column] = ordered_sum(sum.x, sum.y);
    }
}
