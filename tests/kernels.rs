//! Every kernel on the GPU, and its form for CPUs, against its plain reference, at odd sizes, in strided buffers,
//! at the edges of what the plans ask for; and every one of these comparisons seen to fail on a shader broken on
//! purpose.
#![allow(clippy::print_stdout)] // The largest errors are worth seeing in a test's output.

mod common;

use cascade::engine::{Engine, Gpu};
use cascade::kernels::{
    Form, HeadView, KernelId, Op, TABLE, WEIGHT_INPUT, Weights, attention, bisection, cholesky, chunk_scan,
    chunk_state, congruence, double, embed, gram, head_product, interleave, layer_norm, linear_attention, matmul,
    row_norms, token_scores, tridiagonal, unembed,
};
use cascade::model::random::Rng;
use common::gpu;

/// What output buffers hold before a launch: a kernel that leaves words unwritten, or writes where it should
/// not, shows.
const POISON: f32 = 12345.0;
/// Poisoned words behind the output; nothing may touch them.
const GUARD: usize = 64;

/// One launch with its inputs.
struct Case {
    op: Op,
    inputs: Vec<Vec<f32>>,
}

/// |found − expected| ≤ atol + rtol·|expected|. The references round once, from f64.
struct Tolerance {
    atol: f64,
    rtol: f64,
}

fn tolerance(kernel: KernelId) -> Tolerance {
    let of = |atol, rtol| Tolerance { atol, rtol };
    match kernel {
        // Two operations, each rounded: 2·2⁻²⁴, with headroom for a fused one.
        KernelId::Embed => of(0.0, 3e-7),
        // Copies.
        KernelId::Interleave => of(0.0, 0.0),
        // Rows have a mean of up to 10 and outputs of up to 5: 10·2⁻²⁴ in the mean shifts all by about 1e-6.
        KernelId::LayerNorm => of(1e-5, 1e-5),
        // Up to 256 products of up to 1: the sum rounds by at most 256·16·2⁻²⁴ ≈ 2e-4, by some 1e-6 as a rule.
        KernelId::Matmul => of(1e-5, 1e-5),
        // The same with up to 128 products.
        KernelId::HeadProduct => of(1e-5, 1e-5),
        // Weights sum to 1 and values are at most 1. A score of size s is wrong by about s·2⁻²⁴, and so, as a
        // fraction, is its weight: scores here reach a few hundred.
        KernelId::Attention => of(2e-5, 1e-5),
        // Sums of 64 products of up to 2.
        KernelId::ChunkState => of(2e-5, 1e-5),
        // Sums of up to 7 values of up to 1.
        KernelId::ChunkScan => of(1e-6, 1e-6),
        // Products of 64 wide vectors with states that sum up to 200 tokens, divided by the token's number.
        KernelId::LinearAttention => of(5e-6, 5e-6),
        // Logits of up to 10 from 68 products; ids are whole numbers and off by at least 1 where wrong.
        KernelId::Unembed => of(1e-5, 1e-5),
        // exp and log of logits of up to 20.
        KernelId::TokenScores => of(1e-5, 1e-5),
        // Sums of up to 128 squares of one sign: no cancellation.
        KernelId::RowNorms => of(1e-7, 1e-6),
        // Pairs of f32 hold 48 bits and operations keep some 46, of sums of up to 193 products of up to 1.
        KernelId::Gram => of(1e-12, 1e-12),
        // Compared through C Cᵀ, of the size of the sums.
        KernelId::Cholesky => of(1e-10, 1e-12),
        KernelId::Congruence => of(1e-11, 1e-12),
        // Compared through eigenvalues, of up to some hundreds, as shares of the largest.
        KernelId::Tridiagonal => of(1e-11, 0.0),
        // Rounded to f32; bisection ends at 2⁻³³ of a bound of up to 32.
        KernelId::Bisection => of(4e-9, 1e-7),
    }
}

