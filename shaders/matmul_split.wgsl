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

// Mean and 1/σ of the two rows of x that a thread fetches from.
struct Moments {
    mean: vec2<f32>,
    inverse: vec2<f32>,
}

// The norm's gain and shift at one quad.
struct Affine {
    gain: vec4<f32>,
    shift: vec4<f32>,
}

// The sum of what the threads hand in that fetch from the same rows.
fn across(thread: u32, mine: vec2<f32>) -> vec2<f32> {
    x_slices[thread / 32u][thread / 8u % 4u][thread % 8u] = vec4<f32>(mine, 0.0, 0.0);
    workgroupBarrier();
    var sum = vec2<f32>(0.0);
    let first = thread / STEP * STEP;
    for (var at = first; at < first + STEP; at++) {
        sum += x_slices[at / 32u][at / 8u % 4u][at % 8u].xy;
    }
    workgroupBarrier();
    return sum;
}

fn moments(thread: u32, x0: u32, x1: u32, quads: u32) -> Moments {
    let ones = vec4<f32>(1.0);
    var sums = vec2<f32>(0.0);
    for (var i = thread % STEP; i < quads; i += STEP) {
        sums += vec2<f32>(dot(x[x0 + i], ones), dot(x[x1 + i], ones));
    }
    let mean = across(thread, sums) / f32(params.inner);
    var squares = vec2<f32>(0.0);
    for (var i = thread % STEP; i < quads; i += STEP) {
        let a = x[x0 + i] - mean.x;
        let b = x[x1 + i] - mean.y;
        squares += vec2<f32>(dot(a, a), dot(b, b));
    }
    return Moments(mean, inverseSqrt(across(thread, squares) / f32(params.inner) + params.epsilon));
}

// Past the end x becomes 0 again.
fn fetch_affine(normed: bool, quad: u32, quads: u32) -> Affine {
    if (!normed || quad >= quads) {
        return Affine(vec4<f32>(0.0), vec4<f32>(0.0));
    }
    return Affine(gain[quad], shift[quad]);
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
    let normed = (params.flags & NORM) != 0u;
    var rows = Moments(vec2<f32>(0.0), vec2<f32>(0.0));
    if (normed) {
        rows = moments(thread, x0, x1, quads);
    }
    var next = fetch(x0, x1, w0, w1, part, quads);
    var affine = fetch_affine(normed, part, quads);
    for (var first = 0u; first < quads; first += STEP) {
        if (normed) {
            next.x0 = (next.x0 - rows.mean.x) * rows.inverse.x * affine.gain + affine.shift;
            next.x1 = (next.x1 - rows.mean.y) * rows.inverse.y * affine.gain + affine.shift;
        }
        x_slices[part][into][place] = next.x0;
        if (ROWS > 16u) {
            x_slices[part][into][place ^ 4u] = next.x1;
        }
        w_slices[part][into][place] = next.w0;
        w_slices[part][into][place ^ 4u] = next.w1;
        workgroupBarrier();
        next = fetch(x0, x1, w0, w1, first + STEP + part, quads);
        affine = fetch_affine(normed, first + STEP + part, quads);
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
