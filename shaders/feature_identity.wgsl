// No φ: software adapters would compute every branch of the other for nothing.

fn key_feature(z: vec4<f32>) -> vec4<f32> {
    return z;
}