/// Broken shaders: each replaces one string of the kernel's text, and must make its comparison fail.
fn mutations(kernel: KernelId) -> &'static [(&'static str, &'static str)] {
    match kernel {
        KernelId::Embed => &[
            ("(e + p)", "(e - p)"),
            ("token >= params.tokens", "token + 1u >= params.tokens"),
            ("name >= params.vocab", "name > params.vocab"),
            ("u32(ids[token]) - params.first_id", "u32(ids[token])"),
            ("unpack2x16float(four.y)", "unpack2x16float(four.x)"),
            ("vec4<f32>(weight[at])", "vec4<f32>(weight[at].xyzz)"),
        ],
        KernelId::Interleave => &[
            ("params.target_first", "params.source_first"),
            ("id.y * params.source_lanes", "id.y * params.target_lanes"),
            ("params.count * quads", "params.count * quads - 1u"),
        ],
        KernelId::LayerNorm => &[
            ("+ params.epsilon", "+ 2.0 * params.epsilon"),
            ("i < quads", "i + 1u < quads"),
            ("id.x >= params.rows", "id.x + 1u >= params.rows"),
        ],
        KernelId::Matmul => &[
            ("0.044715", "0.0446"),
            ("let at = start + cols;", "let at = cols;"),
            ("col + 3u < params.cols", "col + 4u < params.cols"),
            ("row >= params.rows", "row > params.rows"),
            ("unpack2x16float(four.y)", "unpack2x16float(four.x)"),
            ("vec4<f32>(weight[at])", "vec4<f32>(weight[at].xyzz)"),
            // narrow
            ("dot(r3, d)", "dot(r3, c)"),
            // wide
            ("col + 4u, sums.high", "col + 4u, sums.low"),
            ("dot(q7, h)", "dot(q6, h)"),
            // tile, big, split and strip
            ("fma(vec4<f32>(q.w)", "fma(vec4<f32>(q.z)"),
            ("quad >= quads", "quad > quads"),
            ("first_row + line, params", "first_row + line + 1u, params"),
            ("first_row + line, last_row", "first_row + line + 1u, last_row"),
            ("min(first_col + line + 64u", "min(first_col + line"),
            ("min(first_col + line + 32u", "min(first_col + line"),
            ("min(first_col + line + 16u", "min(first_col + line"),
            ("w.e, w.f, w.g, w.h", "w.e, w.f, w.h, w.g"),
            ("strand > 1u", "strand > 2u"),
            ("at = peer", "at = 0u"),
        ],
        KernelId::HeadProduct => &[
            ("head % params.kernels", "head"),
            ("i < quads", "i + 1u < quads"),
            ("quad + 1u < params.out.width / 4u", "true"),
            ("row + 3u, last", "row + 2u, last"),
        ],
        KernelId::Attention => &[
            // split
            ("block <= end", "block < end"),
            ("(*out).a5 *= shrink;", ""),
            ("min(3u, last", "min(2u, last"),
            ("merge(thread, 28u, out, sums.a7", "merge(thread, 28u, out, sums.a6"),
            ("> vec4<u32>(row);", ">= vec4<u32>(row);"),
            ("vec4<f32>(0.0), hidden", "vec4<f32>(1.0), hidden"),
            ("exp(top - merged_top)", "exp(merged_top - merged_top)"),
            ("other = 1u", "other = 2u"),
            ("strand_sum.y *", "sum *"),
            ("quad < params.value.width / 4u && ", ""),
            ("head % params.kernels", "head % 1u"),
            ("q.w * matrices[at + 3u * quads]", "q.w * matrices[at + 2u * quads]"),
            ("cell < quads * ROWS", "cell < quads * ROWS - 1u"),
            ("first_row + row, params", "first_row + row + 1u, params"),
            // rows
            ("at + 3u) > vec4<u32>(row)", "at + 2u) > vec4<u32>(row)"),
            ("first < end", "first + 1u < end"),
            ("attended[at] * shrink", "attended[at]"),
            ("w.d.w * v.v15", "w.d.w * v.v14"),
            ("first + 11u", "first + 10u"),
            ("row < params.tokens", "row <= params.tokens"),
        ],
        KernelId::ChunkState => &[
            // split
            ("t <= last", "true"),
            (
                "k = feature_map(params.feature, keys[view_start(params.key, min(t, last), head) + k_quad]);",
                "k = keys[view_start(params.key, min(t, last), head) + k_quad];",
            ),
            ("v = feature_map(params.feature, keys", "v = (keys"),
            ("rows[cell + 192u]", "rows[cell + 128u]"),
            ("cell + 3u * outer", "cell + 2u * outer"),
            ("cell < cells);", "cell + 1u < cells);"),
            // blocks
            ("min(first + CHUNK, params.tokens)", "first + CHUNK"),
            ("let k1 = feature_map(params.feature, keys[k_at + k_next]);", "let k1 = keys[k_at + k_next];"),
            ("sum += feature_map(params.feature, keys", "sum += (keys"),
            ("v_quad >= v_quads", "false"),
            ("id.x >= blocks + v_quads + k_quads", "id.x + 1u >= blocks + v_quads + k_quads"),
        ],
        KernelId::ChunkScan => &[("prefixes[at] = sum", "prefixes[at] = sum + states[at]")],
        KernelId::LinearAttention => &[
            ("(mass + params.epsilon)", "mass"),
            // split
            ("mass / n *", "mass *"),
            ("position > vec4<u32>(row)", "position >= vec4<u32>(row)"),
            ("tokens > vec4<u32>(row)", "tokens > vec4<u32>(last)"),
            ("28u, out, n, p7", "28u, out, n, p6"),
            ("scores[at + 192u]", "scores[at + 128u]"),
            ("strand == 0u", "strand <= 1u"),
            ("head % params.kernels", "head % 1u"),
            ("q.y * matrices[at + quads]", "q.y * matrices[at]"),
            ("key_feature(made_query(start, head, quad))", "made_query(start, head, quad)"),
            ("key_feature(queries[start + quad])", "queries[start + quad]"),
            ("cell += 256u", "cell += 512u"),
            // rows
            ("params.scale * mass / n) / n", "params.scale * mass) / n"),
            ("at + 3u) > vec4<u32>(row)", "at + 2u) > vec4<u32>(row)"),
            ("t < row", "t + 1u < row"),
            ("line7.constant * total", "line7.constant"),
            ("w.c.y * v.v9", "w.c.y * v.v8"),
            ("row < params.tokens", "row <= params.tokens"),
        ],
        KernelId::Unembed => &[
            (">= vec4<u32>(params.vocab)", "> vec4<u32>(params.vocab)"),
            ("value <= (*top).value4", "value < (*top).value4"),
            ("value > v.x", "value >= v.x"),
            ("difference >= 0.0", "difference > 0.0"),
            ("(*state).sum * exp((*state).largest - largest)", "(*state).sum"),
            ("f32(params.first_id + entry)", "f32(entry)"),
            ("params.first_id / SLAB + slab", "slab"),
            ("unpack2x16float(four.y)", "unpack2x16float(four.x)"),
            ("vec4<f32>(weight[at])", "vec4<f32>(weight[at].xyzz)"),
            // rows
            ("logits.r7.high", "logits.r7.low"),
            // tile
            ("head.y * exp(head.x - largest)", "head.y"),
            ("name < (*top).ids[i]", "name > (*top).ids[i]"),
            ("offer_any(&top, head.w", "offer_any(&top, values.w"),
        ],
        KernelId::TokenScores => &[
            ("value > v.y", "value >= v.y"),
            ("(*state).sum * exp((*state).largest - largest)", "(*state).sum"),
            ("record.head.y * exp(record.head.x - largest)", "record.head.y"),
            ("top_offer(&top, record.middle.x, record.tail.y);", ""),
            ("max((*state).target_logit, record.head.z)", "record.head.z"),
            // split
            ("(lane + 1u) * share", "lane * share + 1u"),
            ("thread + step * ROWS", "thread + ROWS"),
            ("row < params.rows", "row <= params.rows"),
            // rows
            ("row >= params.rows", "row > params.rows"),
        ],
        KernelId::RowNorms => &[
            ("group.y * params.rows + row]", "row]"),
            ("sqrt(sums[thread])", "sums[thread]"),
            ("half = THREADS / 2u", "half = THREADS / 4u"),
            ("return x4[at]", "return x3[at]"),
        ],
        KernelId::Gram => &[
            ("i < params.width", "true"),
            ("params.first + group.z", "group.z"),
            ("group.z / params.heads", "0u"),
            ("t = local.z", "t = local.z + 4u"),
            ("gram[(at + j) * params.n + i] = out;", ""),
            ("(high.y + product.y)", "product.y"),
            ("a_low * b_high) + a_low * b_low", "a_low * b_high)"),
        ],
        KernelId::Cholesky => &[
            ("atomicMin(&chosen, column)", "atomicMin(&chosen, 0u)"),
            ("!(value.x <= least)", "true"),
            ("j + 3u * strands < k", "j + 3u * strands <= k"),
            ("d0, d1)", "c0, d1)"),
            ("0.5 * inverse * rest.x", "0.0"),
            ("estimate * rest.x", "0.0"),
        ],
        KernelId::Congruence => &[
            ("% params.group", "% 1u"),
            ("k.x != 0.0", "k.x > 0.0"),
            ("(product.y + (a.x * b.y + a.y * b.x)))", "product.y)"),
            ("factor[start + i * n + j]", "factor[start + j * n + i]"),
        ],
        KernelId::Tridiagonal => &[
            ("% params.batch", "% 1u"),
            ("head.x < 0.0", "head.x > 0.0 && k > 0u"),
            ("group.x < params.batch", "group.x <= params.batch"),
            ("-w[i + strands], mine", "-w[i], mine"),
            ("params.n > 64u", "params.n > 128u"),
            ("0.5 * multiply(multiply", "multiply(multiply"),
            ("norm.x != 0.0", "true"),
            ("add_product(other, d, v", "add_product(other, c, v"),
            ("product[next] + product[next]", "product[next]"),
            ("if (i == next)", "if (i > next)"),
        ],
        KernelId::Bisection => &[
            ("<= index", "< index"),
            ("(253u - exponent)", "(250u - exponent)"),
            ("thread - 1u", "thread"),
            ("FINE: f32 = 0x1p-33", "FINE: f32 = 0x1p-20"),
            ("high.y + low)", "high.y)"),
            ("LITTLE: f32 = 0x1p-46", "LITTLE: f32 = 0.0"),
            ("254u - clamp(exponent, 1u, 253u)", "127u"),
        ],
    }
}

