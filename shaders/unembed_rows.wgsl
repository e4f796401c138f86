// A thread takes 8 tokens through a whole slab, 8 entries at a time, without barriers.

const SPAN: u32 = 8u; // tokens a thread, threads a workgroup, and entries at a time

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
