// A thread a token, without barriers.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    var state = running_new();
    for (var slab = 0u; slab < params.slabs; slab++) {
        merge(&state, partials[slab * params.rows + row]);
    }
    records[row] = scores(state);
}
