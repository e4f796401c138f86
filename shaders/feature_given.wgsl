// φ as the parameters say.

fn key_feature(z: vec4<f32>) -> vec4<f32> {
    return feature_map(params.feature, z);
}
