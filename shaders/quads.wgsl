// What forms share that multiply quads out of workgroup memory.

// 4×4 products a thread.
struct Tile {
    r0: vec4<f32>,
    r1: vec4<f32>,
    r2: vec4<f32>,
    r3: vec4<f32>,
}

// What a thread fetches a step: one quad of two rows of each operand.
struct Fetched {
    x0: vec4<f32>,
    x1: vec4<f32>,
    w0: vec4<f32>,
    w1: vec4<f32>,
}

fn fetch(x0: u32, x1: u32, w0: u32, w1: u32, quad: u32, quads: u32) -> Fetched {
    if (quad >= quads) {
        let zero = vec4<f32>(0.0);
        return Fetched(zero, zero, zero, zero);
    }
    return Fetched(x[x0 + quad], x[x1 + quad], weight_quad(w0 + quad), weight_quad(w1 + quad));
}

// Four dot products, one quad further: sum + q · each row of four. Multiply-adds into the sums are what a GPU is
// fastest at; `dot` would make products and sums of its own.
fn add_products(sum: vec4<f32>, q: vec4<f32>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> vec4<f32> {
    var out = fma(vec4<f32>(q.x), vec4<f32>(a.x, b.x, c.x, d.x), sum);
    out = fma(vec4<f32>(q.y), vec4<f32>(a.y, b.y, c.y, d.y), out);
    out = fma(vec4<f32>(q.z), vec4<f32>(a.z, b.z, c.z, d.z), out);
    return fma(vec4<f32>(q.w), vec4<f32>(a.w, b.w, c.w, d.w), out);
}
