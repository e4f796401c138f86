// 64 rows of x times 64 rows of the weights by 256 threads through workgroup memory, 4×4 products a thread and 32
// columns a step. What the next step needs is fetched while this one is multiplied. For real GPUs.

const TILE: u32 = 64u;
const STEP: u32 = 8u; // quads a step

// The two operands' slices, [operand, quad, row % 4] and [row / 4], the latter crossed with the quad: so neither those
// that write nor those that read together meet in a bank. All but one index is constant, which makes checks of
// bounds cheap. A kernel may use the whole of it between products.
var<workgroup> slices: array<array<vec4<f32>, 16>, 64>;
const WEIGHTS: u32 = 32u; // where the second operand begins

fn add_quad(sum: ptr<function, Tile>, quad: u32, mine: u32, other: u32) {
    let m = mine ^ quad;
    let o = other ^ quad;
    let first = 4u * quad;
    let a = slices[WEIGHTS + first][o];
    let b = slices[WEIGHTS + first + 1u][o];
    let c = slices[WEIGHTS + first + 2u][o];
    let d = slices[WEIGHTS + first + 3u][o];
    (*sum).r0 = add_products((*sum).r0, slices[first][m], a, b, c, d);
    (*sum).r1 = add_products((*sum).r1, slices[first + 1u][m], a, b, c, d);
    (*sum).r2 = add_products((*sum).r2, slices[first + 2u][m], a, b, c, d);
    (*sum).r3 = add_products((*sum).r3, slices[first + 3u][m], a, b, c, d);
}

// Thread t has rows first_row + t / 16 · 4 … + 3 and as many columns from first_col + t % 16 · 4 on.
fn tile_product(thread: u32, first_row: u32, last_row: u32, first_col: u32, last_col: u32, quads: u32) -> Tile {
    let part = thread % STEP;
    let line = thread / STEP;
    let x0 = min(first_row + line, last_row) * quads;
    let x1 = min(first_row + line + 32u, last_row) * quads;
    let w0 = min(first_col + line, last_col) * quads;
    let w1 = min(first_col + line + 32u, last_col) * quads;
    let into = part * 4u + line % 4u;
    let place = (line / 4u) ^ part;
    let mine = thread / 16u;
    let other = thread % 16u;
    var sum = Tile(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
    var next = fetch(x0, x1, w0, w1, part, quads);
    for (var first = 0u; first < quads; first += STEP) {
        slices[into][place] = next.x0;
        slices[into][place ^ 8u] = next.x1;
        slices[WEIGHTS + into][place] = next.w0;
        slices[WEIGHTS + into][place ^ 8u] = next.w1;
        workgroupBarrier();
        next = fetch(x0, x1, w0, w1, first + STEP + part, quads);
        add_quad(&sum, 0u, mine, other);
        add_quad(&sum, 1u, mine, other);
        add_quad(&sum, 2u, mine, other);
        add_quad(&sum, 3u, mine, other);
        add_quad(&sum, 4u, mine, other);
        add_quad(&sum, 5u, mine, other);
        add_quad(&sum, 6u, mine, other);
        add_quad(&sum, 7u, mine, other);
        workgroupBarrier();
    }
    return sum;
}
