// out[t, h] = z[t, h] · K[h % kernels]: one small square matrix a head. A thread computes 4 rows × 2 quads.

struct Params {
    rows: u32,
    heads: u32,
    kernels: u32,
    pad0: u32,
    z: HeadView,
    out: HeadView,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<vec4<f32>>; // [rows, heads, width / 4] through params.z
@group(0) @binding(2) var<storage, read> matrices: array<vec4<f32>>; // [kernels, width, width / 4]
@group(0) @binding(3) var<storage, read_write> products: array<vec4<f32>>; // [rows, heads, width / 4] through params.out

// Eight columns of one row.
struct Row {
    low: vec4<f32>,
    high: vec4<f32>,
}

fn store(row: u32, head: u32, quad: u32, sums: Row) {
    if (row >= params.rows) {
        return;
    }
    let out = view_start(params.out, row, head) + quad;
    products[out] = sums.low;
    if (quad + 1u < params.out.width / 4u) {
        products[out + 1u] = sums.high;
    }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = params.out.width / 4u;
    let pairs = (quads + 1u) / 2u;
    let row = id.x / pairs * 4u;
    let quad = id.x % pairs * 2u;
    let head = id.y;
    if (row >= params.rows) {
        return;
    }
    let start = head % params.kernels * params.out.width * quads + quad;
    let next = min(1u, quads - 1u - quad); // the second quad, where there is one
    let last = params.rows - 1u;
    let z0 = view_start(params.z, min(row, last), head);
    let z1 = view_start(params.z, min(row + 1u, last), head);
    let z2 = view_start(params.z, min(row + 2u, last), head);
    let z3 = view_start(params.z, min(row + 3u, last), head);
    let zero = Row(vec4<f32>(0.0), vec4<f32>(0.0));
    var sum0 = zero;
    var sum1 = zero;
    var sum2 = zero;
    var sum3 = zero;
    for (var i = 0u; i < quads; i++) {
        let at = start + i * 4u * quads;
        let low0 = matrices[at];
        let high0 = matrices[at + next];
        let low1 = matrices[at + quads];
        let high1 = matrices[at + quads + next];
        let low2 = matrices[at + 2u * quads];
        let high2 = matrices[at + 2u * quads + next];
        let low3 = matrices[at + 3u * quads];
        let high3 = matrices[at + 3u * quads + next];
        let q0 = z[z0 + i];
        sum0.low += q0.x * low0 + q0.y * low1 + q0.z * low2 + q0.w * low3;
        sum0.high += q0.x * high0 + q0.y * high1 + q0.z * high2 + q0.w * high3;
        let q1 = z[z1 + i];
        sum1.low += q1.x * low0 + q1.y * low1 + q1.z * low2 + q1.w * low3;
        sum1.high += q1.x * high0 + q1.y * high1 + q1.z * high2 + q1.w * high3;
        let q2 = z[z2 + i];
        sum2.low += q2.x * low0 + q2.y * low1 + q2.z * low2 + q2.w * low3;
        sum2.high += q2.x * high0 + q2.y * high1 + q2.z * high2 + q2.w * high3;
        let q3 = z[z3 + i];
        sum3.low += q3.x * low0 + q3.y * low1 + q3.z * low2 + q3.w * low3;
        sum3.high += q3.x * high0 + q3.y * high1 + q3.z * high2 + q3.w * high3;
    }
    store(row, head, quad, sum0);
    store(row + 1u, head, quad, sum1);
    store(row + 2u, head, quad, sum2);
    store(row + 3u, head, quad, sum3);
}
