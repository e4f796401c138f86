"""Every mode and spectrum against formulas written out plainly in float64 NumPy, with full T x T and d x d matrices."""
import math

import numpy as np
import pytest
import torch

from training import evaluate, modes, spectra

MODES = ("softmax", "linearized", "elu1", "uniform", "off", "routing", "filtering", "rank2", "rank4")


def array(p):
    return p.detach().double().numpy()


def norm(ln, x):
    if not hasattr(ln, "weight"):
        return x
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * array(ln.weight) + array(ln.bias)


def affine(layer, x):
    return x @ array(layer.weight).T + (0 if layer.bias is None else array(layer.bias))


def head(block, x, h):
    """q, k, v of one head, and its weight kernel M split into routing and filtering parts (d x d)."""
    a, r = block.attn, block.attn.r
    mine = slice(h * r, (h + 1) * r)
    if hasattr(a, "u"):
        w = array(a.u.weight)[mine]
        s = array(a.a)[h] - array(a.a)[h].T
        d = array(a.l)[h] @ array(a.l)[h].T if hasattr(a, "l") else np.diag(np.log1p(np.exp(array(a.delta)[h])))
        q, k, m = x @ w.T @ (s - d), x @ w.T, w.T @ (s - d) @ w / math.sqrt(r)
        v = affine(a.v, x)[:, h * a.rv : (h + 1) * a.rv]
    else:
        q, k, v = (z[:, mine] for z in np.split(affine(a.c_attn, x), 3, 1))
        wq, wk, _ = (z[mine] for z in np.split(array(a.c_attn.weight), 3))
        m = wq.T @ wk / math.sqrt(r)
    return q, k, v, m


def weights(block, x, h, mode):
    q, k, _, m = head(block, x, h)
    t, r = len(x), block.attn.r
    low, n = np.tril(np.ones((t, t), bool)), np.arange(1, t + 1)[:, None]
    g = q @ k.T / math.sqrt(r)
    if mode == "uniform":
        return low / n
    if mode == "elu1":
        phi = lambda z: np.where(z > 0, z + 1, np.exp(np.minimum(z, 0)))
        w = np.where(low, phi(q) @ phi(k).T, 0)
        return w / (w.sum(1, keepdims=True) + 1e-6)
    if mode == "linearized":
        mean = np.where(low, g, 0).sum(1, keepdims=True) / n
        return np.where(low, (1 + g - mean) / n, 0)
    if mode == "routing":
        g = (g - g.T) / 2
    if mode == "filtering":
        g = (g + g.T) / 2
    if mode.startswith("rank"):
        # Cut the routing part of the d x d kernel itself, and add what changes to the scores. Biases stay in G: the cut
        # acts on the columns [q k], so a standard head is cut through the pseudo-inverse of its weights.
        keep = int(mode[4:])
        routing = (m - m.T) / 2
        left, s, right = np.linalg.svd(routing)
        cut = (left[:, :keep] * s[:keep]) @ right[:keep]
        if hasattr(block.attn, "u"):
            g = g + x @ (cut - routing) @ x.T
        else:
            mine = slice(h * r, (h + 1) * r)
            wq, wk, _ = (z[mine] for z in np.split(array(block.attn.c_attn.weight), 3))
            z = np.concatenate([q, k], 1) @ np.linalg.pinv(np.concatenate([wq, wk]).T).reshape(2 * r, -1)
            g = g + z @ (cut - routing) @ z.T
    g = np.where(low, g, -np.inf)
    e = np.exp(g - g.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def layer(block, x, mode):
    z = norm(block.ln_1, x)
    if mode != "off":
        mixed = [weights(block, z, h, mode) @ head(block, z, h)[2] for h in range(block.attn.h)]
        x = x + affine(block.attn.o, np.concatenate(mixed, 1))
    up, down = (getattr(block.mlp, n) for n in block.mlp.names)
    y = affine(up, norm(block.ln_2, x))
    gelu = 0.5 * y * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3)))
    return x + affine(down, gelu)


