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
@group(0) @binding(4) var<storage, read_write> partials: array<Record>; // [slabs, rows], from first_id / SLAB on

const SLAB: u32 = 128u;

fn store_record(slab: u32, row: u32, state: Running) {
    if (row >= params.rows) {
        return;
    }
    partials[(params.first_id / SLAB + slab) * params.rows + row] = record_of(state);
}