/// Mutations that change no result of a form: the tiles of unembedding put equal logits in order when they merge, and
/// the form of linear attention without φ leaves elu1 to the one before it.
const HARMLESS: [(&str, &str); 3] = [
    ("unembed, tile", "value <= (*top).value4"),
    ("unembed, tile", "value > v.x"),
    ("linear_attention, rows", "(mass + params.epsilon)"),
];

fn cases(kernel: KernelId) -> Vec<Case> {
    let rng = &mut Rng(kernel as u64 + 1);
    match kernel {
        KernelId::Embed => embed_cases(rng),
        KernelId::Interleave => interleave_cases(rng),
        KernelId::LayerNorm => layer_norm_cases(rng),
        KernelId::Matmul => matmul_cases(rng),
        KernelId::HeadProduct => head_product_cases(rng),
        KernelId::Attention => attention_cases(rng),
        KernelId::ChunkState => chunk_state_cases(rng),
        KernelId::ChunkScan => chunk_scan_cases(rng),
        KernelId::LinearAttention => linear_attention_cases(rng),
        KernelId::Unembed => unembed_cases(rng),
        KernelId::TokenScores => token_scores_cases(rng),
        KernelId::RowNorms => row_norms_cases(rng),
        KernelId::Gram => gram_cases(rng),
        KernelId::Cholesky => cholesky_cases(rng),
        KernelId::Congruence => congruence_cases(rng),
        KernelId::Tridiagonal => tridiagonal_cases(rng),
        KernelId::Bisection => bisection_cases(rng),
    }
}

fn embed_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    for (tokens, d_model, first_id) in
        [(1, 4, 0), (7, 60, 0), (5, 64, 0), (3, 68, 0), (31, 128, 0), (2, 192, 0), (9, 20, 3)]
    {
        let vocab = 11;
        // The last id, the first, and repeats. Ids outside of the part that is bound leave their tokens alone.
        let ids = (0..tokens).map(|t| ((vocab - 1 + t * 4) % (vocab + 2 * first_id)) as f32).collect();
        let params = embed::Params { tokens, d_model, scale: 3.7, vocab, first_id, pad: [0; 3] };
        let tables = [vocab, tokens + 3].map(|rows| rng.values((rows * d_model) as usize, 1.0));
        cases.push(Case { op: Op::Embed(params), inputs: [vec![ids], tables.to_vec()].concat() });
    }
    cases
}

/// Whole targets, and targets with lanes beside that must stay as they were.
fn interleave_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, width, count, source, target) in [
        (1, 4, 1, (1, 0), (1, 0)),
        (7, 8, 2, (3, 1), (2, 0)),
        (5, 64, 3, (3, 0), (3, 0)),
        (3, 20, 1, (4, 3), (1, 0)),
        (4, 192, 2, (2, 0), (5, 3)),
        (2, 12, 1, (1, 0), (3, 1)),
    ] {
        let params = interleave::Params {
            rows,
            width,
            count,
            source_lanes: source.0,
            source_first: source.1,
            target_lanes: target.0,
            target_first: target.1,
            pad: 0,
        };
        cases.push(Case {
            op: Op::Interleave(params),
            inputs: vec![rng.values((rows * source.0 * width) as usize, 1.0)],
        });
    }
    cases
}

