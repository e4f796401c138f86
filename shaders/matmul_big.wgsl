// A workgroup computes 128 rows × 128 columns, 8×8 a thread and 16 columns of x a step: for large products on real
// GPUs. Laid out like tile.wgsl.

const TILE: u32 = 128u;
const STEP: u32 = 4u; // quads a step

// [quad, half, row % 4] and [row / 4 in its half], crossed with the quad and the row's parity.
var<workgroup> x_slices: array<array<vec4<f32>, 16>, 32>;
var<workgroup> w_slices: array<array<vec4<f32>, 16>, 32>;

// Eight columns of one row.
struct Row {
    low: vec4<f32>,
    high: vec4<f32>,
}

struct Sums {
    r0: Row,
    r1: Row,
    r2: Row,
    r3: Row,
    r4: Row,
    r5: Row,
    r6: Row,
    r7: Row,
}

// Eight weights at one quad.
struct Weights {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
    e: vec4<f32>,
    f: vec4<f32>,
    g: vec4<f32>,
    h: vec4<f32>,
}

fn add_row(sum: Row, q: vec4<f32>, w: Weights) -> Row {
    return Row(add_products(sum.low, q, w.a, w.b, w.c, w.d), add_products(sum.high, q, w.e, w.f, w.g, w.h));
}

fn add_quad(sum: ptr<function, Sums>, quad: u32, mine: u32, other: u32) {
    let at = 8u * quad;
    let even = 2u * quad;
    let odd = even + 1u;
    let w = Weights(
        w_slices[at][other ^ even],
        w_slices[at + 1u][other ^ odd],
        w_slices[at + 2u][other ^ even],
        w_slices[at + 3u][other ^ odd],
        w_slices[at + 4u][other ^ even],
        w_slices[at + 5u][other ^ odd],
        w_slices[at + 6u][other ^ even],
        w_slices[at + 7u][other ^ odd],
    );
    (*sum).r0 = add_row((*sum).r0, x_slices[at][mine ^ even], w);
    (*sum).r1 = add_row((*sum).r1, x_slices[at + 1u][mine ^ odd], w);
    (*sum).r2 = add_row((*sum).r2, x_slices[at + 2u][mine ^ even], w);
    (*sum).r3 = add_row((*sum).r3, x_slices[at + 3u][mine ^ odd], w);
    (*sum).r4 = add_row((*sum).r4, x_slices[at + 4u][mine ^ even], w);
    (*sum).r5 = add_row((*sum).r5, x_slices[at + 5u][mine ^ odd], w);
    (*sum).r6 = add_row((*sum).r6, x_slices[at + 6u][mine ^ even], w);
    (*sum).r7 = add_row((*sum).r7, x_slices[at + 7u][mine ^ odd], w);
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
    let part = thread % STEP;
    let line = thread / STEP;
    let x0 = min(first_row + line, params.rows - 1u) * quads;
    let x1 = min(first_row + line + 64u, params.rows - 1u) * quads;
    let w0 = min(first_col + line, params.cols - 1u) * quads;
    let w1 = min(first_col + line + 64u, params.cols - 1u) * quads;
    let into = part * 8u + line % 4u;
    let place = (line / 4u) ^ (part * 2u + line % 2u);
    let mine = thread / 16u;
    let other = thread % 16u;
    let zero = Row(vec4<f32>(0.0), vec4<f32>(0.0));
    var sum = Sums(zero, zero, zero, zero, zero, zero, zero, zero);
    var next = fetch(x0, x1, w0, w1, part, quads);
    for (var first = 0u; first < quads; first += STEP) {
        x_slices[into][place] = next.x0;
        x_slices[into + 4u][place] = next.x1;
        w_slices[into][place] = next.w0;
        w_slices[into + 4u][place] = next.w1;
        workgroupBarrier();
        next = fetch(x0, x1, w0, w1, first + STEP + part, quads);
        add_quad(&sum, 0u, mine, other);
        add_quad(&sum, 1u, mine, other);
        add_quad(&sum, 2u, mine, other);
        add_quad(&sum, 3u, mine, other);
        workgroupBarrier();
    }
    let row = first_row + mine * 4u;
    let col = first_col + other * 4u;
    store_row(row, col, sum.r0);
    store_row(row + 1u, col, sum.r1);
    store_row(row + 2u, col, sum.r2);
    store_row(row + 3u, col, sum.r3);
    store_row(row + 64u, col, sum.r4);
    store_row(row + 65u, col, sum.r5);
    store_row(row + 66u, col, sum.r6);
    store_row(row + 67u, col, sum.r7);
}
