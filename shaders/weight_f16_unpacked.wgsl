// The weights of a kernel, stored as f16, two a word, for any device.

@group(0) @binding(2) var<storage, read> weight: array<vec2<u32>>; // [rows, width / 4]

fn weight_quad(at: u32) -> vec4<f32> {
    let four = weight[at];
    return vec4<f32>(unpack2x16float(four.x), unpack2x16float(four.y));
}