def start(net, ids):
    token, position = (array(t) for t in net.tables)
    scale = net.cfg.embed_scale if net.cfg.family == "sd" else 1
    return scale * (token[ids] + position[: len(ids)])


def plain_nll(net, ids, layer_modes):
    x = start(net, ids[:-1])
    for block, mode in zip(net.blocks, layer_modes):
        x = layer(block, x, mode or block.attn.mode)
    x = norm(net.ln_f, x) if net.cfg.family == "gpt2" else x
    z = x @ array(net.tables[0]).T
    z = z - z.max(1, keepdims=True)
    return np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), ids[1:]]


@pytest.mark.parametrize("mode", MODES)
def test_layer_in_every_mode(net, ids, mode):
    with torch.no_grad():
        for block, x in zip(net.blocks, modes.residuals(net, ids)):
            if mode.startswith("rank") and int(mode[4:]) > block.attn.r:
                continue
            got = modes.step(block, x, mode).double().numpy()
            for row, want in zip(got, (layer(block, array(r), mode) for r in x)):
                np.testing.assert_allclose(row, want, rtol=2e-4, atol=2e-4 * np.abs(want).max())


def test_modes_differ(net, ids):
    """The comparison above could not fail if the modes agreed with each other."""
    with torch.no_grad():
        block, x = net.blocks[2], modes.residuals(net, ids)[2]
        outs = {m: modes.step(block, x, m) for m in MODES}
    for a in MODES:
        for b in MODES:
            assert a == b or (outs[a] - outs[b]).abs().max() > 1e-3 * outs[a].abs().max(), (a, b)


def test_curves(net, ids):
    result = evaluate.curves(net, ids, 1, ("linearized", "uniform"), ("routing",))
    n = len(net.blocks)
    both = lambda layer_modes: np.exp(np.mean([plain_nll(net, row.numpy(), layer_modes) for row in ids]))
    np.testing.assert_allclose(result["perplexity"], both([None] * n), rtol=1e-4)
    for mode in ("linearized", "uniform"):
        np.testing.assert_allclose(result["sweep"][mode], [both([mode] * k + [None] * (n - k)) for k in range(n + 1)], rtol=1e-4)
        alone = [both([mode if i == j else None for j in range(n)]) for i in range(n)]
        np.testing.assert_allclose(result["solo"][mode], alone, rtol=1e-4)
    np.testing.assert_allclose(result["every_layer"]["routing"], both(["routing"] * n), rtol=1e-4)


def dense_rank(x):
    s = np.linalg.svd(x, compute_uv=False)
    p = s[s > 1e-12 * s[0]] / s.sum()
    return np.exp(-(p * np.log(p)).sum()), int(np.searchsorted(np.cumsum(s**2), 0.9 * (s**2).sum()) + 1)


def test_spectra(net, ids):
    with torch.no_grad():
        inputs = modes.residuals(net, ids[:1])
        rows = spectra.measure(net, inputs)
    for block, x, row in zip(net.blocks, inputs, rows):
        z = norm(block.ln_1, array(x[0]))
        for h in range(block.attn.h):
            q, k, _, m = head(block, z, h)
            for name, full in (("capacity", m), ("operating", q @ k.T / math.sqrt(block.attn.r))):
                routing, filtering = (full - full.T) / 2, (full + full.T) / 2
                got = {key: float(v[h]) for key, v in row[name].items()}
                np.testing.assert_allclose(got["routing_erank"], dense_rank(routing)[0], rtol=1e-4)
                np.testing.assert_allclose(got["filtering_erank"], dense_rank(filtering)[0], rtol=1e-4)
                assert got["routing_rank90"] == dense_rank(routing)[1]
                np.testing.assert_allclose(got["routing_fraction"], (routing**2).sum() / (full**2).sum(), rtol=1e-4)
            largest = np.linalg.eigvals(m).real.max()
            np.testing.assert_allclose(max(0, float(row["capacity"]["max_re_eig"][h])), max(0, largest), atol=1e-7)
            if net.cfg.family == "sd":  # stable by construction
                assert row["capacity"]["max_re_eig"][h] <= 0
