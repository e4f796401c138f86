// Logits = x Eᵀ, reduced on the spot to one record a token and slab of the vocabulary: running log-sum-exp, target
// logit and top five. What all forms share.

struct Params {
    rows: u32,
    d_model: u32,
    vocab: u32,
    first_id: u32,
    slabs: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, d_model / 4]
@group(0) @binding(3) var<storage, read> targets: array<f32>; // [rows]
@group(0) @binding(4) var<storage, read_write> partials: array<vec4<f32>>; // [slabs, rows, 16 / 4], from first_id / SLAB on

const SLAB: u32 = 512u;

// A record under construction.
struct Running {
    top: Top,
    largest: f32,
    sum: f32,
    target_logit: f32,
}

fn running_new() -> Running {
    return Running(top_new(), NONE, 0.0, NONE);
}

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

fn store_record(slab: u32, row: u32, state: Running) {
    if (row >= params.rows) {
        return;
    }
    let out = ((params.first_id / SLAB + slab) * params.rows + row) * 4u;
    partials[out] = vec4<f32>(state.largest, state.sum, state.target_logit, 0.0);
    partials[out + 1u] = state.top.values;
    partials[out + 2u] = vec4<f32>(state.top.value4, state.top.ids.xyz);
    partials[out + 3u] = vec4<f32>(state.top.ids.w, state.top.id4, 0.0, 0.0);
}
