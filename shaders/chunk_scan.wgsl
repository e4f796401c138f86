// Linear modes, step 2: exclusive prefix sum over the chunks

struct Params {
    chunks: u32,
    words: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> states: array<f32>; // [chunks, words]
@group(0) @binding(2) var<storage, read_write> prefixes: array<f32>; // [chunks, words]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let word = id.x;
    if (word >= params.words) {
        return;
    }
    var sum = 0.0;
    for (var chunk = 0u; chunk < params.chunks; chunk++) {
        let at = chunk * params.words + word;
        prefixes[at] = sum;
        sum += states[at];
    }
}
