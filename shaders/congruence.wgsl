// B_ij = p_i·w_j / √(λ_i λ_j), 0 where λ is at rounding level. A thread computes one element.

struct Params {
    batch: u32,
    n: u32,
    share: u32,
    group: u32,
    floor: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> products: array<vec4<f32>>; // [batch, n, n / 4]: w_i J
@group(0) @binding(2) var<storage, read> rows: array<vec4<f32>>; // [gram matrices, n, n / 4]: w_j = λ_j v_jᵀ
@group(0) @binding(3) var<storage, read> norms: array<f32>; // [gram matrices, n]: λ
@group(0) @binding(4) var<storage, read_write> congruent: array<f32>; // [batch, n, n]

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y;
    let j = id.x;
    let n = params.n;
    if (i >= n || j >= n) {
        return;
    }
    let gram = id.z / params.share * params.group + id.z % params.group;
    var largest = 0.0;
    for (var k = 0u; k < n; k++) {
        largest = max(largest, norms[gram * n + k]);
    }
    let least = largest * params.floor;
    let a = norms[gram * n + i];
    let b = norms[gram * n + j];
    var out = 0.0;
    if (a > least && b > least) {
        var sum = 0.0;
        for (var k = 0u; k < n / 4u; k++) {
            sum += dot(products[(id.z * n + i) * (n / 4u) + k], rows[(gram * n + j) * (n / 4u) + k]);
        }
        out = sum / (sqrt(a) * sqrt(b));
    }
    congruent[(id.z * n + i) * n + j] = out;
}
