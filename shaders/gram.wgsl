// ZᵀZ a head, zero-padded to n×n. An element has a thread in each of four strands, which share the rows of Z, and is
// written on both sides of the diagonal.

struct Params {
    length: u32,
    width: u32,
    n: u32,
    heads: u32,
    offset: u32,
    row: u32,
    head: u32,
    column: u32,
    first: u32,
    total: u32,
    inputs: u32,
    zero: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(7) var<storage, read_write> gram: array<vec2<f32>>; // [total, n, n], inputs·heads from first on

const STRANDS: u32 = 4u;

var<workgroup> sums: array<vec2<f32>, 256>;

fn add_exact(sum: vec2<f32>, a: f32, b: f32) -> vec2<f32> {
    let product = exact_product(a, b);
    let high = exact_sum(sum.x, product.x);
    return vec2<f32>(high.x, sum.y + (high.y + product.y));
}

@compute @workgroup_size(8, 8, 4)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let i = group.y * 8u + local.y;
    let j = group.x * 8u + local.x;
    let input = group.z / params.heads;
    var sum = vec2<f32>(0.0);
    if (i < params.width && j <= i) {
        let start = params.offset + group.z % params.heads * params.head;
        let a = start + i * params.column;
        let b = start + j * params.column;
        for (var t = local.z; t < params.length; t += STRANDS) {
            sum = add_exact(sum, word(input, a + t * params.row), word(input, b + t * params.row));
        }
    }
    sums[thread] = tidy(sum);
    workgroupBarrier();
    if (local.z > 0u || j > i || i >= params.n) {
        return;
    }
    let out = add(add(sums[thread], sums[thread + 64u]), add(sums[thread + 128u], sums[thread + 192u]));
    let at = (params.first + group.z) * params.n;
    gram[(at + i) * params.n + j] = out;
    gram[(at + j) * params.n + i] = out;
}
