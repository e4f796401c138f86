// Every weight is w_ij = c + s·g_ij with one c and one s a query, once Σ_j g_ij is known; that comes first, from Σ k.

// c and s of one query.
struct Line {
    constant: f32,
    slope: f32,
}

fn line(row: u32, mass: f32) -> Line {
    if (params.feature == ELU1) {
        return Line(0.0, 1.0 / (mass + params.epsilon));
    }
    let n = f32(row + 1u);
    return Line((1.0 - params.scale * mass / n) / n, params.scale / n);
}

fn weights(l: Line, g: Row, first: u32, row: u32) -> Row {
    let zero = vec4<f32>(0.0);
    return Row(
        select(l.constant + l.slope * g.a, zero, past(first, row, 0u)),
        select(l.constant + l.slope * g.b, zero, past(first, row, 1u)),
        select(l.constant + l.slope * g.c, zero, past(first, row, 2u)),
        select(l.constant + l.slope * g.d, zero, past(first, row, 3u)),
    );
}

fn four(q: vec4<f32>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> vec4<f32> {
    return q.x * a + q.y * b + q.z * c + q.w * d;
}

fn put(row: u32, at: u32, sum: vec4<f32>) {
    if (row < params.tokens) {
        attended[at] = sum;
    }
}

fn gather(row: u32, at: u32, sum: vec4<f32>) {
    if (row < params.tokens) {
        attended[at] += sum;
    }
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let head = id.x % params.heads;
    let row = id.x / params.heads * ROWS;
    if (row >= params.tokens) {
        return;
    }
    let last = params.tokens - 1u;
    let chunk = row / CHUNK;
    let quads = params.query.width / 4u;
    let v_quads = params.value.width / 4u;
    let outer = (params.key.width + 1u) * v_quads;
    let state = (chunk * params.heads + head) * (outer + params.key.width / 4u);
    let q0 = view_start(params.query, min(row, last), head);
    let q1 = view_start(params.query, min(row + 1u, last), head);
    let q2 = view_start(params.query, min(row + 2u, last), head);
    let q3 = view_start(params.query, min(row + 3u, last), head);
    let q4 = view_start(params.query, min(row + 4u, last), head);
    let q5 = view_start(params.query, min(row + 5u, last), head);
    let q6 = view_start(params.query, min(row + 6u, last), head);
    let q7 = view_start(params.query, min(row + 7u, last), head);
    let k0 = view_start(params.key, min(row, last), head);
    let k1 = view_start(params.key, min(row + 1u, last), head);
    let k2 = view_start(params.key, min(row + 2u, last), head);
    let k3 = view_start(params.key, min(row + 3u, last), head);
    let k4 = view_start(params.key, min(row + 4u, last), head);
    let k5 = view_start(params.key, min(row + 5u, last), head);
    let k6 = view_start(params.key, min(row + 6u, last), head);
    let k7 = view_start(params.key, min(row + 7u, last), head);
    var mass0 = 0.0;
    var mass1 = 0.0;
    var mass2 = 0.0;
    var mass3 = 0.0;
    var mass4 = 0.0;
    var mass5 = 0.0;
    var mass6 = 0.0;
    var mass7 = 0.0;
    for (var i = 0u; i < quads; i++) {
        var sum = prefixes[state + outer + i];
        for (var t = chunk * CHUNK; t < row; t++) {
            sum += key_feature(keys[view_start(params.key, t, head) + i]);
        }
        sum += key_feature(keys[k0 + i]);
        mass0 += dot(key_feature(queries[q0 + i]), sum);
        sum += key_feature(keys[k1 + i]);
        mass1 += dot(key_feature(queries[q1 + i]), sum);
        sum += key_feature(keys[k2 + i]);
        mass2 += dot(key_feature(queries[q2 + i]), sum);
        sum += key_feature(keys[k3 + i]);
        mass3 += dot(key_feature(queries[q3 + i]), sum);
        sum += key_feature(keys[k4 + i]);
        mass4 += dot(key_feature(queries[q4 + i]), sum);
        sum += key_feature(keys[k5 + i]);
        mass5 += dot(key_feature(queries[q5 + i]), sum);
        sum += key_feature(keys[k6 + i]);
        mass6 += dot(key_feature(queries[q6 + i]), sum);
        sum += key_feature(keys[k7 + i]);
        mass7 += dot(key_feature(queries[q7 + i]), sum);
    }
    let line0 = line(row, mass0);
    let line1 = line(row + 1u, mass1);
    let line2 = line(row + 2u, mass2);
    let line3 = line(row + 3u, mass3);
    let line4 = line(row + 4u, mass4);
    let line5 = line(row + 5u, mass5);
    let line6 = line(row + 6u, mass6);
    let line7 = line(row + 7u, mass7);
    let out0 = output_start(row, head);
    let out1 = output_start(row + 1u, head);
    let out2 = output_start(row + 2u, head);
    let out3 = output_start(row + 3u, head);
    let out4 = output_start(row + 4u, head);
    let out5 = output_start(row + 5u, head);
    let out6 = output_start(row + 6u, head);
    let out7 = output_start(row + 7u, head);
    // The tokens before the chunk.
    for (var quad = 0u; quad < v_quads; quad++) {
        var sum0 = vec4<f32>(0.0);
        var sum1 = vec4<f32>(0.0);
        var sum2 = vec4<f32>(0.0);
        var sum3 = vec4<f32>(0.0);
        var sum4 = vec4<f32>(0.0);
        var sum5 = vec4<f32>(0.0);
        var sum6 = vec4<f32>(0.0);
        var sum7 = vec4<f32>(0.0);
        for (var i = 0u; i < quads; i++) {
            let at = state + i * 4u * v_quads + quad;
            let a = prefixes[at];
            let b = prefixes[at + v_quads];
            let c = prefixes[at + 2u * v_quads];
            let d = prefixes[at + 3u * v_quads];
            sum0 += four(key_feature(queries[q0 + i]), a, b, c, d);
            sum1 += four(key_feature(queries[q1 + i]), a, b, c, d);
            sum2 += four(key_feature(queries[q2 + i]), a, b, c, d);
            sum3 += four(key_feature(queries[q3 + i]), a, b, c, d);
            sum4 += four(key_feature(queries[q4 + i]), a, b, c, d);
            sum5 += four(key_feature(queries[q5 + i]), a, b, c, d);
            sum6 += four(key_feature(queries[q6 + i]), a, b, c, d);
            sum7 += four(key_feature(queries[q7 + i]), a, b, c, d);
        }
        let total = prefixes[state + params.key.width * v_quads + quad];
        put(row, out0 + quad, line0.slope * sum0 + line0.constant * total);
        put(row + 1u, out1 + quad, line1.slope * sum1 + line1.constant * total);
        put(row + 2u, out2 + quad, line2.slope * sum2 + line2.constant * total);
        put(row + 3u, out3 + quad, line3.slope * sum3 + line3.constant * total);
        put(row + 4u, out4 + quad, line4.slope * sum4 + line4.constant * total);
        put(row + 5u, out5 + quad, line5.slope * sum5 + line5.constant * total);
        put(row + 6u, out6 + quad, line6.slope * sum6 + line6.constant * total);
        put(row + 7u, out7 + quad, line7.slope * sum7 + line7.constant * total);
    }
    // The tokens inside it.
    let end = min(row + ROWS, params.tokens);
    for (var first = chunk * CHUNK; first < end; first += KEYS) {
        let g = products(row, first, head);
        let w0 = weights(line0, g.r0, first, row);
        let w1 = weights(line1, g.r1, first, row + 1u);
        let w2 = weights(line2, g.r2, first, row + 2u);
        let w3 = weights(line3, g.r3, first, row + 3u);
        let w4 = weights(line4, g.r4, first, row + 4u);
        let w5 = weights(line5, g.r5, first, row + 5u);
        let w6 = weights(line6, g.r6, first, row + 6u);
        let w7 = weights(line7, g.r7, first, row + 7u);
        for (var i = 0u; i < v_quads; i++) {
            let v = values_at(first, head, i);
            gather(row, out0 + i, mixed(w0, v));
            gather(row + 1u, out1 + i, mixed(w1, v));
            gather(row + 2u, out2 + i, mixed(w2, v));
            gather(row + 3u, out3 + i, mixed(w3, v));
            gather(row + 4u, out4 + i, mixed(w4, v));
            gather(row + 5u, out5 + i, mixed(w5, v));
            gather(row + 6u, out6 + i, mixed(w6, v));
            gather(row + 7u, out7 + i, mixed(w7, v));
        }
    }
}
