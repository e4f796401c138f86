// 16 queries of one head a workgroup, 16 keys at a time.

var<workgroup> scores: array<vec4<f32>, 64>; // [query, lane], 4 keys each
var<workgroup> weights: array<vec4<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.y;
    let lane = thread % LANES;
    let mine = thread / LANES * LANES; // this query's four entries in the tiles
    let last = params.tokens - 1u;
    // Rows past the end repeat the last one and are not stored.
    let row = min(group.x * ROWS + thread / LANES, last);
    let q_start = view_start(params.query, row, head);
    let v_quads = params.value.width / 4u;

    var out = no_sums();
    var top = NONE;
    var sum = 0.0;
    let end = min(group.x * ROWS + ROWS - 1u, last);
    for (var first = 0u; first <= end; first += KEYS) {
        let j = first + lane * 4u;
        let position = vec4<u32>(j, j + 1u, j + 2u, j + 3u);
        let g = select(four_scores(q_start, j, last, head) * params.scale, vec4<f32>(NONE), position > vec4<u32>(row));
        scores[thread] = g;
        workgroupBarrier();
        let tile = max(max(scores[mine], scores[mine + 1u]), max(scores[mine + 2u], scores[mine + 3u]));
        let new_top = max(top, largest(tile));
        weights[thread] = exp(g - new_top);
        workgroupBarrier();
        let shrink = exp(top - new_top);
        top = new_top;
        sum *= shrink;
        shrink_sums(&out, shrink);
        for (var part = 0u; part < LANES; part++) {
            let w = weights[mine + part];
            sum += total(w);
            add_values(&out, w, first + part * 4u, last, head, lane);
        }
    }
    if (group.x * ROWS + thread / LANES > last) {
        return;
    }
    let at = (row * params.heads + head) * v_quads + lane;
    let scale = 1.0 / sum;
    if (lane < v_quads) { attended[at] = out.a0 * scale; }
    if (lane + 4u < v_quads) { attended[at + 4u] = out.a1 * scale; }
    if (lane + 8u < v_quads) { attended[at + 8u] = out.a2 * scale; }
    if (lane + 12u < v_quads) { attended[at + 12u] = out.a3 * scale; }
    if (lane + 16u < v_quads) { attended[at + 16u] = out.a4 * scale; }
    if (lane + 20u < v_quads) { attended[at + 20u] = out.a5 * scale; }
    if (lane + 24u < v_quads) { attended[at + 24u] = out.a6 * scale; }
    if (lane + 28u < v_quads) { attended[at + 28u] = out.a7 * scale; }
}
