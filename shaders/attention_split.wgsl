// 16 queries of one head a workgroup. Four strands of 64 threads each go through every fourth 16 keys under a maximum
// and sum of their own, and are merged in the end: for GPUs, where a text's few workgroups take as long as the
// longest.

const STRANDS: u32 = 4u;
const STRAND: u32 = 64u; // threads of one
const NOWHERE: u32 = 0xffffffffu;

// [strand, query, lane]: 4 scores each, then a quad of the output.
var<workgroup> scores: array<vec4<f32>, 256>;
var<workgroup> weights: array<vec4<f32>, 256>;

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

    var sums = no_sums();
    var top = NONE;
    var sum = 0.0;
    let end = min(group.x * ROWS + ROWS - 1u, last);
    for (var block = 0u; block <= end; block += KEYS * STRANDS) {
        let first = block + strand * KEYS;
        let j = first + lane * 4u;
        var g = vec4<f32>(0.0);
        if (first <= end) {
            g = four_scores(q_start, j, last, head);
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
    let strands = transpose(across(thread));
    let merged_top = largest(strands[0]);
    let merged_sum = dot(strands[1], exp(strands[0] - merged_top));
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
