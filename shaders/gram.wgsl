// ZᵀZ a head, zero-padded to n×n. A thread sums one element, and writes it on both sides of the diagonal.

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
    zero: u32,
    pad0: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>; // [length, heads, width] through the strides
@group(0) @binding(2) var<storage, read_write> gram: array<vec2<f32>>; // [total, n, n], heads matrices from first on

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y;
    let j = id.x;
    if (i >= params.n || j > i) {
        return;
    }
    var sum = vec2<f32>(0.0);
    if (i < params.width) {
        let start = params.offset + id.z * params.head;
        for (var t = 0u; t < params.length; t++) {
            let row = start + t * params.row;
            let product = exact_product(z[row + i * params.column], z[row + j * params.column]);
            let high = exact_sum(sum.x, product.x);
            sum = vec2<f32>(high.x, sum.y + (high.y + product.y));
        }
    }
    let out = ordered_sum(sum.x, sum.y);
    let start = (params.first + id.z) * params.n;
    gram[(start + i) * params.n + j] = out;
    gram[(start + j) * params.n + i] = out;
}
