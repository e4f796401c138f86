// x₀ = α (E[token] + P[position]), of the tokens whose ids are among rows first_id … first_id + vocab − 1.

struct Params {
    tokens: u32,
    d_model: u32,
    scale: f32,
    vocab: u32,
    first_id: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<f32>; // [tokens]
@group(0) @binding(3) var<storage, read> position_embedding: array<vec4<f32>>; // [context, d_model / 4]
@group(0) @binding(4) var<storage, read_write> x: array<vec4<f32>>; // [tokens, d_model / 4]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = params.d_model / 4u;
    let token = id.x / quads;
    if (token >= params.tokens) {
        return;
    }
    let quad = id.x % quads;
    // Ids before the first wrap around and are far past the last.
    let name = u32(ids[token]) - params.first_id;
    if (name >= params.vocab) {
        return;
    }
    let e = weight_quad(name * quads + quad);
    let p = position_embedding[id.x];
    x[id.x] = params.scale * (e + p);
}
