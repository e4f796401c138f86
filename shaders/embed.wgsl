// x₀ = α (E[token] + P[position])

struct Params {
    tokens: u32,
    d_model: u32,
    scale: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<f32>; // [tokens]
@group(0) @binding(2) var<storage, read> token_embedding: array<f32>; // [vocab, d_model]
@group(0) @binding(3) var<storage, read> position_embedding: array<f32>; // [context, d_model]
@group(0) @binding(4) var<storage, read_write> x: array<f32>; // [tokens, d_model]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x;
    let token = id.y;
    if (column >= params.d_model) {
        return;
    }
    let e = token_embedding[u32(ids[token]) * params.d_model + column];
    let p = position_embedding[token * params.d_model + column];
    x[token * params.d_model + column] = params.scale * (e + p);
}
