// Logits = x Eᵀ, reduced on the spot: running log-sum-exp, target logit and top five of one slab of the
// vocabulary for 32 tokens. Logits live in workgroup memory only, 32×32 at a time.

struct Params {
    rows: u32,
    d_model: u32,
    vocab: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, d_model / 4]
@group(0) @binding(2) var<storage, read> embedding: array<vec4<f32>>; // [vocab, d_model / 4]
@group(0) @binding(3) var<storage, read> targets: array<f32>; // [rows]
@group(0) @binding(4) var<storage, read_write> partials: array<vec4<f32>>; // [slabs, rows, 16 / 4]

const SLAB: u32 = 512u;
const TILE: u32 = 32u; // tokens and vocabulary entries of a tile
const SIDE: u32 = 8u; // threads along each side of it

var<workgroup> logits: array<vec4<f32>, 256>; // [TILE, TILE / 4]

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let quads = params.d_model / 4u;
    let last_row = params.rows - 1u;
    let last_id = params.vocab - 1u;
    let row = group.y * TILE + local.y * 4u;
    let x0 = min(row, last_row) * quads;
    let x1 = min(row + 1u, last_row) * quads;
    let x2 = min(row + 2u, last_row) * quads;
    let x3 = min(row + 3u, last_row) * quads;

    // Threads 0…31 reduce one row each.
    let reducer = local.y * SIDE + local.x;
    let reduced_row = group.y * TILE + reducer;
    let target_id = targets[min(reduced_row, last_row)];
    var top = top_new();
    var largest = NONE;
    var sum = 0.0;
    var target_logit = NONE;

    let slab_end = min((group.x + 1u) * SLAB, params.vocab);
    for (var first = group.x * SLAB; first < slab_end; first += TILE) {
        let id = first + local.x * 4u;
        let e0 = min(id, last_id) * quads;
        let e1 = min(id + 1u, last_id) * quads;
        let e2 = min(id + 2u, last_id) * quads;
        let e3 = min(id + 3u, last_id) * quads;
        var sum0 = vec4<f32>(0.0);
        var sum1 = vec4<f32>(0.0);
        var sum2 = vec4<f32>(0.0);
        var sum3 = vec4<f32>(0.0);
        for (var i = 0u; i < quads; i++) {
            let a = embedding[e0 + i];
            let b = embedding[e1 + i];
            let c = embedding[e2 + i];
            let d = embedding[e3 + i];
            let r0 = x[x0 + i];
            let r1 = x[x1 + i];
            let r2 = x[x2 + i];
            let r3 = x[x3 + i];
            sum0 += vec4<f32>(dot(r0, a), dot(r0, b), dot(r0, c), dot(r0, d));
            sum1 += vec4<f32>(dot(r1, a), dot(r1, b), dot(r1, c), dot(r1, d));
            sum2 += vec4<f32>(dot(r2, a), dot(r2, b), dot(r2, c), dot(r2, d));
            sum3 += vec4<f32>(dot(r3, a), dot(r3, b), dot(r3, c), dot(r3, d));
        }
        let outside = vec4<u32>(id, id + 1u, id + 2u, id + 3u) > vec4<u32>(last_id);
        let at = local.y * 4u * SIDE + local.x;
        logits[at] = select(sum0, vec4<f32>(NONE), outside);
        logits[at + SIDE] = select(sum1, vec4<f32>(NONE), outside);
        logits[at + 2u * SIDE] = select(sum2, vec4<f32>(NONE), outside);
        logits[at + 3u * SIDE] = select(sum3, vec4<f32>(NONE), outside);
        workgroupBarrier();
        if (reducer < TILE) {
            var peak = vec4<f32>(NONE);
            for (var i = 0u; i < SIDE; i++) {
                peak = max(peak, logits[reducer * SIDE + i]);
            }
            let new_largest = max(largest, max(max(peak.x, peak.y), max(peak.z, peak.w)));
            sum *= exp(largest - new_largest);
            largest = new_largest;
            for (var i = 0u; i < SIDE; i++) {
                let four = logits[reducer * SIDE + i];
                let e = exp(four - largest);
                sum += e.x + e.y + e.z + e.w;
                let name = f32(first + i * 4u);
                top_offer(&top, four.x, name);
                top_offer(&top, four.y, name + 1.0);
                top_offer(&top, four.z, name + 2.0);
                top_offer(&top, four.w, name + 3.0);
                let difference = target_id - name;
                if (difference >= 0.0 && difference < 4.0) {
                    target_logit = four[u32(difference)];
                }
            }
        }
        workgroupBarrier();
    }
    if (reducer >= TILE || reduced_row > last_row) {
        return;
    }
    let out = (group.x * params.rows + reduced_row) * 4u;
    partials[out] = vec4<f32>(largest, sum, target_logit, 0.0);
    partials[out + 1u] = top.values;
    partials[out + 2u] = vec4<f32>(top.value4, top.ids.xyz);
    partials[out + 3u] = vec4<f32>(top.ids.w, top.id4, 0.0, 0.0);
}
