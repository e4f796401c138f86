// Each thread computes 4 rows × 4 columns in registers.

const SIDE: u32 = 8u; // threads along each side of the tile

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
        let a = weight_quad(w0 + i);
        let b = weight_quad(w1 + i);
        let c = weight_quad(w2 + i);
        let d = weight_quad(w3 + i);
        let r0 = x[x0 + i];
        let r1 = x[x1 + i];
        let r2 = x[x2 + i];
        let r3 = x[x3 + i];
        sum0 += vec4<f32>(dot(r0, a), dot(r0, b), dot(r0, c), dot(r0, d));
        sum1 += vec4<f32>(dot(r1, a), dot(r1, b), dot(r1, c), dot(r1, d));
        sum2 += vec4<f32>(dot(r2, a), dot(r2, b), dot(r2, c), dot(r2, d));
        sum3 += vec4<f32>(dot(r3, a), dot(r3, b), dot(r3, c), dot(r3, d));
    }
    store_quad(row, col, sum0);
    store_quad(row + 1u, col, sum1);
    store_quad(row + 2u, col, sum2);
    store_quad(row + 3u, col, sum3);
}
