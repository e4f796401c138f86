// y = x Wᵀ with bias, GELU and residual epilogues. A thread computes 4 rows × 4 columns in registers.

struct Params {
    rows: u32,
    inner: u32,
    cols: u32,
    flags: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, inner / 4]
@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>; // [cols, inner / 4]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [cols]
@group(0) @binding(4) var<storage, read> residual: array<f32>; // [rows, cols]
@group(0) @binding(5) var<storage, read_write> y: array<f32>; // [rows, cols]

const BIAS: u32 = 1u;
const GELU: u32 = 2u;
const RESIDUAL: u32 = 4u;
const SIDE: u32 = 8u; // threads along each side of the tile

fn store_row(row: u32, col: u32, sums: vec4<f32>) {
    if (row >= params.rows) {
        return;
    }
    // Clamped where the tile hangs over the edge; those lanes are not stored.
    let cols = min(vec4<u32>(col, col + 1u, col + 2u, col + 3u), vec4<u32>(params.cols - 1u));
    let start = row * params.cols;
    var out = sums;
    if ((params.flags & BIAS) != 0u) {
        out += vec4<f32>(bias[cols.x], bias[cols.y], bias[cols.z], bias[cols.w]);
    }
    if ((params.flags & GELU) != 0u) {
        out = gelu(out);
    }
    if ((params.flags & RESIDUAL) != 0u) {
        let at = start + cols;
        out += vec4<f32>(residual[at.x], residual[at.y], residual[at.z], residual[at.w]);
    }
    if (col < params.cols) { y[start + col] = out.x; }
    if (col + 1u < params.cols) { y[start + col + 1u] = out.y; }
    if (col + 2u < params.cols) { y[start + col + 2u] = out.z; }
    if (col + 3u < params.cols) { y[start + col + 3u] = out.w; }
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * 4u;
    let col = id.x * 4u;
    let quads = params.inner / 4u;
    let last_row = params.rows - 1u;
    let last_col = params.cols - 1u;
    let x0 = min(row, last_row) * quads;
    let x1 = min(row + 1u, last_row) * quads;
    let x2 = min(row + 2u, last_row) * quads;
    let x3 = min(row + 3u, last_row) * quads;
    let w0 = min(col, last_col) * quads;
    let w1 = min(col + 1u, last_col) * quads;
    let w2 = min(col + 2u, last_col) * quads;
    let w3 = min(col + 3u, last_col) * quads;
    var sum0 = vec4<f32>(0.0);
    var sum1 = vec4<f32>(0.0);
    var sum2 = vec4<f32>(0.0);
    var sum3 = vec4<f32>(0.0);
    for (var i = 0u; i < quads; i++) {
        let a = weight[w0 + i];
        let b = weight[w1 + i];
        let c = weight[w2 + i];
        let d = weight[w3 + i];
        let r0 = x[x0 + i];
        let r1 = x[x1 + i];
        let r2 = x[x2 + i];
        let r3 = x[x3 + i];
        sum0 += vec4<f32>(dot(r0, a), dot(r0, b), dot(r0, c), dot(r0, d));
        sum1 += vec4<f32>(dot(r1, a), dot(r1, b), dot(r1, c), dot(r1, d));
        sum2 += vec4<f32>(dot(r2, a), dot(r2, b), dot(r2, c), dot(r2, d));
        sum3 += vec4<f32>(dot(r3, a), dot(r3, b), dot(r3, c), dot(r3, d));
    }
    store_row(row, col, sum0);
    store_row(row + 1u, col, sum1);
    store_row(row + 2u, col, sum2);
    store_row(row + 3u, col, sum3);
}
