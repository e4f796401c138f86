// 16 queries of one head a workgroup, 16 keys at a time. Thread (query, lane) scores 4 of the 16 keys, then owns
// every fourth quad of the query's output.

const ROWS: u32 = 16u;
const LANES: u32 = 4u;
const KEYS: u32 = 16u;

var<workgroup> scores: array<vec4<f32>, 64>; // [query, lane], 4 keys each
var<workgroup> weights: array<vec4<f32>, 64>;

fn largest(v: vec4<f32>) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}

fn total(v: vec4<f32>) -> f32 {
    return v.x + v.y + v.z + v.w;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.y;
    let lane = thread % LANES;
    let mine = thread / LANES * LANES; // this query's four entries in the tiles
    let last = params.tokens - 1u;
    // Rows past the end repeat the last one and are not stored.
    let row = min(group.x * ROWS + thread / LANES, last);
    let q_start = view_start(params.query, row, head);
    let q_quads = params.query.width / 4u;
    let v_quads = params.value.width / 4u;
    let v_step = params.value.row / 4u;

    var a0 = vec4<f32>(0.0);
    var a1 = vec4<f32>(0.0);
    var a2 = vec4<f32>(0.0);
    var a3 = vec4<f32>(0.0);
    var a4 = vec4<f32>(0.0);
    var a5 = vec4<f32>(0.0);
    var a6 = vec4<f32>(0.0);
    var a7 = vec4<f32>(0.0);
    var top = NONE;
    var sum = 0.0;
    let end = min(group.x * ROWS + ROWS - 1u, last);
    for (var first = 0u; first <= end; first += KEYS) {
        let j = first + lane * 4u;
        let k0 = view_start(params.key, min(j, last), head);
        let k1 = view_start(params.key, min(j + 1u, last), head);
        let k2 = view_start(params.key, min(j + 2u, last), head);
        let k3 = view_start(params.key, min(j + 3u, last), head);
        var g = vec4<f32>(0.0);
        for (var i = 0u; i < q_quads; i++) {
            let q = queries[q_start + i];
            g += vec4<f32>(dot(q, keys[k0 + i]), dot(q, keys[k1 + i]), dot(q, keys[k2 + i]), dot(q, keys[k3 + i]));
        }
        let position = vec4<u32>(j, j + 1u, j + 2u, j + 3u);
        g = select(g * params.scale, vec4<f32>(NONE), position > vec4<u32>(row));
        scores[thread] = g;
        workgroupBarrier();
        let tile = max(max(scores[mine], scores[mine + 1u]), max(scores[mine + 2u], scores[mine + 3u]));
        let new_top = max(top, largest(tile));
        weights[thread] = exp(g - new_top);
        workgroupBarrier();
        let shrink = exp(top - new_top);
        top = new_top;
        sum *= shrink;
        a0 *= shrink;
        a1 *= shrink;
        a2 *= shrink;
        a3 *= shrink;
        a4 *= shrink;
        a5 *= shrink;
        a6 *= shrink;
        a7 *= shrink;
        for (var part = 0u; part < LANES; part++) {
            let w = weights[mine + part];
            sum += total(w);
            // Past the last key the weights are 0 and the clamped loads are harmless.
            let token = first + part * 4u;
            let base = view_start(params.value, min(token, last), head) + lane;
            let v1 = base + v_step * min(1u, last - min(token, last));
            let v2 = base + v_step * min(2u, last - min(token, last));
            let v3 = base + v_step * min(3u, last - min(token, last));
            a0 += w.x * values[base] + w.y * values[v1] + w.z * values[v2] + w.w * values[v3];
            if (v_quads > 4u) {
                a1 += w.x * values[base + 4u] + w.y * values[v1 + 4u] + w.z * values[v2 + 4u] + w.w * values[v3 + 4u];
            }
            if (v_quads > 8u) {
                a2 += w.x * values[base + 8u] + w.y * values[v1 + 8u] + w.z * values[v2 + 8u] + w.w * values[v3 + 8u];
            }
            if (v_quads > 12u) {
                a3 += w.x * values[base + 12u] + w.y * values[v1 + 12u] + w.z * values[v2 + 12u] + w.w * values[v3 + 12u];
            }
            if (v_quads > 16u) {
                a4 += w.x * values[base + 16u] + w.y * values[v1 + 16u] + w.z * values[v2 + 16u] + w.w * values[v3 + 16u];
                a5 += w.x * values[base + 20u] + w.y * values[v1 + 20u] + w.z * values[v2 + 20u] + w.w * values[v3 + 20u];
            }
            if (v_quads > 24u) {
                a6 += w.x * values[base + 24u] + w.y * values[v1 + 24u] + w.z * values[v2 + 24u] + w.w * values[v3 + 24u];
                a7 += w.x * values[base + 28u] + w.y * values[v1 + 28u] + w.z * values[v2 + 28u] + w.w * values[v3 + 28u];
            }
        }
    }
    if (group.x * ROWS + thread / LANES > last) {
        return;
    }
    let out = (row * params.heads + head) * v_quads + lane;
    let scale = 1.0 / sum;
    if (lane < v_quads) { attended[out] = a0 * scale; }
    if (lane + 4u < v_quads) { attended[out + 4u] = a1 * scale; }
    if (lane + 8u < v_quads) { attended[out + 8u] = a2 * scale; }
    if (lane + 12u < v_quads) { attended[out + 12u] = a3 * scale; }
    if (lane + 16u < v_quads) { attended[out + 16u] = a4 * scale; }
    if (lane + 20u < v_quads) { attended[out + 20u] = a5 * scale; }
    if (lane + 24u < v_quads) { attended[out + 24u] = a6 * scale; }
    if (lane + 28u < v_quads) { attended[out + 28u] = a7 * scale; }
}
