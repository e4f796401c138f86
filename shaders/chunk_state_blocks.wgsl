// A thread sums an 8×8 block of Σ k⊗v, or one quad of the other sums: for software adapters, which pay for barriers.

fn store(start: u32, k_quad: u32, v_quad: u32, sum: Outer) {
    let v_quads = params.value.width / 4u;
    if (k_quad >= params.key.width / 4u || v_quad >= v_quads) {
        return;
    }
    let at = start + k_quad * 4u * v_quads + v_quad;
    states[at] = sum.r0;
    states[at + v_quads] = sum.r1;
    states[at + 2u * v_quads] = sum.r2;
    states[at + 3u * v_quads] = sum.r3;
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.y;
    let chunk = id.z;
    let k_quads = params.key.width / 4u;
    let v_quads = params.value.width / 4u;
    let v_blocks = (v_quads + 1u) / 2u;
    let blocks = (k_quads + 1u) / 2u * v_blocks;
    if (id.x >= blocks + v_quads + k_quads) {
        return;
    }
    let outer = params.key.width * v_quads; // quads of Σ k⊗v
    let start = (chunk * params.heads + head) * (outer + v_quads + k_quads);
    let first = chunk * CHUNK;
    let end = min(first + CHUNK, params.tokens);
    if (id.x < blocks) {
        let k_quad = id.x / v_blocks * 2u;
        let v_quad = id.x % v_blocks * 2u;
        // The second quad of each, where there is one.
        let k_next = min(1u, k_quads - 1u - k_quad);
        let v_next = min(1u, v_quads - 1u - v_quad);
        let zero = vec4<f32>(0.0);
        let none = Outer(zero, zero, zero, zero);
        var sum00 = none;
        var sum01 = none;
        var sum10 = none;
        var sum11 = none;
        for (var t = first; t < end; t++) {
            let k_at = view_start(params.key, t, head) + k_quad;
            let v_at = view_start(params.value, t, head) + v_quad;
            let k0 = feature_map(params.feature, keys[k_at]);
            let k1 = feature_map(params.feature, keys[k_at + k_next]);
            let v0 = values[v_at];
            let v1 = values[v_at + v_next];
            add(&sum00, k0, v0);
            add(&sum01, k0, v1);
            add(&sum10, k1, v0);
            add(&sum11, k1, v1);
        }
        store(start, k_quad, v_quad, sum00);
        store(start, k_quad, v_quad + 1u, sum01);
        store(start, k_quad + 1u, v_quad, sum10);
        store(start, k_quad + 1u, v_quad + 1u, sum11);
        return;
    }
    let quad = id.x - blocks;
    var sum = vec4<f32>(0.0);
    if (quad < v_quads) {
        for (var t = first; t < end; t++) {
            sum += values[view_start(params.value, t, head) + quad];
        }
    } else {
        for (var t = first; t < end; t++) {
            sum += feature_map(params.feature, keys[view_start(params.key, t, head) + quad - v_quads]);
        }
    }
    states[start + outer + quad] = sum;
}
