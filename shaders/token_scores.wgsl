// Merges the slabs' records into one a token: loss, log-sum-exp, target logit, top five. What all forms share.

struct Params {
    rows: u32,
    slabs: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<Record>; // [slabs, rows]
@group(0) @binding(2) var<storage, read_write> records: array<Record>; // [rows]

// Adds a record of later slabs: of equal logits those that came before stay in front.
fn merge(state: ptr<function, Running>, record: Record) {
    let largest = max((*state).largest, record.head.x);
    (*state).sum = (*state).sum * exp((*state).largest - largest) + record.head.y * exp(record.head.x - largest);
    (*state).largest = largest;
    (*state).target_logit = max((*state).target_logit, record.head.z);
    var top = (*state).top;
    top_offer(&top, record.values.x, record.middle.y);
    top_offer(&top, record.values.y, record.middle.z);
    top_offer(&top, record.values.z, record.middle.w);
    top_offer(&top, record.values.w, record.tail.x);
    top_offer(&top, record.middle.x, record.tail.y);
    (*state).top = top;
}

fn scores(state: Running) -> Record {
    let log_sum = state.largest + log(state.sum);
    var record = record_of(state);
    record.head = vec4<f32>(log_sum - state.target_logit, log_sum, state.target_logit, 0.0);
    return record;
}
