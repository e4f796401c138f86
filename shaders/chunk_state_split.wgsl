// 64 cells a workgroup, each a quad of k by a quad of v, a quad of v or a quad of k, summed by four strands of 64 threads:
// for GPUs, where a chunk's 64 tokens one after the other take longer than their sums.

const CELLS: u32 = 64u;
const SHARE: u32 = 16u; // tokens a strand

// [strand, cell]: one row of each.
var<workgroup> rows: array<vec4<f32>, 256>;

// The sum over strands of one row of a cell, stored by one of the strands.
fn merge(thread: u32, strand: u32, row: vec4<f32>, at: u32, stored: bool) {
    rows[thread] = row;
    workgroupBarrier();
    if (thread / CELLS == strand && stored) {
        let cell = thread % CELLS;
        states[at] = rows[cell] + rows[cell + 64u] + rows[cell + 128u] + rows[cell + 192u];
    }
    workgroupBarrier();
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.y;
    let chunk = group.z;
    let k_quads = params.key.width / 4u;
    let v_quads = params.value.width / 4u;
    let cell = group.x * CELLS + thread % CELLS;
    let outer = k_quads * v_quads;
    let cells = outer + v_quads + k_quads;
    let of_outer = cell < outer;
    let of_keys = cell >= outer + v_quads;
    // Σ v and Σ k are rows of their own, with 1 in the place of the other factor.
    let k_quad = select(select(0u, cell - outer - v_quads, of_keys), cell / max(v_quads, 1u), of_outer);
    let v_quad = select(select(cell - outer, 0u, of_keys), cell % max(v_quads, 1u), of_outer);
    let first = chunk * CHUNK + thread / CELLS * SHARE;
    let last = params.tokens - 1u;
    let zero = vec4<f32>(0.0);
    var sum = Outer(zero, zero, zero, zero);
    if (cell < cells) {
        for (var i = 0u; i < SHARE; i++) {
            let t = first + i;
            var k = vec4<f32>(1.0, 0.0, 0.0, 0.0);
            var v = zero;
            if (of_outer) {
                k = feature_map(params.feature, keys[view_start(params.key, min(t, last), head) + k_quad]);
            }
            if (of_keys) {
                v = feature_map(params.feature, keys[view_start(params.key, min(t, last), head) + k_quad]);
            } else {
                v = values[view_start(params.value, min(t, last), head) + v_quad];
            }
            add(&sum, k, select(zero, v, t <= last));
        }
    }
    let start = (chunk * params.heads + head) * ((params.key.width + 1u) * v_quads + k_quads);
    // Rows of Σ k⊗v lie v_quads apart; what follows them, cell by cell.
    let at = start + select(cell + 3u * outer, k_quad * 4u * v_quads + v_quad, of_outer);
    merge(thread, 0u, sum.r0, at, cell < cells);
    merge(thread, 1u, sum.r1, at + v_quads, of_outer);
    merge(thread, 2u, sum.r2, at + 2u * v_quads, of_outer);
    merge(thread, 3u, sum.r3, at + 3u * v_quads, of_outer);
}
