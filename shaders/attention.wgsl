// Causal softmax attention with a running maximum: what all forms share.

struct Params {
    tokens: u32,
    heads: u32,
    scale: f32,
    kernels: u32,
    query: HeadView,
    key: HeadView,
    value: HeadView,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> queries: array<vec4<f32>>; // [tokens, heads, width / 4] through params.query
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>; // the same through params.key
@group(0) @binding(3) var<storage, read> values: array<vec4<f32>>; // [tokens, heads, value width / 4] through params.value
@group(0) @binding(4) var<storage, read> matrices: array<vec4<f32>>; // [kernels, width, width / 4]
@group(0) @binding(5) var<storage, read_write> attended: array<vec4<f32>>; // [tokens, heads, value width / 4]
