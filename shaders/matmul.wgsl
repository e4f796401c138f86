// y = x Wᵀ with bias, GELU and residual epilogues: what all forms share.

struct Params {
    rows: u32,
    inner: u32,
    cols: u32,
    flags: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, inner / 4]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [cols]
@group(0) @binding(4) var<storage, read> residual: array<f32>; // [rows, cols]
@group(0) @binding(5) var<storage, read_write> y: array<f32>; // [rows, cols]

const BIAS: u32 = 1u;
const GELU: u32 = 2u;
const RESIDUAL: u32 = 4u;

// Four columns of one row, as far as they lie inside.
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
