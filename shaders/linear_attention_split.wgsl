// 16 queries of one head a workgroup. Four strands of 64 threads: each takes one of the chunk's four tiles of 16 keys and
// every fourth row of the state, and they are added up in the end. Within a strand lane l of a query scores 4 keys, from
// 4l on, then owns every fourth quad of the query's output, from quad l on.

const ROWS: u32 = 16u;
const LANES: u32 = 4u;
const KEYS: u32 = 16u;
const STRANDS: u32 = 4u;
const STRAND: u32 = 64u; // threads of one
const NOWHERE: u32 = 0xffffffffu;

// [strand, query, lane]: 4 scores each, then what is added up.
var<workgroup> scores: array<vec4<f32>, 256>;

// One quad of the output: Σ g v so far, and Σ v so far.
struct Quad {
    product: vec4<f32>,
    sum: vec4<f32>,
}

// The strand's part of what comes from the tokens before the chunk.
fn from_state(state: u32, query: u32, quad: u32, strand: u32) -> Quad {
    let v_quads = params.value.width / 4u;
    let width = params.key.width;
    var out = Quad(vec4<f32>(0.0), vec4<f32>(0.0));
    if (quad >= v_quads) {
        return out;
    }
    for (var i = strand; i < width / 4u; i += STRANDS) {
        let q = query_tile[i][query];
        let at = state + i * 4u * v_quads + quad;
        out.product += q.x * prefixes[at] + q.y * prefixes[at + v_quads];
        out.product += q.z * prefixes[at + 2u * v_quads] + q.w * prefixes[at + 3u * v_quads];
    }
    if (strand == 0u) {
        out.sum = prefixes[state + width * v_quads + quad];
    }
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

// The sum over strands of what a thread and its peers hand in.
fn across(thread: u32, mine: vec4<f32>) -> vec4<f32> {
    scores[thread] = mine;
    workgroupBarrier();
    let at = thread % STRAND;
    let sum = scores[at] + scores[at + 64u] + scores[at + 128u] + scores[at + 192u];
    workgroupBarrier();
    return sum;
}

// Four quads of the head's output, from `first` on, one a lane; `out` is where the head's output begins.
fn store(thread: u32, first: u32, out: u32, n: f32, part: Quad, mass: f32) {
    let v_quads = params.value.width / 4u;
    if (first >= v_quads) {
        return;
    }
    let product = across(thread, part.product);
    var row = product / (mass + params.epsilon);
    if (params.feature != ELU1) {
        let sum = across(thread, part.sum);
        row = (sum + params.scale * (product - mass / n * sum)) / n;
    }
    let quad = first + thread % LANES;
    if (thread < STRAND && quad < v_quads && out != NOWHERE) {
        attended[out + quad] = row;
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.y;
    let lane = thread % LANES;
    let strand = thread / STRAND;
    let query = thread % STRAND / LANES;
    let mine = thread / LANES * LANES; // this strand's and query's four entries
    let last = params.tokens - 1u;
    // Rows past the end repeat the last one and are not stored.
    let row = min(group.x * ROWS + query, last);
    fill_queries(thread, group.x * ROWS, head);
    let q_quads = params.query.width / 4u;
    let v_quads = params.value.width / 4u;
    let chunk = group.x * ROWS / CHUNK;
    let outer = (params.key.width + 1u) * v_quads;
    let state = (chunk * params.heads + head) * (outer + params.key.width / 4u);

    var mass = 0.0;
    for (var i = strand; i < q_quads; i += STRANDS) {
        mass += dot(query_tile[i][query], prefixes[state + outer + i]);
    }
    var p0 = from_state(state, query, lane, strand);
    var p1 = from_state(state, query, lane + 4u, strand);
    var p2 = from_state(state, query, lane + 8u, strand);
    var p3 = from_state(state, query, lane + 12u, strand);
    var p4 = from_state(state, query, lane + 16u, strand);
    var p5 = from_state(state, query, lane + 20u, strand);
    var p6 = from_state(state, query, lane + 24u, strand);
    var p7 = from_state(state, query, lane + 28u, strand);

    let first = chunk * CHUNK + strand * KEYS;
    let visible = first <= group.x * ROWS + ROWS - 1u;
    if (visible) {
        let j = first + lane * 4u;
        let k0 = view_start(params.key, min(j, last), head);
        let k1 = view_start(params.key, min(j + 1u, last), head);
        let k2 = view_start(params.key, min(j + 2u, last), head);
        let k3 = view_start(params.key, min(j + 3u, last), head);
        var g = vec4<f32>(0.0);
        for (var i = 0u; i < q_quads; i++) {
            let q = query_tile[i][query];
            g += vec4<f32>(
                dot(q, key_feature(keys[k0 + i])),
                dot(q, key_feature(keys[k1 + i])),
                dot(q, key_feature(keys[k2 + i])),
                dot(q, key_feature(keys[k3 + i])),
            );
        }
        let position = vec4<u32>(j, j + 1u, j + 2u, j + 3u);
        scores[thread] = select(g, vec4<f32>(0.0), position > vec4<u32>(row));
    }
    workgroupBarrier();
    if (visible) {
        for (var part = 0u; part < LANES; part++) {
            let w = scores[mine + part];
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
    }
    workgroupBarrier();
    mass = across(thread, vec4<f32>(mass)).x;
    let stored = group.x * ROWS + query <= last;
    let out = select(NOWHERE, (row * params.heads + head) * v_quads, stored);
    let n = f32(row + 1u);
    store(thread, 0u, out, n, p0, mass);
    store(thread, 4u, out, n, p1, mass);
    store(thread, 8u, out, n, p2, mass);
    store(thread, 12u, out, n, p3, mass);
    store(thread, 16u, out, n, p4, mass);
    store(thread, 20u, out, n, p5, mass);
    store(thread, 24u, out, n, p6, mass);
    store(thread, 28u, out, n, p7, mass);
}
