// One workgroup a row.

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
    let quads = params.d_model / 4u;
    let start = group.x * quads;
    var sum = 0.0;
    for (var i = thread; i < quads; i += THREADS) {
        sum += total(x[start + i]);
    }
    let mean = workgroup_sum(thread, sum) / f32(params.d_model);
    var squares = 0.0;
    for (var i = thread; i < quads; i += THREADS) {
        let centred = x[start + i] - mean;
        squares += dot(centred, centred);
    }
    let inverse = inverseSqrt(workgroup_sum(thread, squares) / f32(params.d_model) + params.epsilon);
    for (var i = thread; i < quads; i += THREADS) {
        normed[start + i] = (x[start + i] - mean) * inverse * gain[i] + bias[i];
    }
}
