// Linear modes, step 1: Σ k⊗v, Σ v and Σ k of each chunk of 64 tokens. A thread sums one quad of the state.

struct Params {
    tokens: u32,
    heads: u32,
    feature: u32,
    pad: u32,
    key: HeadView,
    value: HeadView,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>; // [tokens, heads, width / 4] through params.key
@group(0) @binding(2) var<storage, read> values: array<vec4<f32>>; // [tokens, heads, value width / 4] through params.value
@group(0) @binding(3) var<storage, read_write> states: array<vec4<f32>>; // [chunks, heads, state words / 4]

const CHUNK: u32 = 64u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let quad = id.x;
    let head = id.y;
    let chunk = id.z;
    let width = params.key.width;
    let v_quads = params.value.width / 4u;
    let outer = (width + 1u) * v_quads; // quads of Σ k⊗v and Σ v
    let quads = outer + width / 4u;
    if (quad >= quads) {
        return;
    }
    let first = chunk * CHUNK;
    let end = min(first + CHUNK, params.tokens);
    var sum = vec4<f32>(0.0);
    if (quad >= outer) {
        for (var t = first; t < end; t++) {
            sum += feature_map(params.feature, keys[view_start(params.key, t, head) + quad - outer]);
        }
    } else {
        let a = quad / v_quads;
        for (var t = first; t < end; t++) {
            let v = values[view_start(params.value, t, head) + quad % v_quads];
            if (a < width) {
                let k = feature_map(params.feature, keys[view_start(params.key, t, head) + a / 4u]);
                sum += k[a % 4u] * v;
            } else {
                sum += v;
            }
        }
    }
    states[(chunk * params.heads + head) * quads + quad] = sum;
}
