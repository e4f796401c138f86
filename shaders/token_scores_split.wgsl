// 16 threads share a token's slabs. Each takes successive ones, and neighbours are merged in pairs: so records meet in the
// order of the vocabulary, and of equal logits the smaller id stays in front.

const ROWS: u32 = 4u; // tokens a workgroup
const LANES: u32 = 16u; // threads a token

var<workgroup> lines: array<Record, 64>; // [LANES, ROWS]

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.x * ROWS + thread % ROWS;
    let lane = thread / ROWS;
    let share = (params.slabs + LANES - 1u) / LANES;
    let end = min((lane + 1u) * share, params.slabs);
    var state = running_new();
    for (var slab = lane * share; slab < end; slab++) {
        merge(&state, partials[slab * params.rows + min(row, params.rows - 1u)]);
    }
    lines[thread] = record_of(state);
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            merge(&state, lines[thread + step * ROWS]);
            lines[thread] = record_of(state);
        }
    }
    if (lane == 0u && row < params.rows) {
        records[row] = scores(state);
    }
}
