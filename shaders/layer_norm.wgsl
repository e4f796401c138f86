// (x − mean) / √(variance + ε) · gain + bias, one workgroup a row

struct Params {
    rows: u32,
    d_model: u32,
    epsilon: f32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [rows, d_model]
@group(0) @binding(2) var<storage, read> gain: array<f32>; // [d_model]
@group(0) @binding(3) var<storage, read> bias: array<f32>; // [d_model]
@group(0) @binding(4) var<storage, read_write> normed: array<f32>; // [rows, d_model]

const THREADS: u32 = 64u;
var<workgroup> partial: array<f32, THREADS>;

// Sum over the workgroup, known to every thread.
fn workgroup_sum(thread: u32, value: f32) -> f32 {
    partial[thread] = value;
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (thread < half) {
            partial[thread] += partial[thread + half];
        }
    }
    workgroupBarrier();
    let sum = partial[0];
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let start = group.x * params.d_model;
    var sum = 0.0;
    for (var i = thread; i < params.d_model; i += THREADS) {
        sum += x[start + i];
    }
    let mean = workgroup_sum(thread, sum) / f32(params.d_model);
    var squares = 0.0;
    for (var i = thread; i < params.d_model; i += THREADS) {
        let centred = x[start + i] - mean;
        squares += centred * centred;
    }
    let inverse = inverseSqrt(workgroup_sum(thread, squares) / f32(params.d_model) + params.epsilon);
    for (var i = thread; i < params.d_model; i += THREADS) {
        normed[start + i] = (x[start + i] - mean) * inverse * gain[i] + bias[i];
    }
}