fn layer_norm_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, d_model, shift, scale) in [
        (1, 4, 0.0, 1.0),
        (3, 60, 0.0, 1.0),
        (2, 64, 10.0, 1.0),
        (5, 68, -3.0, 0.1),
        (1, 128, 0.0, 0.003),
        (7, 192, 1.0, 0.0),
        (9, 260, 1.0, 1.0),
    ] {
        let params = layer_norm::Params { rows, d_model, epsilon: 1e-5, pad: 0 };
        let x = rng.values((rows * d_model) as usize, scale).iter().map(|x| x + shift).collect();
        let [gain, bias] = [2.0, 1.0].map(|scale| rng.values(d_model as usize, scale));
        cases.push(Case { op: Op::LayerNorm(params), inputs: vec![x, gain, bias] });
    }
    cases
}

fn matmul_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [(1, 4, 1), (31, 60, 33), (32, 64, 32), (33, 68, 31), (97, 192, 101), (2, 256, 67), (65, 20, 129)];
    for (rows, inner, cols) in sizes {
        for flags in 0..8 {
            let params = matmul::Params { rows, inner, cols, flags };
            let lengths = [rows * inner, cols * inner, cols, rows * cols];
            // Large enough in the last for GELU to saturate on both sides.
            let inputs = lengths.map(|n| rng.values(n as usize, 1.0)).to_vec();
            cases.push(Case { op: Op::Matmul(params), inputs });
        }
    }
    cases
}

/// Per-head vectors with gaps between heads and rows, away from the buffer's start.
fn strided(heads: u32, width: u32) -> HeadView {
    HeadView { offset: 8, row: heads * (width + 4) + 12, head: width + 4, width }
}

/// Per-head vectors without gaps.
fn dense(heads: u32, width: u32) -> HeadView {
    HeadView { offset: 0, row: heads * width, head: width, width }
}

/// Random contents of a buffer that just holds such a view.
fn fill(rng: &mut Rng, view: HeadView, rows: u32, heads: u32, scale: f32) -> Vec<f32> {
    let words = view.offset + (rows - 1) * view.row + (heads - 1) * view.head + view.width;
    // A view of width 0 reads nothing, but there is no binding an empty buffer.
    rng.values(words.max(4) as usize, scale)
}

fn head_product_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, heads, width) in [(1, 1, 4), (15, 3, 4), (17, 2, 8), (63, 1, 20), (65, 3, 32), (7, 2, 64), (5, 1, 128)] {
        for view in [dense, strided] {
            let (z, out) = (view(heads, width), view(heads, width));
            // As many matrices as heads, or fewer, which the heads of several lanes share.
            let kernels = if rows % 4 == 3 { heads.div_ceil(2) } else { heads };
            let params = head_product::Params { rows, heads, kernels, pad: [0; 1], z, out };
            let inputs = vec![fill(rng, z, rows, heads, 1.0), rng.values((kernels * width * width) as usize, 1.0)];
            cases.push(Case { op: Op::HeadProduct(params), inputs });
        }
    }
    cases
}

/// Matrices that leave queries about as long as what they are made of.
fn query_matrices(rng: &mut Rng, kernels: u32, width: u32) -> Vec<f32> {
    // There is no binding an empty buffer.
    rng.values((kernels * width * width).max(4) as usize, (3.0 / width.max(1) as f32).sqrt())
}

fn attention_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    let sizes = [
        (1, 1, 4, 4),
        (15, 2, 4, 20),
        (16, 3, 8, 4),
        (17, 1, 12, 36),
        (31, 2, 32, 32),
        (33, 1, 64, 64),
        (97, 2, 24, 8),
        (35, 1, 20, 68),
        (19, 2, 128, 100),
        (67, 1, 64, 128),
        (150, 1, 8, 96),
    ];
    for (tokens, heads, width, value_width) in sizes {
        for (view, size) in [(dense as fn(u32, u32) -> HeadView, 1.0), (strided, 30.0 / (width as f32).sqrt())] {
            // Queries as they are, and from matrices: one for all heads, one each.
            for kernels in [0, 1, heads] {
                let (query, key, value) = (view(heads, width), view(heads, width), view(heads, value_width));
                let scale = 1.0 / (width as f32).sqrt();
                let params = attention::Params { tokens, heads, scale, kernels, query, key, value };
                let mut inputs = vec![fill(rng, query, tokens, heads, size), fill(rng, key, tokens, heads, size)];
                inputs.push(fill(rng, value, tokens, heads, 1.0));
                inputs.push(query_matrices(rng, kernels, width));
                cases.push(Case { op: Op::Attention(params), inputs });
            }
        }
    }
    // q, k and v of all heads in one buffer, as the plans have them; equal scores; scores of ±1000, where one
    // key takes all.
    for (scale, tokens) in [(0.25, 37), (0.0, 50), (700.0, 20)] {
        let (heads, width) = (2, 8);
        let view = |offset, width| HeadView { offset, row: heads * 20, head: width, width };
        let query = HeadView { head: 16, ..view(0, width) };
        let (key, value) = (HeadView { offset: 8, ..query }, HeadView { head: 4, ..view(32, 4) });
        let params = attention::Params { tokens, heads, scale, kernels: 0, query, key, value };
        // Eighths: the scores themselves are exact, however large.
        let all: Vec<f32> = rng.values((tokens * heads * 20) as usize, 8.0).iter().map(|x| x.round() / 8.0).collect();
        cases.push(Case { op: Op::Attention(params), inputs: vec![all; 4] });
    }
    cases
}

