"""The peers must get the model that the float64 answers are of: graphs are run by onnx's own reference."""
import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from . import export_onnx, spectra, weights

TOKENS, D, HEADS, FF, VOCAB, LAYERS = 12, 16, 2, 24, 20, 2


def tiny(family, filter_="diagonal"):
    """A random model in the names and shapes of a stored checkpoint, read as one."""
    g = np.random.default_rng(3)
    r = 4 if family == "sd" else D // HEADS
    t = lambda *shape: g.normal(0, 0.4, shape)  # noqa: E731
    if family == "sd":
        raw = {"n_layer": LAYERS, "d_model": D, "n_head": HEADS, "head_dim": [r] * LAYERS, "value_dim": [8] * LAYERS,
               "d_ff": FF, "vocab_size": VOCAB, "embed_scale": 1.5, "attention": ["softmax"] * LAYERS}
        stored = {"embed.token": t(VOCAB, D), "embed.position": t(TOKENS, D)}
        for i in range(LAYERS):
            part = {"attn.u.weight": t(HEADS * r, D), "attn.a": t(HEADS, r, r), "attn.v.weight": t(HEADS * 8, D),
                    "attn.v.bias": t(HEADS * 8), "attn.o.weight": t(D, HEADS * 8), "attn.o.bias": t(D),
                    "mlp.up.weight": t(FF, D), "mlp.up.bias": t(FF), "mlp.down.weight": t(D, FF), "mlp.down.bias": t(D)}
            part |= {"attn.l": t(HEADS, r, r)} if filter_ == "psd" else {"attn.delta": t(HEADS, r)}
            stored |= {f"layers.{i}.{name}": value for name, value in part.items()}
        return weights.sd(raw, stored)
    raw = {"n_layer": LAYERS, "n_embd": D, "n_head": HEADS, "n_inner": FF, "vocab_size": VOCAB, "layer_norm_epsilon": 1e-5}
    stored = {"wte.weight": t(VOCAB, D), "wpe.weight": t(TOKENS, D), "ln_f.weight": t(D), "ln_f.bias": t(D)}
    for i in range(LAYERS):
        part = {"attn.c_attn.weight": t(D, 3 * D), "attn.c_attn.bias": t(3 * D), "attn.c_proj.weight": t(D, D),
                "attn.c_proj.bias": t(D), "mlp.c_fc.weight": t(D, FF), "mlp.c_fc.bias": t(FF),
                "mlp.c_proj.weight": t(FF, D), "mlp.c_proj.bias": t(D)}
        part |= {f"{n}.{p}": t(D) for n in ("ln_1", "ln_2") for p in ("weight", "bias")}
        stored |= {f"h.{i}.{name}": value for name, value in part.items()}
    return weights.gpt2(raw, stored)


MODELS = [("sd", "diagonal"), ("sd", "psd"), ("gpt2", None)]


@pytest.mark.parametrize("variant", export_onnx.VARIANTS)
@pytest.mark.parametrize("model", MODELS)
def test_graphs_give_the_answers(model, variant):
    config, tensors = tiny(*model)
    ids = np.random.default_rng(5).integers(0, VOCAB, TOKENS)
    loss, _ = weights.forward(config, tensors, ids)
    graph = export_onnx.build(config, tensors, TOKENS, **export_onnx.VARIANTS[variant])
    feeds = {"ids": ids.astype(np.int32), "targets": np.roll(ids, -1).astype(np.int32)}
    found = ReferenceEvaluator(graph).run(None, feeds)[0][:-1, 0]
    # Logits without norms reach hundreds, of which f32 keeps a share; how it rounds depends on the processor.
    assert np.abs(found - loss).max() < 2e-6 * loss.max() and np.ptp(loss) > 0.1


@pytest.mark.parametrize("model", MODELS)
def test_small_matrices_have_the_spectra_of_the_large(model):
    config, tensors = tiny(*model)
    ids = np.random.default_rng(5).integers(0, VOCAB, TOKENS)
    _, inputs = weights.forward(config, tensors, ids)
    small = np.linalg.svd(spectra.matrices(config, tensors, inputs), compute_uv=False)
    r, layer, head = config["head_dim"][0], 1, 1
    columns = slice(head * r, (head + 1) * r)
    q, k = (tensors[f"{layer}.{n}"][:, columns] for n in "qk")
    bias = [tensors.get(f"{layer}.{n}.bias", np.zeros(HEADS * r))[columns] for n in "qk"]
    x = inputs[layer]
    for first, whole in ((0, (x @ q + bias[0]) @ (x @ k + bias[1]).T), (2, q @ k.T)):
        whole = whole / np.sqrt(r)
        for kind, part in ((first, whole - whole.T), (first + 1, whole + whole.T)):
            large = np.linalg.svd(part / 2, compute_uv=False)
            found = small[kind, layer, head]
            n = min(len(large), len(found))
            assert np.abs(large[:n] - found[:n]).max() < 1e-9 * large[0]
            assert found[n:].max(initial=0) < 1e-6 * large[0]


def test_work_counts_what_runs():
    config, _ = tiny("gpt2")
    work = weights.work(config, TOKENS)
    matrices = LAYERS * (4 * D * D + 2 * D * FF) + VOCAB * D
    assert work == {"flops": 2 * (TOKENS * matrices + LAYERS * HEADS * D * TOKENS * (TOKENS + 1) // 2),
                    "weight_bytes": 4 * matrices}
