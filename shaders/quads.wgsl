// Four dot products, one quad further: sum + q · each row of four. Multiply-adds into the sums are what a GPU is
// fastest at; `dot` would make products and sums of its own.
fn add_products(sum: vec4<f32>, q: vec4<f32>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> vec4<f32> {
    var out = fma(vec4<f32>(q.x), vec4<f32>(a.x, b.x, c.x, d.x), sum);
    out = fma(vec4<f32>(q.y), vec4<f32>(a.y, b.y, c.y, d.y), out);
    out = fma(vec4<f32>(q.z), vec4<f32>(a.z, b.z, c.z, d.z), out);
    return fma(vec4<f32>(q.w), vec4<f32>(a.w, b.w, c.w, d.w), out);
}