/// (tokens, heads, width, value width) of the linear modes: around chunks of 64 and tiles of 16.
const LINEAR_SIZES: [(u32, u32, u32, u32); 11] = [
    (1, 1, 4, 4),
    (15, 2, 8, 12),
    (17, 1, 4, 128),
    (63, 2, 32, 32),
    (64, 1, 20, 36),
    (65, 3, 8, 4),
    (127, 1, 64, 64),
    (129, 2, 12, 20),
    (71, 1, 128, 8),
    (193, 1, 0, 32),
    (80, 2, 0, 100),
];

fn linear_params() -> Vec<(chunk_state::Params, HeadView)> {
    let mut all = Vec::new();
    for (tokens, heads, width, value_width) in LINEAR_SIZES {
        for feature in [chunk_state::IDENTITY, chunk_state::ELU1] {
            // Uniform averaging, width 0, has no features.
            if width == 0 && feature == chunk_state::ELU1 {
                continue;
            }
            let view = if tokens % 2 == 0 { dense } else { strided };
            let (key, value) = (view(heads, width), view(heads, value_width));
            all.push((chunk_state::Params { tokens, heads, feature, pad: 0, key, value }, key));
        }
    }
    all
}

fn chunk_state_cases(rng: &mut Rng) -> Vec<Case> {
    let case = |(p, _): (chunk_state::Params, HeadView)| Case {
        op: Op::ChunkState(p),
        inputs: [p.key, p.value].map(|view| fill(rng, view, p.tokens, p.heads, 1.0)).to_vec(),
    };
    linear_params().into_iter().map(case).collect()
}

fn chunk_scan_cases(rng: &mut Rng) -> Vec<Case> {
    let case = |(chunks, words)| Case {
        op: Op::ChunkScan(chunk_scan::Params { chunks, words, pad: [0; 2] }),
        inputs: vec![rng.values((chunks * words) as usize, 1.0)],
    };
    [(1, 1), (2, 63), (3, 64), (7, 65), (5, 193)].map(case).into()
}

fn linear_attention_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    for (p, query) in linear_params() {
        let (keys, values) = (fill(rng, p.key, p.tokens, p.heads, 1.0), fill(rng, p.value, p.tokens, p.heads, 1.0));
        // True states, so that denominators are what they are in a model.
        let states = reference(&Case { op: Op::ChunkState(p), inputs: vec![keys.clone(), values.clone()] }, 0);
        let words = p.heads * chunk_state::state_words(p.key.width, p.value.width);
        let scan = chunk_scan::Params { chunks: p.tokens.div_ceil(chunk_state::CHUNK), words, pad: [0; 2] };
        let prefixes = reference(&Case { op: Op::ChunkScan(scan), inputs: vec![states] }, 0);
        // Uniform averaging has no queries to make.
        for kernels in [0, p.heads.min(query.width)] {
            let params = linear_attention::Params {
                tokens: p.tokens,
                heads: p.heads,
                feature: p.feature,
                scale: 0.7,
                epsilon: linear_attention::ELU1_EPSILON,
                kernels,
                pad: [0; 2],
                query,
                key: p.key,
                value: p.value,
            };
            let queries = fill(rng, query, p.tokens, p.heads, 1.0);
            let matrices = query_matrices(rng, kernels, query.width);
            let inputs = vec![queries, keys.clone(), values.clone(), prefixes.clone(), matrices];
            cases.push(Case { op: Op::LinearAttention(params), inputs });
        }
    }
    // φ(k) of deeply negative keys is next to nothing: here the denominator is its ε.
    let (tokens, heads, view) = (70, 1, dense(1, 4));
    let params = linear_attention::Params {
        tokens,
        heads,
        feature: chunk_state::ELU1,
        scale: 1.0,
        epsilon: linear_attention::ELU1_EPSILON,
        kernels: 0,
        pad: [0; 2],
        query: view,
        key: view,
        value: view,
    };
    let words = chunk_state::state_words(4, 4) as usize * 2;
    let inputs = vec![vec![0.0; 280], vec![-16.0; 280], rng.values(280, 1.0), vec![0.0; words], vec![0.0; 4]];
    cases.push(Case { op: Op::LinearAttention(params), inputs });
    cases
}

fn unembed_cases(rng: &mut Rng) -> Vec<Case> {
    const SLAB: u32 = unembed::SLAB;
    let mut cases = Vec::new();
    for (rows, d_model, vocab) in
        [(1, 4, 1), (31, 8, 3), (33, 68, 31), (5, 4, SLAB - 1), (67, 12, SLAB), (3, 20, SLAB + 1), (40, 64, 1031)]
    {
        for ties in [false, true] {
            let params = unembed::Params::whole(rows, d_model, vocab);
            // Whole numbers for ties: many logits are then exactly equal.
            let mut values = |n: u32, scale: f32| -> Vec<f32> {
                let values = rng.values(n as usize, scale);
                if ties { values.iter().map(|x| x.round()).collect() } else { values }
            };
            let (x, embedding) = (values(rows * d_model, 1.0), values(vocab * d_model, 1.4));
            // No target, the first id, the last, and others.
            let target = |t: u32| [-1.0, 0.0, (vocab - 1) as f32, (t * 37 % vocab) as f32][t as usize % 4];
            let targets = (0..rows).map(target).collect();
            cases.push(Case { op: Op::Unembed(params), inputs: vec![x, embedding, targets] });
        }
    }
    // All logits equal, and logits so different that only one counts.
    for scale in [0.0, 40.0] {
        let params = unembed::Params::whole(6, 4, 600);
        let x = vec![scale; 24];
        let embedding = (0..2400).map(|i| ((i / 4 * 7919) % 600) as f32 / 600.0).collect();
        let targets = [-1, 0, 31, SLAB as i32 - 1, SLAB as i32, 599].map(|id| id as f32).to_vec();
        cases.push(Case { op: Op::Unembed(params), inputs: vec![x, embedding, targets] });
    }
    // The second part of a vocabulary of five slabs.
    let (first_id, vocab) = (2 * SLAB, SLAB + 60);
    let params = unembed::Params { first_id, slabs: 5, ..unembed::Params::whole(9, 4, vocab) };
    let inside = [0, 76, SLAB - 1, SLAB, vocab - 1, vocab].map(|id| (first_id + id) as f32);
    let targets = [&[-1.0, 0.0, first_id as f32 - 1.0], inside.as_slice()].concat();
    let inputs = vec![rng.values(36, 1.0), rng.values(4 * vocab as usize, 1.0), targets];
    cases.push(Case { op: Op::Unembed(params), inputs });
    cases
}

