// A workgroup computes 128 rows × 128 columns, 8×8 a thread: for large products on real GPUs.

const TILE: u32 = 128u;
const STEP: u32 = 4u; // quads a step: TILE · STEP is two quads of each operand a thread

// The two operands' slices, [STEP, TILE] each.
var<workgroup> slices: array<vec4<f32>, 1024>;

// Eight columns of one row.
struct Row {
    low: vec4<f32>,
    high: vec4<f32>,
}

fn store_row(row: u32, col: u32, sums: Row) {
    store_quad(row, col, sums.low);
    store_quad(row, col + 64u, sums.high);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.y * TILE;
    let first_col = group.x * TILE;
    let quads = params.inner / 4u;
    // What this thread fetches a step: one quad of two rows of each operand, 64 rows apart.
    let part = thread % STEP;
    let line = thread / STEP;
    let x0 = min(first_row + line, params.rows - 1u) * quads;
    let x1 = min(first_row + line + 64u, params.rows - 1u) * quads;
    let w0 = min(first_col + line, params.cols - 1u) * quads;
    let w1 = min(first_col + line + 64u, params.cols - 1u) * quads;
    // Rows 4n … 4n + 3 lie 16 apart, so that threads that read together read neighbours.
    let place = part * TILE + line % 4u * 16u + line / 4u;
    let mine = thread / 16u;
    let other = STEP * TILE + thread % 16u;
    let zero = Row(vec4<f32>(0.0), vec4<f32>(0.0));
    var sum0 = zero;
    var sum1 = zero;
    var sum2 = zero;
    var sum3 = zero;
    var sum4 = zero;
    var sum5 = zero;
    var sum6 = zero;
    var sum7 = zero;
    for (var first = 0u; first < quads; first += STEP) {
        let inside = first + part < quads;
        let at = min(first + part, quads - 1u);
        slices[place] = select(vec4<f32>(0.0), x[x0 + at], inside);
        slices[place + 64u] = select(vec4<f32>(0.0), x[x1 + at], inside);
        slices[STEP * TILE + place] = select(vec4<f32>(0.0), weight_quad(w0 + at), inside);
        slices[STEP * TILE + place + 64u] = select(vec4<f32>(0.0), weight_quad(w1 + at), inside);
        workgroupBarrier();
        for (var k = 0u; k < STEP * TILE; k += TILE) {
            let a = slices[other + k];
            let b = slices[other + k + 16u];
            let c = slices[other + k + 32u];
            let d = slices[other + k + 48u];
            let e = slices[other + k + 64u];
            let f = slices[other + k + 80u];
            let g = slices[other + k + 96u];
            let h = slices[other + k + 112u];
            let q0 = slices[mine + k];
            sum0.low += vec4<f32>(dot(q0, a), dot(q0, b), dot(q0, c), dot(q0, d));
            sum0.high += vec4<f32>(dot(q0, e), dot(q0, f), dot(q0, g), dot(q0, h));
            let q1 = slices[mine + k + 16u];
            sum1.low += vec4<f32>(dot(q1, a), dot(q1, b), dot(q1, c), dot(q1, d));
            sum1.high += vec4<f32>(dot(q1, e), dot(q1, f), dot(q1, g), dot(q1, h));
            let q2 = slices[mine + k + 32u];
            sum2.low += vec4<f32>(dot(q2, a), dot(q2, b), dot(q2, c), dot(q2, d));
            sum2.high += vec4<f32>(dot(q2, e), dot(q2, f), dot(q2, g), dot(q2, h));
            let q3 = slices[mine + k + 48u];
            sum3.low += vec4<f32>(dot(q3, a), dot(q3, b), dot(q3, c), dot(q3, d));
            sum3.high += vec4<f32>(dot(q3, e), dot(q3, f), dot(q3, g), dot(q3, h));
            let q4 = slices[mine + k + 64u];
            sum4.low += vec4<f32>(dot(q4, a), dot(q4, b), dot(q4, c), dot(q4, d));
            sum4.high += vec4<f32>(dot(q4, e), dot(q4, f), dot(q4, g), dot(q4, h));
            let q5 = slices[mine + k + 80u];
            sum5.low += vec4<f32>(dot(q5, a), dot(q5, b), dot(q5, c), dot(q5, d));
            sum5.high += vec4<f32>(dot(q5, e), dot(q5, f), dot(q5, g), dot(q5, h));
            let q6 = slices[mine + k + 96u];
            sum6.low += vec4<f32>(dot(q6, a), dot(q6, b), dot(q6, c), dot(q6, d));
            sum6.high += vec4<f32>(dot(q6, e), dot(q6, f), dot(q6, g), dot(q6, h));
            let q7 = slices[mine + k + 112u];
            sum7.low += vec4<f32>(dot(q7, a), dot(q7, b), dot(q7, c), dot(q7, d));
            sum7.high += vec4<f32>(dot(q7, e), dot(q7, f), dot(q7, g), dot(q7, h));
        }
        workgroupBarrier();
    }
    let row = first_row + thread / 16u * 4u;
    let col = first_col + thread % 16u * 4u;
    store_row(row, col, sum0);
    store_row(row + 1u, col, sum1);
    store_row(row + 2u, col, sum2);
    store_row(row + 3u, col, sum3);
    store_row(row + 64u, col, sum4);
    store_row(row + 65u, col, sum5);
    store_row(row + 66u, col, sum6);
    store_row(row + 67u, col, sum7);
}
