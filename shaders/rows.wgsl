// 8 queries of one head a thread, 16 keys at a time, without barriers: every loaded quad of a key or value serves
// eight queries. Outputs of any width gather in the output buffer itself, which only this thread touches there.

const ROWS: u32 = 8u;
const KEYS: u32 = 16u;

// What one query makes of 16 keys.
struct Row {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

struct Rows {
    r0: Row,
    r1: Row,
    r2: Row,
    r3: Row,
    r4: Row,
    r5: Row,
    r6: Row,
    r7: Row,
}

// q·k of queries `row` … + 7 and keys `first` … + 15, both clamped to the last token.
fn products(row: u32, first: u32, head: u32) -> Rows {
    let last = params.tokens - 1u;
    let q0 = view_start(params.query, min(row, last), head);
    let q1 = view_start(params.query, min(row + 1u, last), head);
    let q2 = view_start(params.query, min(row + 2u, last), head);
    let q3 = view_start(params.query, min(row + 3u, last), head);
    let q4 = view_start(params.query, min(row + 4u, last), head);
    let q5 = view_start(params.query, min(row + 5u, last), head);
    let q6 = view_start(params.query, min(row + 6u, last), head);
    let q7 = view_start(params.query, min(row + 7u, last), head);
    let k0 = view_start(params.key, min(first, last), head);
    let k1 = view_start(params.key, min(first + 1u, last), head);
    let k2 = view_start(params.key, min(first + 2u, last), head);
    let k3 = view_start(params.key, min(first + 3u, last), head);
    let k4 = view_start(params.key, min(first + 4u, last), head);
    let k5 = view_start(params.key, min(first + 5u, last), head);
    let k6 = view_start(params.key, min(first + 6u, last), head);
    let k7 = view_start(params.key, min(first + 7u, last), head);
    let k8 = view_start(params.key, min(first + 8u, last), head);
    let k9 = view_start(params.key, min(first + 9u, last), head);
    let k10 = view_start(params.key, min(first + 10u, last), head);
    let k11 = view_start(params.key, min(first + 11u, last), head);
    let k12 = view_start(params.key, min(first + 12u, last), head);
    let k13 = view_start(params.key, min(first + 13u, last), head);
    let k14 = view_start(params.key, min(first + 14u, last), head);
    let k15 = view_start(params.key, min(first + 15u, last), head);
    let zero = vec4<f32>(0.0);
    let none = Row(zero, zero, zero, zero);
    var g = Rows(none, none, none, none, none, none, none, none);
    let quads = params.query.width / 4u;
    for (var i = 0u; i < quads; i++) {
        let y0 = key_feature(keys[k0 + i]);
        let y1 = key_feature(keys[k1 + i]);
        let y2 = key_feature(keys[k2 + i]);
        let y3 = key_feature(keys[k3 + i]);
        let y4 = key_feature(keys[k4 + i]);
        let y5 = key_feature(keys[k5 + i]);
        let y6 = key_feature(keys[k6 + i]);
        let y7 = key_feature(keys[k7 + i]);
        let y8 = key_feature(keys[k8 + i]);
        let y9 = key_feature(keys[k9 + i]);
        let y10 = key_feature(keys[k10 + i]);
        let y11 = key_feature(keys[k11 + i]);
        let y12 = key_feature(keys[k12 + i]);
        let y13 = key_feature(keys[k13 + i]);
        let y14 = key_feature(keys[k14 + i]);
        let y15 = key_feature(keys[k15 + i]);
        let x0 = key_feature(queries[q0 + i]);
        g.r0.a += vec4<f32>(dot(x0, y0), dot(x0, y1), dot(x0, y2), dot(x0, y3));
        g.r0.b += vec4<f32>(dot(x0, y4), dot(x0, y5), dot(x0, y6), dot(x0, y7));
        g.r0.c += vec4<f32>(dot(x0, y8), dot(x0, y9), dot(x0, y10), dot(x0, y11));
        g.r0.d += vec4<f32>(dot(x0, y12), dot(x0, y13), dot(x0, y14), dot(x0, y15));
        let x1 = key_feature(queries[q1 + i]);
        g.r1.a += vec4<f32>(dot(x1, y0), dot(x1, y1), dot(x1, y2), dot(x1, y3));
        g.r1.b += vec4<f32>(dot(x1, y4), dot(x1, y5), dot(x1, y6), dot(x1, y7));
        g.r1.c += vec4<f32>(dot(x1, y8), dot(x1, y9), dot(x1, y10), dot(x1, y11));
        g.r1.d += vec4<f32>(dot(x1, y12), dot(x1, y13), dot(x1, y14), dot(x1, y15));
        let x2 = key_feature(queries[q2 + i]);
        g.r2.a += vec4<f32>(dot(x2, y0), dot(x2, y1), dot(x2, y2), dot(x2, y3));
        g.r2.b += vec4<f32>(dot(x2, y4), dot(x2, y5), dot(x2, y6), dot(x2, y7));
        g.r2.c += vec4<f32>(dot(x2, y8), dot(x2, y9), dot(x2, y10), dot(x2, y11));
        g.r2.d += vec4<f32>(dot(x2, y12), dot(x2, y13), dot(x2, y14), dot(x2, y15));
        let x3 = key_feature(queries[q3 + i]);
        g.r3.a += vec4<f32>(dot(x3, y0), dot(x3, y1), dot(x3, y2), dot(x3, y3));
        g.r3.b += vec4<f32>(dot(x3, y4), dot(x3, y5), dot(x3, y6), dot(x3, y7));
        g.r3.c += vec4<f32>(dot(x3, y8), dot(x3, y9), dot(x3, y10), dot(x3, y11));
        g.r3.d += vec4<f32>(dot(x3, y12), dot(x3, y13), dot(x3, y14), dot(x3, y15));
        let x4 = key_feature(queries[q4 + i]);
        g.r4.a += vec4<f32>(dot(x4, y0), dot(x4, y1), dot(x4, y2), dot(x4, y3));
        g.r4.b += vec4<f32>(dot(x4, y4), dot(x4, y5), dot(x4, y6), dot(x4, y7));
        g.r4.c += vec4<f32>(dot(x4, y8), dot(x4, y9), dot(x4, y10), dot(x4, y11));
        g.r4.d += vec4<f32>(dot(x4, y12), dot(x4, y13), dot(x4, y14), dot(x4, y15));
        let x5 = key_feature(queries[q5 + i]);
        g.r5.a += vec4<f32>(dot(x5, y0), dot(x5, y1), dot(x5, y2), dot(x5, y3));
        g.r5.b += vec4<f32>(dot(x5, y4), dot(x5, y5), dot(x5, y6), dot(x5, y7));
        g.r5.c += vec4<f32>(dot(x5, y8), dot(x5, y9), dot(x5, y10), dot(x5, y11));
        g.r5.d += vec4<f32>(dot(x5, y12), dot(x5, y13), dot(x5, y14), dot(x5, y15));
        let x6 = key_feature(queries[q6 + i]);
        g.r6.a += vec4<f32>(dot(x6, y0), dot(x6, y1), dot(x6, y2), dot(x6, y3));
        g.r6.b += vec4<f32>(dot(x6, y4), dot(x6, y5), dot(x6, y6), dot(x6, y7));
        g.r6.c += vec4<f32>(dot(x6, y8), dot(x6, y9), dot(x6, y10), dot(x6, y11));
        g.r6.d += vec4<f32>(dot(x6, y12), dot(x6, y13), dot(x6, y14), dot(x6, y15));
        let x7 = key_feature(queries[q7 + i]);
        g.r7.a += vec4<f32>(dot(x7, y0), dot(x7, y1), dot(x7, y2), dot(x7, y3));
        g.r7.b += vec4<f32>(dot(x7, y4), dot(x7, y5), dot(x7, y6), dot(x7, y7));
        g.r7.c += vec4<f32>(dot(x7, y8), dot(x7, y9), dot(x7, y10), dot(x7, y11));
        g.r7.d += vec4<f32>(dot(x7, y12), dot(x7, y13), dot(x7, y14), dot(x7, y15));
    }
    return g;
}

struct Values {
    v0: vec4<f32>,
    v1: vec4<f32>,
    v2: vec4<f32>,
    v3: vec4<f32>,
    v4: vec4<f32>,
    v5: vec4<f32>,
    v6: vec4<f32>,
    v7: vec4<f32>,
    v8: vec4<f32>,
    v9: vec4<f32>,
    v10: vec4<f32>,
    v11: vec4<f32>,
    v12: vec4<f32>,
    v13: vec4<f32>,
    v14: vec4<f32>,
    v15: vec4<f32>,
}

// Quad `quad` of the values of tokens `first` … + 15.
fn values_at(first: u32, head: u32, quad: u32) -> Values {
    let last = params.tokens - 1u;
    return Values(
        values[view_start(params.value, min(first, last), head) + quad],
        values[view_start(params.value, min(first + 1u, last), head) + quad],
        values[view_start(params.value, min(first + 2u, last), head) + quad],
        values[view_start(params.value, min(first + 3u, last), head) + quad],
        values[view_start(params.value, min(first + 4u, last), head) + quad],
        values[view_start(params.value, min(first + 5u, last), head) + quad],
        values[view_start(params.value, min(first + 6u, last), head) + quad],
        values[view_start(params.value, min(first + 7u, last), head) + quad],
        values[view_start(params.value, min(first + 8u, last), head) + quad],
        values[view_start(params.value, min(first + 9u, last), head) + quad],
        values[view_start(params.value, min(first + 10u, last), head) + quad],
        values[view_start(params.value, min(first + 11u, last), head) + quad],
        values[view_start(params.value, min(first + 12u, last), head) + quad],
        values[view_start(params.value, min(first + 13u, last), head) + quad],
        values[view_start(params.value, min(first + 14u, last), head) + quad],
        values[view_start(params.value, min(first + 15u, last), head) + quad],
    );
}

fn mixed(w: Row, v: Values) -> vec4<f32> {
    return w.a.x * v.v0 + w.a.y * v.v1 + w.a.z * v.v2 + w.a.w * v.v3 + w.b.x * v.v4 + w.b.y * v.v5 + w.b.z * v.v6
        + w.b.w * v.v7 + w.c.x * v.v8 + w.c.y * v.v9 + w.c.z * v.v10 + w.c.w * v.v11 + w.d.x * v.v12 + w.d.y * v.v13
        + w.d.z * v.v14 + w.d.w * v.v15;
}

// Positions of 16 keys from `first` on that lie past `row`.
fn past(first: u32, row: u32, part: u32) -> vec4<bool> {
    let at = first + part * 4u;
    return vec4<u32>(at, at + 1u, at + 2u, at + 3u) > vec4<u32>(row);
}

fn output_start(row: u32, head: u32) -> u32 {
    return (row * params.heads + head) * params.value.width / 4u;
}