/// The records of whole-number logits: ties within a slab and between slabs.
fn token_scores_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    // The last is the vocabulary of GPT-2.
    for (rows, slabs) in [(1, 1), (63, 2), (64, 3), (65, 1), (131, 4), (9, 16), (6, 31), (5, 33), (3, 393)] {
        let vocab = slabs * unembed::SLAB - 100;
        let params = unembed::Params::whole(rows, 4, vocab);
        let mut values = |n: u32| rng.values(n as usize, 4.0).iter().map(|x| x.round() / 2.0).collect::<Vec<_>>();
        let (x, embedding) = (values(rows * 4), values(vocab * 4));
        let targets = (0..rows).map(|t| if t % 5 == 0 { -1.0 } else { (t * 31 % vocab) as f32 }).collect();
        let partials = reference(&Case { op: Op::Unembed(params), inputs: vec![x, embedding, targets] }, 0);
        let params = token_scores::Params { rows, slabs, pad: [0; 2] };
        cases.push(Case { op: Op::TokenScores(params), inputs: vec![partials] });
    }
    cases
}

/// Inputs of a kernel that takes up to six, the first `count` of which are used.
fn six(count: u32, mut input: impl FnMut() -> Vec<f32>) -> Vec<Vec<f32>> {
    let mut inputs: Vec<Vec<f32>> = (0..count).map(|_| input()).collect();
    inputs.resize(6, inputs[0].clone());
    inputs
}

fn gram_cases(rng: &mut Rng) -> Vec<Case> {
    let mut cases = Vec::new();
    for (length, width, n, heads, count) in [
        (1, 4, 4, 1, 1),
        (63, 4, 12, 3, 2),
        (65, 8, 8, 2, 6),
        (127, 64, 68, 1, 1),
        (193, 20, 32, 2, 5),
        (9, 128, 128, 1, 3),
    ] {
        // Operating: vectors lie along rows. Capacity: they lie down the columns of W, [heads·width, length].
        let row = heads * width + 12;
        let params = gram::Params {
            length,
            width,
            n,
            heads,
            offset: 4,
            row,
            head: width,
            column: 1,
            first: 1,
            total: count * heads + 2,
            inputs: count,
            zero: 0,
        };
        let capacity = gram::Params { offset: 0, row: 1, head: width * length, column: length, ..params };
        let inputs = six(count, || rng.values((4 + length * row) as usize, 1.0));
        cases.push(Case { op: Op::Gram(params), inputs });
        let inputs = six(count, || rng.values((heads * width * length) as usize, 1.0));
        cases.push(Case { op: Op::Gram(capacity), inputs });
    }
    cases
}

/// Sides of the small matrices: powers of two and others, with few strands of threads and with many.
const SIDES: [u32; 7] = [8, 16, 24, 48, 64, 120, 128];

/// Numbers as pairs of f32.
fn pairs(values: &[f64]) -> Vec<f32> {
    values.iter().flat_map(|x| double::pair(*x)).collect()
}

/// Numbers of up to `scale` with more digits than f32 holds.
fn doubles(rng: &mut Rng, count: usize, scale: f64) -> Vec<f64> {
    (0..count).map(|_| scale * (f64::from(rng.next_f32()) + 1e-8 * f64::from(rng.next_f32()))).collect()
}

/// ZᵀZ with Z \[rank, n\], whose columns are of very different size.
fn gram_matrix(rng: &mut Rng, n: usize, rank: usize, grade: f64) -> Vec<f64> {
    let mut z = doubles(rng, rank * n, 1.0);
    z.iter_mut().enumerate().for_each(|(e, x)| *x *= grade.powi((e % n) as i32));
    (0..n * n).map(|e| z.chunks_exact(n).map(|row| row[e / n] * row[e % n]).sum()).collect()
}

fn cholesky_cases(rng: &mut Rng) -> Vec<Case> {
    let case = |n: u32| {
        let side = n as usize;
        // Of full rank, of half, graded, padded with zeros, and nothing at all.
        let mut padded = gram_matrix(rng, side, side, 1.0);
        (0..side * side).filter(|e| e / side > side / 2 || e % side > side / 2).for_each(|e| padded[e] = 0.0);
        let matrices = [
            gram_matrix(rng, side, side + 3, 1.0),
            gram_matrix(rng, side, side / 2, 1.0),
            gram_matrix(rng, side, side, 0.9),
            padded,
            vec![0.0; side * side],
        ];
        let params = cholesky::Params { batch: matrices.len() as u32, n, floor: cholesky::FLOOR, zero: 0 };
        Case { op: Op::Cholesky(params), inputs: vec![pairs(&matrices.concat())] }
    };
    SIDES.map(case).into()
}

fn congruence_cases(rng: &mut Rng) -> Vec<Case> {
    let case = |n: u32| {
        let (batch, group) = (4, 2);
        let size = (n * n) as usize;
        let factors = doubles(rng, batch * size, 1.0);
        // One matrix is full, the other that of a standard head.
        let mut kernels = doubles(rng, group * size, 1.0);
        let (side, half) = (n as usize, n as usize / 2);
        kernels[size..].iter_mut().enumerate().for_each(|(e, k)| *k = f64::from(e % side == e / side + half));
        let params = congruence::Params { batch: batch as u32, group: group as u32, n, zero: 0 };
        Case { op: Op::Congruence(params), inputs: vec![pairs(&factors), pairs(&kernels)] }
    };
    SIDES.map(case).into()
}

