// What the forms share in which four threads have a query: lane l scores 4 of 16 keys, from 4l on, then owns every fourth
// quad of the query's output, from quad l on.

const ROWS: u32 = 16u;
const LANES: u32 = 4u;
const KEYS: u32 = 16u;

// This lane's quads of the output so far.
struct Sums {
    a0: vec4<f32>,
    a1: vec4<f32>,
    a2: vec4<f32>,
    a3: vec4<f32>,
    a4: vec4<f32>,
    a5: vec4<f32>,
    a6: vec4<f32>,
    a7: vec4<f32>,
}

fn no_sums() -> Sums {
    let zero = vec4<f32>(0.0);
    return Sums(zero, zero, zero, zero, zero, zero, zero, zero);
}

fn largest(v: vec4<f32>) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}

fn total(v: vec4<f32>) -> f32 {
    return v.x + v.y + v.z + v.w;
}

// Products of a query with keys j … j + 3.
fn four_scores(q_start: u32, j: u32, last: u32, head: u32) -> vec4<f32> {
    let k0 = view_start(params.key, min(j, last), head);
    let k1 = view_start(params.key, min(j + 1u, last), head);
    let k2 = view_start(params.key, min(j + 2u, last), head);
    let k3 = view_start(params.key, min(j + 3u, last), head);
    var g = vec4<f32>(0.0);
    for (var i = 0u; i < params.query.width / 4u; i++) {
        let q = queries[q_start + i];
        g += vec4<f32>(dot(q, keys[k0 + i]), dot(q, keys[k1 + i]), dot(q, keys[k2 + i]), dot(q, keys[k3 + i]));
    }
    return g;
}

fn shrink_sums(out: ptr<function, Sums>, shrink: f32) {
    (*out).a0 *= shrink;
    (*out).a1 *= shrink;
    (*out).a2 *= shrink;
    (*out).a3 *= shrink;
    (*out).a4 *= shrink;
    (*out).a5 *= shrink;
    (*out).a6 *= shrink;
    (*out).a7 *= shrink;
}

// Adds four tokens' values. Past the last token the weights are 0 and the clamped loads are harmless.
fn add_values(out: ptr<function, Sums>, w: vec4<f32>, token: u32, last: u32, head: u32, lane: u32) {
    let v_quads = params.value.width / 4u;
    let v_step = params.value.row / 4u;
    let base = view_start(params.value, min(token, last), head) + lane;
    let v1 = base + v_step * min(1u, last - min(token, last));
    let v2 = base + v_step * min(2u, last - min(token, last));
    let v3 = base + v_step * min(3u, last - min(token, last));
    (*out).a0 += w.x * values[base] + w.y * values[v1] + w.z * values[v2] + w.w * values[v3];
    if (v_quads > 4u) {
        (*out).a1 += w.x * values[base + 4u] + w.y * values[v1 + 4u] + w.z * values[v2 + 4u] + w.w * values[v3 + 4u];
    }
    if (v_quads > 8u) {
        (*out).a2 += w.x * values[base + 8u] + w.y * values[v1 + 8u] + w.z * values[v2 + 8u] + w.w * values[v3 + 8u];
    }
    if (v_quads > 12u) {
        (*out).a3 += w.x * values[base + 12u] + w.y * values[v1 + 12u] + w.z * values[v2 + 12u] + w.w * values[v3 + 12u];
    }
    if (v_quads > 16u) {
        (*out).a4 += w.x * values[base + 16u] + w.y * values[v1 + 16u] + w.z * values[v2 + 16u] + w.w * values[v3 + 16u];
        (*out).a5 += w.x * values[base + 20u] + w.y * values[v1 + 20u] + w.z * values[v2 + 20u] + w.w * values[v3 + 20u];
    }
    if (v_quads > 24u) {
        (*out).a6 += w.x * values[base + 24u] + w.y * values[v1 + 24u] + w.z * values[v2 + 24u] + w.w * values[v3 + 24u];
        (*out).a7 += w.x * values[base + 28u] + w.y * values[v1 + 28u] + w.z * values[v2 + 28u] + w.w * values[v3 + 28u];
    }
}
