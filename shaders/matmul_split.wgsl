// A workgroup computes ROWS rows × 32 columns, 4×4 a thread: its threads are strands, each of which takes its share of
// every step's columns of x, and whose sums are added in the end. For products too small to fill a GPU: more
// workgroups than tiles give, and less time along the sums.

const COLS: u32 = 32u;
const STEP: u32 = 16u; // quads a step
const STRAND: u32 = ROWS * 2u; // threads of one
const STRANDS: u32 = 256u / STRAND;

// [quad][row % 4][row / 4], the last crossed with the quad: see tile.wgsl.
var<workgroup> x_slices: array<array<array<vec4<f32>, 8>, 4>, 16>;
var<workgroup> w_slices: array<array<array<vec4<f32>, 8>, 4>, 16>;

fn add_quad(sum: ptr<function, Tile>, quad: u32, mine: u32, other: u32) {
    let m = mine ^ (quad % 8u);
    let o = other ^ (quad % 8u);
    let a = w_slices[quad][0][o];
    let b = w_slices[quad][1][o];
    let c = w_slices[quad][2][o];
    let d = w_slices[quad][3][o];
    (*sum).r0 = add_products((*sum).r0, x_slices[quad][0][m], a, b, c, d);
    (*sum).r1 = add_products((*sum).r1, x_slices[quad][1][m], a, b, c, d);
    (*sum).r2 = add_products((*sum).r2, x_slices[quad][2][m], a, b, c, d);
    (*sum).r3 = add_products((*sum).r3, x_slices[quad][3][m], a, b, c, d);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.y * ROWS;
    let first_col = group.x * COLS;
    let quads = params.inner / 4u;
    let part = thread % STEP;
    let line = thread / STEP;
    let x0 = min(first_row + line, params.rows - 1u) * quads;
    // Where there are 16 rows there is no second one to fetch.
    let x1 = select(x0, min(first_row + line + 16u, params.rows - 1u) * quads, ROWS > 16u);
    let w0 = min(first_col + line, params.cols - 1u) * quads;
    let w1 = min(first_col + line + 16u, params.cols - 1u) * quads;
    let into = line % 4u;
    let place = (line / 4u) ^ (part % 8u);
    let strand = thread / STRAND;
    let mine = thread % STRAND / 8u;
    let other = thread % 8u;
    var sum = Tile(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
    var next = fetch(x0, x1, w0, w1, part, quads);
    for (var first = 0u; first < quads; first += STEP) {
        x_slices[part][into][place] = next.x0;
        if (ROWS > 16u) {
            x_slices[part][into][place ^ 4u] = next.x1;
        }
        w_slices[part][into][place] = next.w0;
        w_slices[part][into][place ^ 4u] = next.w1;
        workgroupBarrier();
        next = fetch(x0, x1, w0, w1, first + STEP + part, quads);
        for (var i = 0u; i < STEP; i += STRANDS) {
            add_quad(&sum, strand + i, mine, other);
        }
        workgroupBarrier();
    }
    // [strand, row / 4][row % 4 in pairs][column / 4]
    let pair = thread / 8u % 2u * 2u;
    x_slices[thread / 16u][pair][other] = sum.r0;
    x_slices[thread / 16u][pair + 1u][other] = sum.r1;
    w_slices[thread / 16u][pair][other] = sum.r2;
    w_slices[thread / 16u][pair + 1u][other] = sum.r3;
    workgroupBarrier();
    if (strand >= 4u) {
        return;
    }
    // A quad of the output a thread: this row of the four that its peers in all strands have summed.
    let last = pair + strand % 2u;
    let peer = thread % STRAND / 16u;
    var all = vec4<f32>(0.0);
    for (var at = peer; at < 16u; at += 16u / STRANDS) {
        all += select(x_slices[at][last][other], w_slices[at][last][other], strand > 1u);
    }
    store_quad(first_row + mine * 4u + strand, first_col + other * 4u, all);
}