fn tridiagonal_cases(rng: &mut Rng) -> Vec<Case> {
    let case = |n: u32| {
        let side = n as usize;
        let size = side * side;
        // Any, one with nothing in its second half, one that is diagonal already, and nothing.
        let mut low = doubles(rng, size, 1.0);
        (0..size).filter(|e| e / side >= side / 2 || e % side >= side / 2).for_each(|e| low[e] = 0.0);
        let diagonal = (0..size).map(|e| if e / side == e % side { (e % 5) as f64 } else { 0.0 }).collect();
        let matrices = [doubles(rng, size, 1.0), low, diagonal, vec![0.0; size]];
        let params = tridiagonal::Params { batch: matrices.len() as u32, n, zero: 0, pad: [0; 1] };
        Case { op: Op::Tridiagonal(params), inputs: vec![pairs(&matrices.concat())] }
    };
    SIDES.map(case).into()
}

fn bisection_cases(rng: &mut Rng) -> Vec<Case> {
    let case = |n: u32| {
        let size = (n * (n + 2)) as usize;
        // Any; tiny, where squares would underflow; split in many, with zeros on the diagonal; and nothing.
        let mut all = doubles(rng, size, 5.0);
        all.extend(doubles(rng, size, 1e-25));
        all.extend((0..size).map(|e| if e % 4 == 1 { 2.5 } else { 0.0 }));
        all.extend(vec![0.0; size]);
        let params = bisection::Params { batch: 4, n, zero: 0, pad: [0; 1] };
        Case { op: Op::Bisection(params), inputs: vec![pairs(&all)] }
    };
    SIDES.map(case).into()
}

fn row_norms_cases(rng: &mut Rng) -> Vec<Case> {
    let sizes = [(1, 1, 0, 0, 1), (63, 4, 5, 7, 2), (64, 63, 0, 3, 6), (65, 64, 65, 0, 1), (131, 128, 1, 1, 5)];
    let case = |(rows, width, first, after, inputs)| Case {
        op: Op::RowNorms(row_norms::Params {
            rows,
            width,
            inputs,
            first,
            total: first + inputs * rows + after,
            pad: [0; 3],
        }),
        inputs: six(inputs, || rng.values((rows * width) as usize, 1.0)),
    };
    sizes.map(case).into()
}

/// The reference's output in a poisoned buffer, with `guard` more poisoned words.
fn reference(case: &Case, guard: usize) -> Vec<f32> {
    let words = case.op.output_words();
    let mut output = vec![POISON; words + guard];
    let inputs: Vec<&[f32]> = case.inputs.iter().map(Vec::as_slice).collect();
    case.op.reference(&inputs, &mut output[..words]);
    output
}

/// What of an output is compared: the numbers that pairs stand for. Of factors it is C Cᵀ, since rounding decides which
/// of two equal pivots comes first; of tridiagonal matrices the eigenvalues, which is all that reflections keep.
fn comparable(op: &Op, output: &[f32]) -> Vec<f64> {
    let (values, guard) = output.split_at(op.output_words());
    let mut all: Vec<f64> = guard.iter().map(|x| f64::from(*x)).collect();
    match op {
        Op::Gram(_) | Op::Congruence(_) => all.extend(double::values(values)),
        Op::Cholesky(params) => {
            let n = params.n as usize;
            for rows in double::values(values).chunks_exact(n * n) {
                let product = |e: usize| rows.chunks_exact(n).map(|row| row[e / n] * row[e % n]).sum::<f64>();
                all.extend((0..n * n).map(product));
            }
        }
        Op::Tridiagonal(params) => {
            let n = params.n as usize;
            let values = double::values(values);
            for matrix in values.chunks_exact(n * (n + 2)) {
                let (diagonal, beside) = matrix[n * n..].split_at(n);
                let mut eigenvalues = bisection::eigenvalues(diagonal, beside);
                let largest = eigenvalues.iter().fold(1e-30, |a: f64, b| a.max(b.abs()));
                eigenvalues.iter_mut().for_each(|x| *x /= largest);
                all.extend(eigenvalues);
                all.push(largest);
            }
        }
        _ => all.extend(values.iter().map(|x| f64::from(*x))),
    }
    all
}

/// Largest error: in units of the tolerance, as it is, and where.
#[derive(Clone, Copy, Default)]
struct Worst {
    ratio: f64,
    error: f64,
    index: usize,
    case: usize,
}

fn worst_on_gpu(gpu: &Gpu, case: &Case) -> Worst {
    let expected = reference(case, GUARD);
    let inputs: Vec<&[f32]> = case.inputs.iter().map(Vec::as_slice).collect();
    let poisoned = vec![POISON; expected.len()];
    let found = pollster::block_on(Engine::gpu(gpu).run_op(case.op, &inputs, &poisoned));
    compare(case, &found.unwrap_or_else(|e| panic!("{:?}: {e}", case.op)), &expected)
}

/// The form for CPUs can't reach behind its output, but words that it should leave alone may lie inside.
fn worst_on_cpu(case: &Case) -> Worst {
    let inputs: Vec<&[f32]> = case.inputs.iter().map(Vec::as_slice).collect();
    let mut found = vec![POISON; case.op.output_words()];
    case.op.compute(&inputs, &mut found);
    compare(case, &found, &reference(case, 0))
}

