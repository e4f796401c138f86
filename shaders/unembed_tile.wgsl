// A workgroup takes 64 tokens through a slab, 64 entries at a time. Logits lie in workgroup memory for a moment, where
// four threads a token go through them; at the end their four records are merged.

// Adds the logits of four entries from `entry` on; what lies past the vocabulary counts as none.
fn running_add(state: ptr<function, Running>, entry: u32, target_id: f32, logits: vec4<f32>) {
    let four = vec4<u32>(entry, entry + 1u, entry + 2u, entry + 3u);
    let l = select(logits, vec4<f32>(NONE), four >= vec4<u32>(params.vocab));
    let largest = max((*state).largest, max(max(l.x, l.y), max(l.z, l.w)));
    let e = exp(l - largest);
    (*state).sum = (*state).sum * exp((*state).largest - largest) + (e.x + e.y + e.z + e.w);
    (*state).largest = largest;
    let ids = f32(params.first_id + entry) + vec4<f32>(0.0, 1.0, 2.0, 3.0);
    let found = select(vec4<f32>(NONE), l, ids == vec4<f32>(target_id));
    (*state).target_logit = max((*state).target_logit, max(max(found.x, found.y), max(found.z, found.w)));
    var top = (*state).top;
    top_offer(&top, l.x, ids.x);
    top_offer(&top, l.y, ids.y);
    top_offer(&top, l.z, ids.z);
    top_offer(&top, l.w, ids.w);
    (*state).top = top;
}

fn put(thread: u32, state: Running) {
    let at = thread % 4u * 4u;
    slices[thread / 4u][at] = vec4<f32>(state.largest, state.sum, state.target_logit, state.top.value4);
    slices[thread / 4u][at + 1u] = state.top.values;
    slices[thread / 4u][at + 2u] = state.top.ids;
    slices[thread / 4u][at + 3u] = vec4<f32>(state.top.id4, 0.0, 0.0, 0.0);
}

// A token's four records as one. Of equal logits the smaller id comes first.
fn merged(row: u32) -> Running {
    var all = running_new();
    var top = top_new();
    for (var at = 0u; at < 16u; at += 4u) {
        let head = slices[row][at];
        let largest = max(all.largest, head.x);
        all.sum = all.sum * exp(all.largest - largest) + head.y * exp(head.x - largest);
        all.largest = largest;
        all.target_logit = max(all.target_logit, head.z);
        let values = slices[row][at + 1u];
        let ids = slices[row][at + 2u];
        offer_any(&top, values.x, ids.x);
        offer_any(&top, values.y, ids.y);
        offer_any(&top, values.z, ids.z);
        offer_any(&top, values.w, ids.w);
        offer_any(&top, head.w, slices[row][at + 3u].x);
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

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.x * TILE;
    let slab = group.y;
    let last_row = params.rows - 1u;
    let target_id = targets[min(first_row + thread / 4u, last_row)];
    let into = thread / 16u * 4u;
    var state = running_new();
    let end = min((slab + 1u) * SLAB, params.vocab);
    for (var first = slab * SLAB; first < end; first += TILE) {
        let logits = tile_product(thread, first_row, last_row, first, params.vocab - 1u, params.d_model / 4u);
        slices[into][thread % 16u] = logits.r0;
        slices[into + 1u][thread % 16u] = logits.r1;
        slices[into + 2u][thread % 16u] = logits.r2;
        slices[into + 3u][thread % 16u] = logits.r3;
        workgroupBarrier();
        for (var i = thread % 4u; i < 16u; i += 4u) {
            running_add(&state, first + i * 4u, target_id, slices[thread / 4u][i]);
        }
        workgroupBarrier();
    }
    put(thread, state);
    workgroupBarrier();
    if (thread % 4u == 0u) {
        store_record(slab, first_row + thread / 4u, merged(thread / 4u));
    }
}
