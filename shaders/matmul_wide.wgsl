// y = x Wᵀ like matmul.wgsl, for adapters where loads are dear and registers are cheap (software ones): a
// thread computes 8 rows × 8 columns, so that each loaded quad serves eight dot products.

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
const SIDE: u32 = 4u; // threads along each side of the tile
const SPAN: u32 = 8u; // rows and columns a thread

// Eight columns of one row.
struct Row {
    low: vec4<f32>,
    high: vec4<f32>,
}

fn store_quad(row: u32, col: u32, sums: vec4<f32>) {
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

fn store_row(row: u32, col: u32, sums: Row) {
    store_quad(row, col, sums.low);
    store_quad(row, col + 4u, sums.high);
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * SPAN;
    let col = id.x * SPAN;
    let quads = params.inner / 4u;
    let last_row = params.rows - 1u;
    let last_col = params.cols - 1u;
    let x0 = min(row, last_row) * quads;
    let x1 = min(row + 1u, last_row) * quads;
    let x2 = min(row + 2u, last_row) * quads;
    let x3 = min(row + 3u, last_row) * quads;
    let x4 = min(row + 4u, last_row) * quads;
    let x5 = min(row + 5u, last_row) * quads;
    let x6 = min(row + 6u, last_row) * quads;
    let x7 = min(row + 7u, last_row) * quads;
    let w0 = min(col, last_col) * quads;
    let w1 = min(col + 1u, last_col) * quads;
    let w2 = min(col + 2u, last_col) * quads;
    let w3 = min(col + 3u, last_col) * quads;
    let w4 = min(col + 4u, last_col) * quads;
    let w5 = min(col + 5u, last_col) * quads;
    let w6 = min(col + 6u, last_col) * quads;
    let w7 = min(col + 7u, last_col) * quads;
    let zero = Row(vec4<f32>(0.0), vec4<f32>(0.0));
    var sum0 = zero;
    var sum1 = zero;
    var sum2 = zero;
    var sum3 = zero;
    var sum4 = zero;
    var sum5 = zero;
    var sum6 = zero;
    var sum7 = zero;
    for (var i = 0u; i < quads; i++) {
        let a = weight[w0 + i];
        let b = weight[w1 + i];
        let c = weight[w2 + i];
        let d = weight[w3 + i];
        let e = weight[w4 + i];
        let f = weight[w5 + i];
        let g = weight[w6 + i];
        let h = weight[w7 + i];
        let r0 = x[x0 + i];
        sum0.low += vec4<f32>(dot(r0, a), dot(r0, b), dot(r0, c), dot(r0, d));
        sum0.high += vec4<f32>(dot(r0, e), dot(r0, f), dot(r0, g), dot(r0, h));
        let r1 = x[x1 + i];
        sum1.low += vec4<f32>(dot(r1, a), dot(r1, b), dot(r1, c), dot(r1, d));
        sum1.high += vec4<f32>(dot(r1, e), dot(r1, f), dot(r1, g), dot(r1, h));
        let r2 = x[x2 + i];
        sum2.low += vec4<f32>(dot(r2, a), dot(r2, b), dot(r2, c), dot(r2, d));
        sum2.high += vec4<f32>(dot(r2, e), dot(r2, f), dot(r2, g), dot(r2, h));
        let r3 = x[x3 + i];
        sum3.low += vec4<f32>(dot(r3, a), dot(r3, b), dot(r3, c), dot(r3, d));
        sum3.high += vec4<f32>(dot(r3, e), dot(r3, f), dot(r3, g), dot(r3, h));
        let r4 = x[x4 + i];
        sum4.low += vec4<f32>(dot(r4, a), dot(r4, b), dot(r4, c), dot(r4, d));
        sum4.high += vec4<f32>(dot(r4, e), dot(r4, f), dot(r4, g), dot(r4, h));
        let r5 = x[x5 + i];
        sum5.low += vec4<f32>(dot(r5, a), dot(r5, b), dot(r5, c), dot(r5, d));
        sum5.high += vec4<f32>(dot(r5, e), dot(r5, f), dot(r5, g), dot(r5, h));
        let r6 = x[x6 + i];
        sum6.low += vec4<f32>(dot(r6, a), dot(r6, b), dot(r6, c), dot(r6, d));
        sum6.high += vec4<f32>(dot(r6, e), dot(r6, f), dot(r6, g), dot(r6, h));
        let r7 = x[x7 + i];
        sum7.low += vec4<f32>(dot(r7, a), dot(r7, b), dot(r7, c), dot(r7, d));
        sum7.high += vec4<f32>(dot(r7, e), dot(r7, f), dot(r7, g), dot(r7, h));
    }
    store_row(row, col, sum0);
    store_row(row + 1u, col, sum1);
    store_row(row + 2u, col, sum2);
    store_row(row + 3u, col, sum3);
    store_row(row + 4u, col, sum4);
    store_row(row + 5u, col, sum5);
    store_row(row + 6u, col, sum6);
    store_row(row + 7u, col, sum7);
}