fn compare(case: &Case, found: &[f32], expected: &[f32]) -> Worst {
    let Tolerance { atol, rtol } = tolerance(case.op.kernel());
    let (found, expected) = (comparable(&case.op, found), comparable(&case.op, expected));
    assert!(expected.iter().all(|x| x.is_finite()), "{:?}: the reference is not finite", case.op);
    let mut worst = Worst::default();
    for (index, (a, b)) in found.iter().zip(&expected).enumerate() {
        let error = (a - b).abs();
        let ratio = if error.is_nan() { f64::INFINITY } else { error / (atol + rtol * b.abs()).max(1e-30) };
        if ratio > worst.ratio {
            worst = Worst { ratio, error, index, case: 0 };
        }
    }
    worst
}

/// A kernel's forms, with weights read in every way that the device knows, where there are any: name, text, and the
/// device that runs it.
fn forms(gpu: &Gpu, kernel: KernelId) -> Vec<(String, &'static str, usize, Weights, Gpu)> {
    let mut all = Vec::new();
    for (form, Form { name, sources }) in kernel.spec().forms.iter().enumerate() {
        for (source, weights) in sources.iter().zip(gpu.weights()) {
            let storage = if weights.are_half() { format!(", {}", weights.name()) } else { String::new() };
            let name = format!("{}, {name}{storage}", kernel.spec().stem);
            all.push((name, *source, form, *weights, gpu.with_form(kernel, form, *weights)));
        }
    }
    all
}

/// The cases, with weights that f16 holds where they are stored so.
fn stored_cases(kernel: KernelId, weights: Weights) -> Vec<Case> {
    let mut cases = cases(kernel);
    if weights.are_half() {
        let weights = cases.iter_mut().flat_map(|case| &mut case.inputs[WEIGHT_INPUT]);
        weights.for_each(|w| *w = half::f16::from_f32(*w).to_f32());
    }
    cases
}

#[test]
fn every_kernel_equals_its_reference() {
    let gpu = gpu();
    let mut failures = Vec::new();
    for spec in TABLE {
        for (name, _, _, weights, gpu) in forms(&gpu, spec.id) {
            failures.extend(failure(&name, &stored_cases(spec.id, weights), |case| worst_on_gpu(&gpu, case)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_form_for_cpus_equals_its_reference() {
    let failures = TABLE.iter().filter_map(|spec| failure(spec.stem, &cases(spec.id), worst_on_cpu));
    let failures: Vec<String> = failures.collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong with a form, if anything.
fn failure(name: &str, cases: &[Case], worst_of: impl Fn(&Case) -> Worst) -> Option<String> {
    let worst = cases.iter().enumerate().map(|(case, c)| Worst { case, ..worst_of(c) });
    let worst = worst.reduce(|a, b| if b.ratio > a.ratio { b } else { a }).expect("a kernel without cases");
    let Worst { ratio, error, index, case } = worst;
    let place = format!("word {index} of {:?}", cases[case].op);
    println!("{name}: {} cases, largest error {error:.1e}, {ratio:.3} of its tolerance, at {place}", cases.len());
    (ratio > 1.0).then(|| format!("{name}: off by {error:e}, {ratio:.1} times its tolerance, at {place}"))
}

#[test]
fn every_comparison_has_been_seen_to_fail() {
    let gpu = gpu();
    let mut unseen = Vec::new();
    for spec in TABLE {
        let mutations = mutations(spec.id);
        for (from, _) in mutations {
            let found = spec.forms.iter().flat_map(|form| form.sources).any(|source| source.contains(from));
            assert!(found, "{} does not contain '{from}'", spec.stem);
        }
        for (name, source, form, weights, gpu) in forms(&gpu, spec.id) {
            let cases = stored_cases(spec.id, weights);
            // What all ways to read weights share is broken once.
            let new = |from: &str| !weights.are_half() || !spec.forms[form].source(Weights::F32).contains(from);
            let counts = |from: &str| source.contains(from) && new(from) && !HARMLESS.contains(&(&*name, from));
            let of_form: Vec<_> = mutations.iter().filter(|(from, _)| counts(from)).collect();
            assert!(!of_form.is_empty(), "{name} has no mutations");
            for (from, to) in of_form {
                let broken = gpu.with_source(spec.id, form, weights, &source.replacen(from, to, 1));
                match cases.iter().map(|c| worst_on_gpu(&broken, c).ratio).find(|ratio| *ratio > 1.0) {
                    Some(ratio) => println!("{name}: '{from}' → '{to}' is seen, {ratio:.1} times the tolerance"),
                    None => unseen.push(format!("{name}: nothing fails with '{to}' in the place of '{from}'")),
                }
            }
        }
    }
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
}

/// f16 rounds nothing off that a checkpoint in f16 holds, the smallest numbers included.
#[test]
fn weights_as_f16_are_exact() {
    let gpu = gpu();
    let params = matmul::Params { rows: 1, inner: 4, cols: 4096, flags: 0 };
    // Every finite f16 of the positive half, and the smallest of the other.
    let numbers = (0..4096u16).map(|i| half::f16::from_bits(if i < 512 { 0x8000 | i } else { i * 7 + 4 }));
    let weight: Vec<f32> = numbers.flat_map(|x| [x.to_f32(), 0.0, 0.0, 0.0]).collect();
    let expected: Vec<f32> = weight.iter().step_by(4).copied().collect();
    assert!(expected.iter().all(|x| x.is_finite()));
    for form in 0..KernelId::Matmul.spec().forms.len() {
        for weights in gpu.weights() {
            let gpu = gpu.with_form(KernelId::Matmul, form, *weights);
            let inputs: [&[f32]; 4] = [&[1.0, 0.0, 0.0, 0.0], &weight, &[0.0; 4], &[0.0; 4]];
            let found = pollster::block_on(Engine::gpu(&gpu).run_op(Op::Matmul(params), &inputs, &[POISON; 4096]));
            assert_eq!(found.expect("a run"), expected, "form {form}, {weights:?}");
        }
    }
}
