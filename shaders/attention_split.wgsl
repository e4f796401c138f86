// 16 queries of one head a workgroup. Four strands of 64 threads each go through every fourth 16 keys under a maximum
// and sum of their own, and are merged in the end: for GPUs, where a text's few workgroups take as long as the
// longest. In a strand, thread (query, lane) scores 4 of 16 keys, then owns every fourth quad of the query's output.

const ROWS: u32 = 16u;
const LANES: u32 = 4u;
const KEYS: u32 = 16u;
const STRANDS: u32 = 4u;
const STRAND: u32 = 64u; // threads of one
const NOWHERE: u32 = 0xffffffffu;

// [strand, query, lane]: 4 scores each, then a quad of the output.
var<workgroup> scores: array<vec4<f32>, 256>;
var<workgroup> weights: array<vec4<f32>, 256>;

fn largest(v: vec4<f32>) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}

fn total(v: vec4<f32>) -> f32 {
    return v.x + v.y + v.z + v.w;
}

// The same entry of all strands.
fn across(thread: u32) -> mat4x4<f32> {
    let at = thread % STRAND;
    return mat4x4<f32>(scores[at], scores[at + 64u], scores[at + 128u], scores[at + 192u]);
}

// A quad of the output a thread, from quad `first` of the head on, merged by the first strand.
fn merge(thread: u32, first: u32, out: u32, sum: vec4<f32>) {
    if (first >= params.value.width / 4u) {
        return;
    }
    scores[thread] = sum;
    workgroupBarrier();
    let quad = first + thread % LANES;
    if (thread < STRAND && quad < params.value.width / 4u && out != NOWHERE) {
        let parts = across(thread);
        attended[out + quad] = parts[0] + parts[1] + parts[2] + parts[3];
    }
    workgroupBarrier();
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.y;
    let lane = thread % LANES;
    let strand = thread / STRAND;
    let query = thread % STRAND / LANES;
    let mine = thread / LANES * LANES; // this strand's and query's four entries in the tiles
    let last = params.tokens - 1u;
    // Rows past the end repeat the last one and are not stored.
    let row = min(group.x * ROWS + query, last);
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
    for (var block = 0u; block <= end; block += KEYS * STRANDS) {
        let first = block + strand * KEYS;
        let j = first + lane * 4u;
        let k0 = view_start(params.key, min(j, last), head);
        let k1 = view_start(params.key, min(j + 1u, last), head);
        let k2 = view_start(params.key, min(j + 2u, last), head);
        let k3 = view_start(params.key, min(j + 3u, last), head);
        var g = vec4<f32>(0.0);
        if (first <= end) {
            for (var i = 0u; i < q_quads; i++) {
                let q = queries[q_start + i];
                g += vec4<f32>(dot(q, keys[k0 + i]), dot(q, keys[k1 + i]), dot(q, keys[k2 + i]), dot(q, keys[k3 + i]));
            }
        }
        let hidden = vec4<u32>(j, j + 1u, j + 2u, j + 3u) > vec4<u32>(row);
        g = select(g * params.scale, vec4<f32>(NONE), hidden);
        scores[thread] = g;
        workgroupBarrier();
        let tile = max(max(scores[mine], scores[mine + 1u]), max(scores[mine + 2u], scores[mine + 3u]));
        let new_top = max(top, largest(tile));
        // A strand may not have seen a key yet.
        weights[thread] = select(exp(g - new_top), vec4<f32>(0.0), hidden);
        workgroupBarrier();
        if (first <= end) {
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
    }
    workgroupBarrier();
    scores[thread] = vec4<f32>(top, sum, 0.0, 0.0);
    workgroupBarrier();
    let strands = transpose(across(thread));
    let merged_top = largest(strands[0]);
    let merged_sum = dot(strands[1], exp(strands[0] - merged_top));
    let factor = exp(top - merged_top) / merged_sum;
    workgroupBarrier();
    let stored = group.x * ROWS + query <= last;
    let out = select(NOWHERE, (row * params.heads + head) * v_quads, stored);
    merge(thread, 0u, out, a0 * factor);
    merge(thread, 4u, out, a1 * factor);
    merge(thread, 8u, out, a2 * factor);
    merge(thread, 12u, out, a3 * factor);
    merge(thread, 16u, out, a4 * factor);
    merge(thread, 20u, out, a5 * factor);
    merge(thread, 24u, out, a6 * factor);
    merge(thread, 28u, out, a7 * factor);
}
