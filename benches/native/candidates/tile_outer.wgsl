// 64 rows × 64 columns a workgroup of 64 threads, 8×8 a thread, in outer products: slices are turned when they are stored, so that
// a thread reads 8 rows and 8 columns at one place along the sums.

const TILE: u32 = 64u;
const STEP: u32 = 4u; // quads a step

// [half, column of x] and [row / 4 in its half], crossed with the quad; four rows each. x, then the weights.
var<workgroup> x_slices: array<array<vec4<f32>, 8>, 32>;
var<workgroup> w_slices: array<array<vec4<f32>, 8>, 32>;

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

// One quad of four rows of one operand.
fn fetch(is_x: bool, row: u32, quad: u32, quads: u32) -> mat4x4<f32> {
    let zero = vec4<f32>(0.0);
    if (quad >= quads) {
        return mat4x4<f32>(zero, zero, zero, zero);
    }
    if (is_x) {
        let last = params.rows - 1u;
        return mat4x4<f32>(
            x[min(row, last) * quads + quad],
            x[min(row + 1u, last) * quads + quad],
            x[min(row + 2u, last) * quads + quad],
            x[min(row + 3u, last) * quads + quad],
        );
    }
    let last = params.cols - 1u;
    return mat4x4<f32>(
        weight_quad(min(row, last) * quads + quad),
        weight_quad(min(row + 1u, last) * quads + quad),
        weight_quad(min(row + 2u, last) * quads + quad),
        weight_quad(min(row + 3u, last) * quads + quad),
    );
}

fn add_row(sum: Row, q: f32, low: vec4<f32>, high: vec4<f32>) -> Row {
    return Row(fma(vec4<f32>(q), low, sum.low), fma(vec4<f32>(q), high, sum.high));
}

fn add_column(sum: ptr<function, Sums>, k: u32, mine: u32, other: u32) {
    let turn = k / 4u * 2u;
    let p = x_slices[k][mine ^ turn];
    let q = x_slices[16u + k][mine ^ turn];
    let low = w_slices[k][other ^ turn];
    let high = w_slices[16u + k][other ^ turn];
    (*sum).r0 = add_row((*sum).r0, p.x, low, high);
    (*sum).r1 = add_row((*sum).r1, p.y, low, high);
    (*sum).r2 = add_row((*sum).r2, p.z, low, high);
    (*sum).r3 = add_row((*sum).r3, p.w, low, high);
    (*sum).r4 = add_row((*sum).r4, q.x, low, high);
    (*sum).r5 = add_row((*sum).r5, q.y, low, high);
    (*sum).r6 = add_row((*sum).r6, q.z, low, high);
    (*sum).r7 = add_row((*sum).r7, q.w, low, high);
}

fn store_row(row: u32, col: u32, sums: Row) {
    store_quad(row, col, sums.low);
    store_quad(row, col + 32u, sums.high);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let first_row = group.y * TILE;
    let first_col = group.x * TILE;
    let quads = params.inner / 4u;
    let part = thread % STEP;
    let line = thread / STEP;
    let row = first_row + line * 4u;
    let col = first_col + line * 4u;
    let into = line / 8u * 16u + part * 4u;
    let place = (line % 8u) ^ (part * 2u);
    let mine = thread / 8u;
    let other = thread % 8u;
    let zero = Row(vec4<f32>(0.0), vec4<f32>(0.0));
    var sum = Sums(zero, zero, zero, zero, zero, zero, zero, zero);
    var next_x = fetch(true, row, part, quads);
    var next_w = fetch(false, col, part, quads);
    for (var first = 0u; first < quads; first += STEP) {
        let x_turned = transpose(next_x);
        x_slices[into][place] = x_turned[0];
        x_slices[into + 1u][place] = x_turned[1];
        x_slices[into + 2u][place] = x_turned[2];
        x_slices[into + 3u][place] = x_turned[3];
        let w_turned = transpose(next_w);
        w_slices[into][place] = w_turned[0];
        w_slices[into + 1u][place] = w_turned[1];
        w_slices[into + 2u][place] = w_turned[2];
        w_slices[into + 3u][place] = w_turned[3];
        workgroupBarrier();
        next_x = fetch(true, row, first + STEP + part, quads);
        next_w = fetch(false, col, first + STEP + part, quads);
        add_column(&sum, 0u, mine, other);
        add_column(&sum, 1u, mine, other);
        add_column(&sum, 2u, mine, other);
        add_column(&sum, 3u, mine, other);
        add_column(&sum, 4u, mine, other);
        add_column(&sum, 5u, mine, other);
        add_column(&sum, 6u, mine, other);
        add_column(&sum, 7u, mine, other);
        add_column(&sum, 8u, mine, other);
        add_column(&sum, 9u, mine, other);
        add_column(&sum, 10u, mine, other);
        add_column(&sum, 11u, mine, other);
        add_column(&sum, 12u, mine, other);
        add_column(&sum, 13u, mine, other);
        add_column(&sum, 14u, mine, other);
        add_column(&sum, 15u, mine, other);
        workgroupBarrier();
    }
    let my_row = first_row + mine * 4u;
    let my_col = first_col + other * 4u;
    store_row(my_row, my_col, sum.r0);
    store_row(my_row + 1u, my_col, sum.r1);
    store_row(my_row + 2u, my_col, sum.r2);
    store_row(my_row + 3u, my_col, sum.r3);
    store_row(my_row + 32u, my_col, sum.r4);
    store_row(my_row + 33u, my_col, sum.r5);
    store_row(my_row + 34u, my_col, sum.r6);
    store_row(my_row + 35u, my_col, sum.r7);
}
