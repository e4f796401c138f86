// Each thread computes 8 rows × 8 columns.

const SIDE: u32 = 4u; // threads along each side of the tile
const SPAN: u32 = 8u; // rows and columns a thread

fn store_row(row: u32, col: u32, sums: Row) {
    store_quad(row, col, sums.low);
    store_quad(row, col + 4u, sums.high);
}

@compute @workgroup_size(SIDE, SIDE)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y * SPAN;
    let col = id.x * SPAN;
    let sum = block_product(row, params.rows - 1u, col, params.cols - 1u, params.inner / 4u);
    store_row(row, col, sum.r0);
    store_row(row + 1u, col, sum.r1);
    store_row(row + 2u, col, sum.r2);
    store_row(row + 3u, col, sum.r3);
    store_row(row + 4u, col, sum.r4);
    store_row(row + 5u, col, sum.r5);
    store_row(row + 6u, col, sum.r6);
    store_row(row + 7u, col, sum.r7);
}
