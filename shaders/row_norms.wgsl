// Euclidean norm of each row of up to six matrices. A row has 16 threads.

struct Params {
    rows: u32,
    width: u32,
    inputs: u32,
    first: u32,
    total: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(7) var<storage, read_write> norms: array<f32>; // [total], inputs·rows of them from first on

const THREADS: u32 = 16u;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(16, 16)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
) {
    let row = group.x * 16u + local.y;
    var sum = 0.0;
    if (row < params.rows) {
        for (var i = local.x; i < params.width; i += THREADS) {
            let value = word(group.y, row * params.width + i);
            sum += value * value;
        }
    }
    sums[thread] = sum;
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (local.x < half) {
            sums[thread] += sums[thread + half];
        }
    }
    if (local.x == 0u && row < params.rows) {
        norms[params.first + group.y * params.rows + row] = sqrt(sums[thread]);
    }
}
