// The weights of a kernel, stored as f32.

@group(0) @binding(2) var<storage, read> weight: array<vec4<f32>>; // [rows, width / 4]

fn weight_quad(at: u32) -> vec4<f32> {
    return weight[at];
}
