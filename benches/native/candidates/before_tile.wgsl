// 64 rows of x times 64 rows of the weights by 256 threads through workgroup memory, 4×4 products a thread and 16
// columns a step. For real GPUs.

const TILE: u32 = 64u;
const STEP: u32 = 4u; // quads a step: TILE · STEP is one quad of each operand a thread

// The two operands' slices, [STEP, TILE] each; a kernel may use the whole of it between products.
var<workgroup> slices: array<vec4<f32>, SHARED>;

struct Tile {
    r0: vec4<f32>,
    r1: vec4<f32>,
    r2: vec4<f32>,
    r3: vec4<f32>,
}

// Thread t has rows first_row + t / 16 · 4 … + 3 and as many columns from first_col + t % 16 · 4 on.
fn tile_product(thread: u32, first_row: u32, last_row: u32, first_col: u32, last_col: u32, quads: u32) -> Tile {
    // What this thread fetches a step: one quad of a row of each operand.
    let part = thread % STEP;
    let line = thread / STEP;
    let x_start = min(first_row + line, last_row) * quads;
    let w_start = min(first_col + line, last_col) * quads;
    // Rows 4n … 4n + 3 lie 16 apart, so that threads that read together read neighbours.
    let place = part * TILE + line % 4u * 16u + line / 4u;
    let mine = thread / 16u;
    let other = STEP * TILE + thread % 16u;
    var sum = Tile(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
    for (var first = 0u; first < quads; first += STEP) {
        let inside = first + part < quads;
        let at = min(first + part, quads - 1u);
        slices[place] = select(vec4<f32>(0.0), x[x_start + at], inside);
        slices[STEP * TILE + place] = select(vec4<f32>(0.0), weight_quad(w_start + at), inside);
        workgroupBarrier();
        for (var k = 0u; k < STEP * TILE; k += TILE) {
            let a = slices[other + k];
            let b = slices[other + k + 16u];
            let c = slices[other + k + 32u];
            let d = slices[other + k + 48u];
            let q0 = slices[mine + k];
            let q1 = slices[mine + k + 16u];
            let q2 = slices[mine + k + 32u];
            let q3 = slices[mine + k + 48u];
            sum.r0 += vec4<f32>(dot(q0, a), dot(q0, b), dot(q0, c), dot(q0, d));
            sum.r1 += vec4<f32>(dot(q1, a), dot(q1, b), dot(q1, c), dot(q1, d));
            sum.r2 += vec4<f32>(dot(q2, a), dot(q2, b), dot(q2, c), dot(q2, d));
            sum.r3 += vec4<f32>(dot(q3, a), dot(q3, b), dot(q3, c), dot(q3, d));
        }
        workgroupBarrier();
    }
    return sum;
}
