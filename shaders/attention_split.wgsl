// 8 queries of one head a workgroup. Eight strands of 32 threads go in turn through 16 keys each under a maximum and sum of
// their own, and are merged in the end: for GPUs, where a text's few workgroups take as long as the longest. Within a
// strand lane l of a query scores 4 keys, from 4l on, then owns every fourth quad of the query's output, from quad l on.

const ROWS: u32 = 8u;
const LANES: u32 = 4u;
const KEYS: u32 = 16u;
const STRANDS: u32 = 8u;
const STRAND: u32 = 32u; // threads of one
const NOWHERE: u32 = 0xffffffffu;

// [strand, query, lane]: 4 scores each, then a quad of the output.
var<workgroup> scores: array<vec4<f32>, 256>;
var<workgroup> weights: array<vec4<f32>, 256>;

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

// Products of query `query` of the tile with keys j … j + 3.
fn four_scores(query: u32, j: u32, last: u32, head: u32) -> vec4<f32> {
    let k0 = view_start(params.key, min(j, last), head);
    let k1 = view_start(params.key, min(j + 1u, last), head);
    let k2 = view_start(params.key, min(j + 2u, last), head);
    let k3 = view_start(params.key, min(j + 3u, last), head);
    var g = vec4<f32>(0.0);
    for (var i = 0u; i < params.query.width / 4u; i++) {
        let q = query_tile[i][query];
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

// A quad of the output a thread, from quad `first` of the head on, merged by the first strand.
fn merge(thread: u32, first: u32, out: u32, sum: vec4<f32>) {
    if (first >= params.value.width / 4u) {
        return;
    }
    scores[thread] = sum;
    workgroupBarrier();
    let quad = first + thread % LANES;
    if (thread < STRAND && quad < params.value.width / 4u && out != NOWHERE) {
        var all = scores[thread];
        for (var other = 1u; other < STRANDS; other++) {
            all += scores[thread + other * STRAND];
        }
        attended[out + quad] = all;
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
    fill_queries(thread, group.x * ROWS, head);

    var sums = no_sums();
    var top = NONE;
    var sum = 0.0;
    let end = min(group.x * ROWS + ROWS - 1u, last);
    for (var block = 0u; block <= end; block += KEYS * STRANDS) {
        let first = block + strand * KEYS;
        let j = first + lane * 4u;
        var g = vec4<f32>(0.0);
        if (first <= end) {
            g = four_scores(query, j, last, head);
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
            shrink_sums(&sums, shrink);
            for (var part = 0u; part < LANES; part++) {
                let w = weights[mine + part];
                sum += total(w);
                add_values(&sums, w, first + part * 4u, last, head, lane);
            }
        }
    }
    workgroupBarrier();
    scores[thread] = vec4<f32>(top, sum, 0.0, 0.0);
    workgroupBarrier();
    var merged_top = NONE;
    for (var other = 0u; other < STRANDS; other++) {
        merged_top = max(merged_top, scores[other * STRAND + thread % STRAND].x);
    }
    var merged_sum = 0.0;
    for (var other = 0u; other < STRANDS; other++) {
        let strand_sum = scores[other * STRAND + thread % STRAND];
        merged_sum += strand_sum.y * exp(strand_sum.x - merged_top);
    }
    let factor = exp(top - merged_top) / merged_sum;
    workgroupBarrier();
    let stored = group.x * ROWS + query <= last;
    let out = select(NOWHERE, (row * params.heads + head) * (params.value.width / 4u), stored);
    merge(thread, 0u, out, sums.a0 * factor);
    merge(thread, 4u, out, sums.a1 * factor);
    merge(thread, 8u, out, sums.a2 * factor);
    merge(thread, 12u, out, sums.a3 * factor);
    merge(thread, 16u, out, sums.a4 * factor);
    merge(thread, 20u, out, sums.a5 * factor);
    merge(thread, 24u, out, sums.a6 * factor);
    merge(thread, 28u, out, sums.a7 * factor);
}
