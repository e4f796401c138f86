// A workgroup takes 64 tokens through a slab, 64 entries at a time; each thread reduces its own columns of 4
// tokens, and at the end 16 threads a token are merged.

const SHARED: u32 = 1024u; // four quads a thread

fn put(thread: u32, state: Running) {
    let at = thread * 4u;
    slices[at] = vec4<f32>(state.largest, state.sum, state.target_logit, state.top.value4);
    slices[at + 1u] = state.top.values;
    slices[at + 2u] = state.top.ids;
    slices[at + 3u] = vec4<f32>(state.top.id4, 0.0, 0.0, 0.0);
}

// The records of this thread's 16 neighbours as one. Of equal logits the smaller id comes first.
fn merged(thread: u32) -> Running {
    var all = running_new();
    var top = top_new();
    for (var i = 0u; i < 16u; i++) {
        let at = (thread + i) * 4u;
        let head = slices[at];
        let largest = max(all.largest, head.x);
        all.sum = all.sum * exp(all.largest - largest) + head.y * exp(head.x - largest);
        all.largest = largest;
        all.target_logit = max(all.target_logit, head.z);
        let values = slices[at + 1u];
        let ids = slices[at + 2u];
        offer_any(&top, values.x, ids.x);
        offer_any(&top, values.y, ids.y);
        offer_any(&top, values.z, ids.z);
        offer_any(&top, values.w, ids.w);
        offer_any(&top, head.w, slices[at + 3u].x);
    }
    all.top = top;
    return all;
}

// Like top_offer, for ids in any order.
fn offer_any(top: ptr<function, Top>, value: f32, id: f32) {
    var offered = value;
    var name = id;
    for (var i = 0u; i < 4u; i++) {
        let better = offered > (*top).values[i] || (offered == (*top).values[i] && name < (*top).ids[i]);
        if (better) {
            let pushed = (*top).values[i];
            let pushed_id = (*top).ids[i];
            (*top).values[i] = offered;
            (*top).ids[i] = name;
            offered = pushed;
            name = pushed_id;
        }
    }
    if (offered > (*top).value4 || (offered == (*top).value4 && name < (*top).id4)) {
        (*top).value4 = offered;
        (*top).id4 = name;
    }
}

fn finish(thread: u32, slab: u32, row: u32, state: Running) {
    put(thread, state);
    workgroupBarrier();
    if (thread % 16u == 0u) {
        store_record(slab, row, merged(thread));
    }
    workgroupBarrier();
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.x * TILE;
    let row = first_row + thread / 16u * 4u;
    let slab = group.y;
    let last_row = params.rows - 1u;
    let target0 = targets[min(row, last_row)];
    let target1 = targets[min(row + 1u, last_row)];
    let target2 = targets[min(row + 2u, last_row)];
    let target3 = targets[min(row + 3u, last_row)];
    var state0 = running_new();
    var state1 = running_new();
    var state2 = running_new();
    var state3 = running_new();
    let end = min((slab + 1u) * SLAB, params.vocab);
    for (var first = slab * SLAB; first < end; first += TILE) {
        let logits = tile_product(thread, first_row, last_row, first, params.vocab - 1u, params.d_model / 4u);
        let none = vec4<f32>(NONE); // a thread has four entries
        let entry = first + thread % 16u * 4u;
        running_add(&state0, entry, target0, logits.r0, none);
        running_add(&state1, entry, target1, logits.r1, none);
        running_add(&state2, entry, target2, logits.r2, none);
        running_add(&state3, entry, target3, logits.r3, none);
    }
    finish(thread, slab, row, state0);
    finish(thread, slab, row + 1u, state1);
    finish(thread, slab, row + 2u, state2);
    finish(thread, slab, row + 3u, state3);
}
