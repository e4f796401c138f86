// Linear modes, step 3: state before the chunk, plus the visible tokens inside it. What all forms share.

struct Params {
    tokens: u32,
    heads: u32,
    feature: u32,
    scale: f32,
    epsilon: f32,
    kernels: u32,
    pad0: u32,
    pad1: u32,
    query: HeadView,
    key: HeadView,
    value: HeadView,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>; // [tokens, heads, width / 4] through params.query
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>; // the same through params.key
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>; // [tokens, heads, value width / 4] through params.value
@group(0) @binding(4) var<storage, read> prefixes: array<vec4<f32>>; // [chunks, heads, state words / 4]
@group(0) @binding(5) var<storage, read> matrices: array<vec4<f32>>; // [kernels, width, width / 4]
@group(0) @binding(6) var<storage, read_write> attended: array<vec4<f32>>; // [tokens, heads, value width / 4]

const CHUNK: u32 = 64u;
