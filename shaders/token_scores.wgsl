// Merges the slabs' records into one a token: loss, log-sum-exp, target logit, top five

struct Params {
    rows: u32,
    slabs: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>; // [slabs, rows, 16 / 4]
@group(0) @binding(2) var<storage, read_write> records: array<vec4<f32>>; // [rows, 16 / 4]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    var top = top_new();
    var largest = NONE;
    var sum = 0.0;
    var target_logit = NONE;
    for (var slab = 0u; slab < params.slabs; slab++) {
        let at = (slab * params.rows + row) * 4u;
        let head = partials[at];
        let values = partials[at + 1u];
        let middle = partials[at + 2u];
        let tail = partials[at + 3u];
        let new_largest = max(largest, head.x);
        sum = sum * exp(largest - new_largest) + head.y * exp(head.x - new_largest);
        largest = new_largest;
        target_logit = max(target_logit, head.z);
        top_offer(&top, values.x, middle.y);
        top_offer(&top, values.y, middle.z);
        top_offer(&top, values.z, middle.w);
        top_offer(&top, values.w, tail.x);
        top_offer(&top, middle.x, tail.y);
    }
    let log_sum = largest + log(sum);
    let out = row * 4u;
    records[out] = vec4<f32>(log_sum - target_logit, log_sum, target_logit, 0.0);
    records[out + 1u] = top.values;
    records[out + 2u] = vec4<f32>(top.value4, top.ids.xyz);
    records[out + 3u] = vec4<f32>(top.ids.w, top.id4, 0.0, 0.0);
}
