// Euclidean norm of each row

struct Params {
    rows: u32,
    width: u32,
    first: u32,
    total: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrix: array<f32>; // [rows, width]
@group(0) @binding(2) var<storage, read_write> norms: array<f32>; // [total], rows of them from first on

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if (row >= params.rows) {
        return;
    }
    var sum = 0.0;
    for (var i = 0u; i < params.width; i++) {
        let value = matrix[row * params.width + i];
        sum += value * value;
    }
    norms[params.first + row] = sqrt(sum);
}
