// Shared by every kernel: its text stands before the kernel's own.

// "None" among scores and logits: below every real one, and finite, since shaders may assume no infinities.
const NONE: f32 = -3.0e38;

// Per-head vectors inside a buffer: token t, head h starts at offset + t·row + h·head, in f32 words.
struct HeadView {
    offset: u32,
    row: u32,
    head: u32,
    width: u32,
}

// Where that vector starts, in vec4s: strides and offsets are multiples of 4.
fn view_start(view: HeadView, token: u32, head: u32) -> u32 {
    return (view.offset + token * view.row + head * view.head) / 4u;
}

// Feature maps of the linear modes.
const ELU1: u32 = 1u;

// φ(z) = ELU(z) + 1, or z itself.
fn feature_map(kind: u32, z: vec4<f32>) -> vec4<f32> {
    if (kind == ELU1) {
        return select(exp(min(z, vec4<f32>(0.0))), z + 1.0, z > vec4<f32>(0.0));
    }
    return z;
}

// The tanh form of GELU.
fn gelu(z: vec4<f32>) -> vec4<f32> {
    // tanh saturates long before 10, and overflows to NaN on some drivers when its argument is large.
    let inside = clamp(0.7978845608028654 * (z + 0.044715 * z * z * z), vec4<f32>(-10.0), vec4<f32>(10.0));
    return 0.5 * z * (1.0 + tanh(inside));
}

// The five largest logits seen so far, descending, and their ids.
struct Top {
    values: vec4<f32>,
    value4: f32,
    ids: vec4<f32>,
    id4: f32,
}

fn top_new() -> Top {
    return Top(vec4<f32>(NONE), NONE, vec4<f32>(0.0), 0.0);
}

// Ties keep the smaller id, which is offered first.
fn top_offer(top: ptr<function, Top>, value: f32, id: f32) {
    let v = (*top).values;
    let i = (*top).ids;
    if (value <= (*top).value4) {
        return;
    }
    if (value > v.x) {
        (*top).values = vec4<f32>(value, v.xyz);
        (*top).ids = vec4<f32>(id, i.xyz);
    } else if (value > v.y) {
        (*top).values = vec4<f32>(v.x, value, v.yz);
        (*top).ids = vec4<f32>(i.x, id, i.yz);
    } else if (value > v.z) {
        (*top).values = vec4<f32>(v.xy, value, v.z);
        (*top).ids = vec4<f32>(i.xy, id, i.z);
    } else if (value > v.w) {
        (*top).values = vec4<f32>(v.xyz, value);
        (*top).ids = vec4<f32>(i.xyz, id);
    } else {
        (*top).value4 = value;
        (*top).id4 = id;
        return;
    }
    (*top).value4 = v.w;
    (*top).id4 = i.w;
}
