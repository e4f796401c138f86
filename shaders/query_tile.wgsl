// The queries of a workgroup's ROWS rows of one head, in workgroup memory: made there by a small matrix, or copied.

const MOST_QUADS: u32 = 32u; // of one query

// [quad, row], φ included: so those that read together don't meet in a bank.
var<workgroup> query_tile: array<array<vec4<f32>, ROWS>, MOST_QUADS>;

// Quad `quad` of q = z K.
fn made_query(z: u32, head: u32, quad: u32) -> vec4<f32> {
    let quads = params.query.width / 4u;
    var at = head % params.kernels * params.query.width * quads + quad;
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < quads; i++) {
        let q = queries[z + i];
        sum += q.x * matrices[at] + q.y * matrices[at + quads];
        sum += q.z * matrices[at + 2u * quads] + q.w * matrices[at + 3u * quads];
        at += 4u * quads;
    }
    return sum;
}

// Rows past the end repeat the last one.
fn fill_queries(thread: u32, first_row: u32, head: u32) {
    let quads = params.query.width / 4u;
    for (var cell = thread; cell < quads * ROWS; cell += 256u) {
        let row = cell / quads;
        let quad = cell % quads;
        let start = view_start(params.query, min(first_row + row, params.tokens - 1u), head);
        if (params.kernels > 0u) {
            query_tile[quad][row] = key_feature(made_query(start, head, quad));
        } else {
            query_tile[quad][row] = key_feature(queries[start + quad]);
        }
    }
    workgroupBarrier();
}
