// Laid out like attention_tile.wgsl: thread (query, lane) scores 4 keys of a tile and owns every fourth quad of the
// output.

const ROWS: u32 = 16u;
const LANES: u32 = 4u;
const KEYS: u32 = 16u;

// Two tiles in turn: one barrier a step keeps readers of the last and writers of the next apart.
var<workgroup> scores: array<vec4<f32>, 128>; // [2, query, lane], 4 keys each

// One quad of the output: Σ g v so far, and Σ v so far.
struct Quad {
    product: vec4<f32>,
    sum: vec4<f32>,
}

// The part that comes from the tokens before the chunk.
fn from_state(state: u32, q_start: u32, quad: u32) -> Quad {
    let v_quads = params.value.width / 4u;
    let width = params.key.width;
    var out = Quad(vec4<f32>(0.0), vec4<f32>(0.0));
    if (quad >= v_quads) {
        return out;
    }
    for (var i = 0u; i < width / 4u; i++) {
        let q = feature_map(params.feature, queries[q_start + i]);
        let at = state + i * 4u * v_quads + quad;
        out.product += q.x * prefixes[at] + q.y * prefixes[at + v_quads];
        out.product += q.z * prefixes[at + 2u * v_quads] + q.w * prefixes[at + 3u * v_quads];
    }
    out.sum = prefixes[state + width * v_quads + quad];
    return out;
}

// Adds four tokens of the tile.
fn add_tokens(out: ptr<function, Quad>, token: u32, head: u32, quad: u32, w: vec4<f32>, seen: vec4<f32>) {
    if (quad >= params.value.width / 4u) {
        return;
    }
    let last = params.tokens - 1u;
    let v0 = values[view_start(params.value, min(token, last), head) + quad];
    let v1 = values[view_start(params.value, min(token + 1u, last), head) + quad];
    let v2 = values[view_start(params.value, min(token + 2u, last), head) + quad];
    let v3 = values[view_start(params.value, min(token + 3u, last), head) + quad];
    (*out).product += w.x * v0 + w.y * v1 + w.z * v2 + w.w * v3;
    (*out).sum += seen.x * v0 + seen.y * v1 + seen.z * v2 + seen.w * v3;
}

fn store(row: u32, head: u32, quad: u32, part: Quad, mass: f32) {
    if (quad >= params.value.width / 4u) {
        return;
    }
    var out: vec4<f32>;
    if (params.feature == ELU1) {
        out = part.product / (mass + params.epsilon);
    } else {
        let n = f32(row + 1u);
        out = (part.sum + params.scale * (part.product - mass / n * part.sum)) / n;
    }
    attended[(row * params.heads + head) * params.value.width / 4u + quad] = out;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.y;
    let lane = thread % LANES;
    let mine = thread / LANES * LANES;
    let last = params.tokens - 1u;
    let row = min(group.x * ROWS + thread / LANES, last);
    let q_start = view_start(params.query, row, head);
    let q_quads = params.query.width / 4u;
    let chunk = group.x * ROWS / CHUNK;
    let v_quads = params.value.width / 4u;
    let outer = (params.key.width + 1u) * v_quads;
    let state = (chunk * params.heads + head) * (outer + params.key.width / 4u);

    var mass = 0.0;
    for (var i = 0u; i < q_quads; i++) {
        mass += dot(feature_map(params.feature, queries[q_start + i]), prefixes[state + outer + i]);
    }
    var p0 = from_state(state, q_start, lane);
    var p1 = from_state(state, q_start, lane + 4u);
    var p2 = from_state(state, q_start, lane + 8u);
    var p3 = from_state(state, q_start, lane + 12u);
    var p4 = from_state(state, q_start, lane + 16u);
    var p5 = from_state(state, q_start, lane + 20u);
    var p6 = from_state(state, q_start, lane + 24u);
    var p7 = from_state(state, q_start, lane + 28u);

    let end = min(group.x * ROWS + ROWS - 1u, last);
    var tile = 0u;
    for (var first = chunk * CHUNK; first <= end; first += KEYS) {
        let j = first + lane * 4u;
        let k0 = view_start(params.key, min(j, last), head);
        let k1 = view_start(params.key, min(j + 1u, last), head);
        let k2 = view_start(params.key, min(j + 2u, last), head);
        let k3 = view_start(params.key, min(j + 3u, last), head);
        var g = vec4<f32>(0.0);
        for (var i = 0u; i < q_quads; i++) {
            let q = feature_map(params.feature, queries[q_start + i]);
            g += vec4<f32>(
                dot(q, feature_map(params.feature, keys[k0 + i])),
                dot(q, feature_map(params.feature, keys[k1 + i])),
                dot(q, feature_map(params.feature, keys[k2 + i])),
                dot(q, feature_map(params.feature, keys[k3 + i])),
            );
        }
        let position = vec4<u32>(j, j + 1u, j + 2u, j + 3u);
        scores[tile + thread] = select(g, vec4<f32>(0.0), position > vec4<u32>(row));
        workgroupBarrier();
        for (var part = 0u; part < LANES; part++) {
            let w = scores[tile + mine + part];
            mass += w.x + w.y + w.z + w.w;
            let token = first + part * 4u;
            let tokens = vec4<u32>(token, token + 1u, token + 2u, token + 3u);
            let seen = select(vec4<f32>(1.0), vec4<f32>(0.0), tokens > vec4<u32>(row));
            add_tokens(&p0, token, head, lane, w, seen);
            add_tokens(&p1, token, head, lane + 4u, w, seen);
            add_tokens(&p2, token, head, lane + 8u, w, seen);
            add_tokens(&p3, token, head, lane + 12u, w, seen);
            add_tokens(&p4, token, head, lane + 16u, w, seen);
            add_tokens(&p5, token, head, lane + 20u, w, seen);
            add_tokens(&p6, token, head, lane + 24u, w, seen);
            add_tokens(&p7, token, head, lane + 28u, w, seen);
        }
        tile = 64u - tile;
    }
    if (group.x * ROWS + thread / LANES > last) {
        return;
    }
    store(row, head, lane, p0, mass);
    store(row, head, lane + 4u, p1, mass);
    store(row, head, lane + 8u, p2, mass);
    store(row, head, lane + 12u, p3, mass);
    store(row, head, lane + 16u, p4, mass);
    store(row, head, lane + 20u, p5, mass);
    store(row, head, lane + 24u, p6, mass);
    store(row, head, lane + 28u, p7, mass);
}
