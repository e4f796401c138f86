// The weights of a kernel, stored as f16, for devices that have such numbers. An `enable` comes before everything else.
enable f16;

@group(0) @binding(2) var<storage, read> weight: array<vec4<f16>>; // [rows, width / 4]

fn weight_quad(at: u32) -> vec4<f32> {
    return vec4<f32>(weight[at]);
}
