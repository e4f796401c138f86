"""A shipped checkpoint as plain matrices that any engine can run, and the float64 figures to hold it to.

Every matrix is [in, out]. For S-D attention q = u (S - D) is composed into one matrix beforehand, so that a peer runs
it as an ordinary head: the least work that gives the right answer.
"""
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def load(folder):
    """(config, tensors): sizes under one set of names, and float64 matrices."""
    raw = json.loads((Path(folder) / "config.json").read_text())
    stored = {name.removeprefix("transformer."): t.astype(np.float64)
              for name, t in load_file(Path(folder) / "model.safetensors").items()}
    return (gpt2 if raw["model_type"] == "gpt2" else sd)(raw, stored)


def sd(raw, stored):
    if set(raw["attention"]) != {"softmax"}:
        raise ValueError("only models whose layers are all softmax are compared")
    heads, layers = raw["n_head"], raw["n_layer"]
    config = {"family": "sd", "layers": layers, "heads": heads, "d_model": raw["d_model"], "d_ff": raw["d_ff"],
              "vocab": raw["vocab_size"], "head_dim": raw["head_dim"], "value_dim": raw["value_dim"]}
    tensors = {"token": stored["embed.token"], "start": raw["embed_scale"] * stored["embed.token"],
               "position": raw["embed_scale"] * stored["embed.position"]}
    for i in range(layers):
        part = lambda name: stored[f"layers.{i}.{name}"]  # noqa: E731
        r = raw["head_dim"][i]
        kernel = score_kernel(stored, i)
        u = part("attn.u.weight").reshape(heads, r, -1)
        q = np.einsum("hij,hid->hjd", kernel, u).reshape(heads * r, -1)
        tensors |= {f"{i}.q": q.T, f"{i}.k": part("attn.u.weight").T, f"{i}.v": part("attn.v.weight").T,
                    f"{i}.v.bias": part("attn.v.bias"),
                    f"{i}.o": part("attn.o.weight").T, f"{i}.o.bias": part("attn.o.bias"),
                    f"{i}.up": part("mlp.up.weight").T, f"{i}.up.bias": part("mlp.up.bias"),
                    f"{i}.down": part("mlp.down.weight").T, f"{i}.down.bias": part("mlp.down.bias"),
                    f"{i}.kernel": kernel}
    return config, tensors


def score_kernel(stored, i):
    """S - D of every head, [heads, r, r]."""
    a = stored[f"layers.{i}.attn.a"]
    if f"layers.{i}.attn.l" in stored:
        lower = stored[f"layers.{i}.attn.l"]
        d = lower @ lower.transpose(0, 2, 1)
    else:
        d = np.logaddexp(0, stored[f"layers.{i}.attn.delta"])[:, :, None] * np.eye(a.shape[1])
    return a - a.transpose(0, 2, 1) - d


def gpt2(raw, stored):
    d, heads, layers = raw["n_embd"], raw["n_head"], raw["n_layer"]
    config = {"family": "gpt2", "layers": layers, "heads": heads, "d_model": d, "d_ff": raw.get("n_inner") or 4 * d,
              "vocab": raw["vocab_size"], "head_dim": [d // heads] * layers, "value_dim": [d // heads] * layers,
              "epsilon": raw["layer_norm_epsilon"]}
    tensors = {"token": stored["wte.weight"], "start": stored["wte.weight"], "position": stored["wpe.weight"],
               "norm": stored["ln_f.weight"], "norm.bias": stored["ln_f.bias"]}
    for i in range(layers):
        part = lambda name: stored[f"h.{i}.{name}"]  # noqa: E731
        for n, name in enumerate("qkv"):
            tensors[f"{i}.{name}"] = part("attn.c_attn.weight")[:, n * d:(n + 1) * d]
            tensors[f"{i}.{name}.bias"] = part("attn.c_attn.bias")[n * d:(n + 1) * d]
        for ours, theirs in (("o", "attn.c_proj"), ("up", "mlp.c_fc"), ("down", "mlp.c_proj")):
            tensors |= {f"{i}.{ours}": part(f"{theirs}.weight"), f"{i}.{ours}.bias": part(f"{theirs}.bias")}
        for ours, theirs in (("norm1", "ln_1"), ("norm2", "ln_2")):
            tensors |= {f"{i}.{ours}": part(f"{theirs}.weight"), f"{i}.{ours}.bias": part(f"{theirs}.bias")}
    return config, tensors


def norm(config, t, name, x):
    if config["family"] == "sd":
        return x
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + config["epsilon"])
    return scaled * t[name] + t[f"{name}.bias"]


def linear(t, name, x):
    return x @ t[name] + t.get(f"{name}.bias", 0)


def forward(config, t, ids):
    """Loss of each next token in nats, and the (normed) input of every layer's attention, all in float64."""
    ids = np.asarray(ids)
    x, inputs = t["start"][ids] + t["position"][:len(ids)], []
    hidden = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
    for i in range(config["layers"]):
        y = norm(config, t, f"{i}.norm1", x)
        inputs.append(y)
        q, k, v = (linear(t, f"{i}.{n}", y).reshape(len(ids), config["heads"], -1).transpose(1, 0, 2) for n in "qkv")
        g = q @ k.transpose(0, 2, 1) / np.sqrt(config["head_dim"][i]) + hidden
        w = np.exp(g - g.max(-1, keepdims=True))
        mixed = (w / w.sum(-1, keepdims=True)) @ v
        x = x + linear(t, f"{i}.o", mixed.transpose(1, 0, 2).reshape(len(ids), -1))
        z = linear(t, f"{i}.up", norm(config, t, f"{i}.norm2", x))
        z = 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z ** 3)))
        x = x + linear(t, f"{i}.down", z)
    logits = norm(config, t, "norm", x)[:-1] @ t["token"].T
    top = logits.max(-1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(-1)) + top[:, 0]
    return total - logits[np.arange(len(ids) - 1), ids[1:]], inputs


def work(config, tokens):
    """Least work of a full run: floating-point operations, and bytes of f32 weights that must be read once."""
    d, heads, vocab = config["d_model"], config["heads"], config["vocab"]
    matrices, pairs = vocab * d, 0
    for r, rv in zip(config["head_dim"], config["value_dim"]):
        # An S-D head has one projection and an r × r product where a standard one has two projections.
        scores = d * r + r * r if config["family"] == "sd" else 2 * d * r
        matrices += heads * (scores + 2 * d * rv) + 2 * d * config["d_ff"]
        # Query and key meet in one half of the T × T pairs.
        pairs += heads * (r + rv) * tokens * (tokens + 1) // 2
    return {"flops": 2 * (tokens * matrices + pairs), "weight_bytes": 4 * matrices}
