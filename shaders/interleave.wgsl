// Copies lanes from one buffer to another. A thread copies one quad.

struct Params {
    rows: u32,
    width: u32,
    count: u32,
    source_lanes: u32,
    source_first: u32,
    target_lanes: u32,
    target_first: u32,
    pad: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>; // [rows, source lanes, width / 4]
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>; // [rows, target lanes, width / 4]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = params.width / 4u;
    if (id.x >= params.count * quads) {
        return;
    }
    let source = (id.y * params.source_lanes + params.source_first) * quads;
    let target_start = (id.y * params.target_lanes + params.target_first) * quads;
    y[target_start + id.x] = x[source + id.x];
}
