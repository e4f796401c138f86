// One thread a row, without barriers.

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.rows) {
        return;
    }
    let quads = params.d_model / 4u;
    let start = id.x * quads;
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < quads; i++) {
        sum += x[start + i];
    }
    let mean = total(sum) / f32(params.d_model);
    var squares = vec4<f32>(0.0);
    for (var i = 0u; i < quads; i++) {
        let centred = x[start + i] - mean;
        squares += centred * centred;
    }
    let inverse = inverseSqrt(total(squares) / f32(params.d_model) + params.epsilon);
    for (var i = 0u; i < quads; i++) {
        normed[start + i] = (x[start + i] - mean) * inverse * gain[i] + bias[i];
    }
}
