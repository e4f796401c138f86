// A thread takes 8 tokens through a whole slab, 8 entries at a time, without barriers.

const SPAN: u32 = 8u; // tokens a thread, threads a workgroup, and entries at a time

// Adds the logits of eight entries from `entry` on; what lies past the vocabulary counts as none.
fn running_add(state: ptr<function, Running>, entry: u32, target_id: f32, first: vec4<f32>, second: vec4<f32>) {
    let four = vec4<u32>(entry, entry + 1u, entry + 2u, entry + 3u);
    let low = select(first, vec4<f32>(NONE), four >= vec4<u32>(params.vocab));
    let high = select(second, vec4<f32>(NONE), four + 4u >= vec4<u32>(params.vocab));
    let both = max(low, high);
    let peak = max(max(both.x, both.y), max(both.z, both.w));
    let largest = max((*state).largest, peak);
    let e = exp(low - largest) + exp(high - largest);
    (*state).sum = (*state).sum * exp((*state).largest - largest) + (e.x + e.y + e.z + e.w);
    (*state).largest = largest;
    let id = f32(params.first_id + entry);
    let difference = target_id - id;
    if (difference >= 0.0 && difference < 8.0) {
        let place = u32(difference);
        (*state).target_logit = select(low[place % 4u], high[place % 4u], place > 3u);
    }
    // A loop that mostly runs no turn: software adapters step over it, and would go through a condition's body.
    var top = (*state).top;
    for (var i = select(8u, 0u, peak > top.value4); i < 8u; i++) {
        top_offer(&top, select(low[i % 4u], high[i % 4u], i > 3u), id + f32(i));
    }
    (*state).top = top;
}

@compute @workgroup_size(SPAN)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x * SPAN;
    let slab = id.y;
    let last_row = params.rows - 1u;
    if (row > last_row) {
        return;
    }
    var state0 = running_new();
    var state1 = running_new();
    var state2 = running_new();
    var state3 = running_new();
    var state4 = running_new();
    var state5 = running_new();
    var state6 = running_new();
    var state7 = running_new();
    let end = min((slab + 1u) * SLAB, params.vocab);
    for (var entry = slab * SLAB; entry < end; entry += SPAN) {
        let logits = block_product(row, last_row, entry, params.vocab - 1u, params.d_model / 4u);
        running_add(&state0, entry, targets[min(row, last_row)], logits.r0.low, logits.r0.high);
        running_add(&state1, entry, targets[min(row + 1u, last_row)], logits.r1.low, logits.r1.high);
        running_add(&state2, entry, targets[min(row + 2u, last_row)], logits.r2.low, logits.r2.high);
        running_add(&state3, entry, targets[min(row + 3u, last_row)], logits.r3.low, logits.r3.high);
        running_add(&state4, entry, targets[min(row + 4u, last_row)], logits.r4.low, logits.r4.high);
        running_add(&state5, entry, targets[min(row + 5u, last_row)], logits.r5.low, logits.r5.high);
        running_add(&state6, entry, targets[min(row + 6u, last_row)], logits.r6.low, logits.r6.high);
        running_add(&state7, entry, targets[min(row + 7u, last_row)], logits.r7.low, logits.r7.high);
    }
    store_record(slab, row, state0);
    store_record(slab, row + 1u, state1);
    store_record(slab, row + 2u, state2);
    store_record(slab, row + 3u, state3);
    store_record(slab, row + 4u, state4);
    store_record(slab, row + 5u, state5);
    store_record(slab, row + 6u, state6);
    store_record(slab, row + 7u, state7);
}
