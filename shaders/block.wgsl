// 8 rows of x times 8 rows of the weights in one thread's registers: every loaded quad serves eight dot products.
// For adapters where loads are dear and barriers dearer (software ones).

// Eight columns of one row.
struct Row {
    low: vec4<f32>,
    high: vec4<f32>,
}

struct Block {
    r0: Row,
    r1: Row,
    r2: Row,
    r3: Row,
    r4: Row,
    r5: Row,
    r6: Row,
    r7: Row,
}

// Rows from `row` on, clamped to `last_row`, and columns likewise, all `quads` wide.
fn block_product(row: u32, last_row: u32, col: u32, last_col: u32, quads: u32) -> Block {
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
    var sum = Block(zero, zero, zero, zero, zero, zero, zero, zero);
    for (var i = 0u; i < quads; i++) {
        let a = weight_quad(w0 + i);
        let b = weight_quad(w1 + i);
        let c = weight_quad(w2 + i);
        let d = weight_quad(w3 + i);
        let e = weight_quad(w4 + i);
        let f = weight_quad(w5 + i);
        let g = weight_quad(w6 + i);
        let h = weight_quad(w7 + i);
        let q0 = x[x0 + i];
        sum.r0.low += vec4<f32>(dot(q0, a), dot(q0, b), dot(q0, c), dot(q0, d));
        sum.r0.high += vec4<f32>(dot(q0, e), dot(q0, f), dot(q0, g), dot(q0, h));
        let q1 = x[x1 + i];
        sum.r1.low += vec4<f32>(dot(q1, a), dot(q1, b), dot(q1, c), dot(q1, d));
        sum.r1.high += vec4<f32>(dot(q1, e), dot(q1, f), dot(q1, g), dot(q1, h));
        let q2 = x[x2 + i];
        sum.r2.low += vec4<f32>(dot(q2, a), dot(q2, b), dot(q2, c), dot(q2, d));
        sum.r2.high += vec4<f32>(dot(q2, e), dot(q2, f), dot(q2, g), dot(q2, h));
        let q3 = x[x3 + i];
        sum.r3.low += vec4<f32>(dot(q3, a), dot(q3, b), dot(q3, c), dot(q3, d));
        sum.r3.high += vec4<f32>(dot(q3, e), dot(q3, f), dot(q3, g), dot(q3, h));
        let q4 = x[x4 + i];
        sum.r4.low += vec4<f32>(dot(q4, a), dot(q4, b), dot(q4, c), dot(q4, d));
        sum.r4.high += vec4<f32>(dot(q4, e), dot(q4, f), dot(q4, g), dot(q4, h));
        let q5 = x[x5 + i];
        sum.r5.low += vec4<f32>(dot(q5, a), dot(q5, b), dot(q5, c), dot(q5, d));
        sum.r5.high += vec4<f32>(dot(q5, e), dot(q5, f), dot(q5, g), dot(q5, h));
        let q6 = x[x6 + i];
        sum.r6.low += vec4<f32>(dot(q6, a), dot(q6, b), dot(q6, c), dot(q6, d));
        sum.r6.high += vec4<f32>(dot(q6, e), dot(q6, f), dot(q6, g), dot(q6, h));
        let q7 = x[x7 + i];
        sum.r7.low += vec4<f32>(dot(q7, a), dot(q7, b), dot(q7, c), dot(q7, d));
        sum.r7.high += vec4<f32>(dot(q7, e), dot(q7, f), dot(q7, g), dot(q7, h));
    }
    return sum;
}
