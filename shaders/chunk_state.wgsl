// Linear modes, step 1: Σ k⊗v, Σ v and Σ k of each chunk of 64 tokens. What all forms share.

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

// Four rows of Σ k⊗v, for one quad of k and one of v.
struct Outer {
    r0: vec4<f32>,
    r1: vec4<f32>,
    r2: vec4<f32>,
    r3: vec4<f32>,
}

fn add(sum: ptr<function, Outer>, k: vec4<f32>, v: vec4<f32>) {
    (*sum).r0 += k.x * v;
    (*sum).r1 += k.y * v;
    (*sum).r2 += k.z * v;
    (*sum).r3 += k.w * v;
}
