// out[t, h] = z[t, h] · K[h]: one small square matrix a head

struct Params {
    rows: u32,
    heads: u32,
    kernels: u32,
    group: u32,
    z: HeadView,
    out: HeadView,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>; // [rows, heads, width] through params.z
@group(0) @binding(2) var<storage, read> matrices: array<vec4<f32>>; // [kernels, width, width / 4]
@group(0) @binding(3) var<storage, read_write> products: array<vec4<f32>>; // [rows, heads, width / 4] through params.out

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let width = params.out.width;
    let quads = width / 4u;
    let row = id.x / quads;
    let quad = id.x % quads;
    let head = id.y;
    if (row >= params.rows) {
        return;
    }
    // Every block of z meets every set of matrices; see the Rust side.
    let sets = params.kernels / params.group;
    let block = head / params.group;
    let source = block / sets * params.group + head % params.group;
    let matrix = (block % sets * params.group + head % params.group) * width * quads + quad;
    let start = params.z.offset + row * params.z.row + source * params.z.head;
    var sum = vec4<f32>(0.0);
    for (var a = 0u; a < width; a++) {
        sum += z[start + a] * matrices[matrix + a * quads];
    }
    products[view_start(params.out, row, head) + quad] = sum;
}
