// A workgroup computes 64 rows × 64 columns.

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.y * TILE;
    let col = group.x * TILE;
    let sum = tile_product(thread, row, params.rows - 1u, col, params.cols - 1u, params.inner / 4u);
    let my_row = row + thread / 16u * 4u;
    let my_col = col + thread % 16u * 4u;
    store_quad(my_row, my_col, sum.r0);
    store_quad(my_row + 1u, my_col, sum.r1);
    store_quad(my_row + 2u, my_col, sum.r2);
    store_quad(my_row + 3u, my_col, sum.r3);
}
