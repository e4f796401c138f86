// A thread owns its queries' maximum and sum.

struct Running {
    top: f32,
    sum: f32,
    shrink: f32,
}

fn largest(v: vec4<f32>) -> f32 {
    return max(max(v.x, v.y), max(v.z, v.w));
}

fn total(v: vec4<f32>) -> f32 {
    return v.x + v.y + v.z + v.w;
}

// Turns products into weights under the running maximum.
fn advance(state: ptr<function, Running>, g: Row, first: u32, row: u32) -> Row {
    let none = vec4<f32>(NONE);
    let a = select(g.a * params.scale, none, past(first, row, 0u));
    let b = select(g.b * params.scale, none, past(first, row, 1u));
    let c = select(g.c * params.scale, none, past(first, row, 2u));
    let d = select(g.d * params.scale, none, past(first, row, 3u));
    let top = max((*state).top, largest(max(max(a, b), max(c, d))));
    let w = Row(exp(a - top), exp(b - top), exp(c - top), exp(d - top));
    let shrink = exp((*state).top - top);
    (*state).sum = (*state).sum * shrink + total(w.a + w.b + w.c + w.d);
    (*state).shrink = shrink;
    (*state).top = top;
    return w;
}

fn gather(row: u32, at: u32, shrink: f32, fresh: bool, sum: vec4<f32>) {
    if (row < params.tokens) {
        // What an output holds before its first keys may be anything, NaN included.
        attended[at] = sum + select(attended[at] * shrink, vec4<f32>(0.0), fresh);
    }
}

fn finish(row: u32, head: u32, sum: f32) {
    if (row < params.tokens) {
        let out = output_start(row, head);
        for (var i = 0u; i < params.value.width / 4u; i++) {
            attended[out + i] /= sum;
        }
    }
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    // Neighbouring threads take other heads of the same rows, so that they loop equally long.
    let head = id.x % params.heads;
    let row = id.x / params.heads * ROWS;
    if (row >= params.tokens) {
        return;
    }
    let fresh = Running(NONE, 0.0, 0.0);
    var state0 = fresh;
    var state1 = fresh;
    var state2 = fresh;
    var state3 = fresh;
    var state4 = fresh;
    var state5 = fresh;
    var state6 = fresh;
    var state7 = fresh;
    let out0 = output_start(row, head);
    let out1 = output_start(row + 1u, head);
    let out2 = output_start(row + 2u, head);
    let out3 = output_start(row + 3u, head);
    let out4 = output_start(row + 4u, head);
    let out5 = output_start(row + 5u, head);
    let out6 = output_start(row + 6u, head);
    let out7 = output_start(row + 7u, head);
    let end = min(row + ROWS, params.tokens);
    for (var first = 0u; first < end; first += KEYS) {
        let g = products(row, first, head);
        let w0 = advance(&state0, g.r0, first, row);
        let w1 = advance(&state1, g.r1, first, row + 1u);
        let w2 = advance(&state2, g.r2, first, row + 2u);
        let w3 = advance(&state3, g.r3, first, row + 3u);
        let w4 = advance(&state4, g.r4, first, row + 4u);
        let w5 = advance(&state5, g.r5, first, row + 5u);
        let w6 = advance(&state6, g.r6, first, row + 6u);
        let w7 = advance(&state7, g.r7, first, row + 7u);
        for (var i = 0u; i < params.value.width / 4u; i++) {
            let v = values_at(first, head, i);
            gather(row, out0 + i, state0.shrink, first == 0u, mixed(w0, v));
            gather(row + 1u, out1 + i, state1.shrink, first == 0u, mixed(w1, v));
            gather(row + 2u, out2 + i, state2.shrink, first == 0u, mixed(w2, v));
            gather(row + 3u, out3 + i, state3.shrink, first == 0u, mixed(w3, v));
            gather(row + 4u, out4 + i, state4.shrink, first == 0u, mixed(w4, v));
            gather(row + 5u, out5 + i, state5.shrink, first == 0u, mixed(w5, v));
            gather(row + 6u, out6 + i, state6.shrink, first == 0u, mixed(w6, v));
            gather(row + 7u, out7 + i, state7.shrink, first == 0u, mixed(w7, v));
        }
    }
    finish(row, head, state0.sum);
    finish(row + 1u, head, state1.sum);
    finish(row + 2u, head, state2.sum);
    finish(row + 3u, head, state3.sum);
    finish(row + 4u, head, state4.sum);
    finish(row + 5u, head, state5.sum);
    finish(row + 6u, head, state6.sum);
    finish(row + 7u, head, state7.sum);
}
