// (x − mean) / √(variance + ε) · gain + bias: what all forms share.

struct Params {
    rows: u32,
    d_model: u32,
    epsilon: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, d_model / 4]
@group(0) @binding(2) var<storage, read> gain: array<vec4<f32>>; // [d_model / 4]
@group(0) @binding(3) var<storage, read> bias: array<vec4<f32>>; // [d_model / 4]
@group(0) @binding(4) var<storage, read_write> normed: array<vec4<f32>>; // [rows, d_model / 4]

fn total(v: vec4<f32>) -> f32 {
    return v.x + v.y + v.z + v.w;
}
