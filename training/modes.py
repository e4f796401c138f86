"""One layer of a trained model in any mode: what the explorer lets a user switch a layer to."""
import math

import torch

from . import attention, spectra
from .model import merge


def mode_qk(block, z, mode, cut=None):
    """q, k, v and scale such that softmax of q k^T * scale is the mode (for linear modes: plain q and k).

    `cut` is the kernel of a rank mode where the caller has it already: it depends on the weights alone.
    """
    a = block.attn
    q, k, v = a.qkv(z)
    scale = attention.scale_of(a.r)
    if mode in attention.MIX:
        return q, k, v, scale
    sd = hasattr(a, "u")
    if mode in ("routing", "filtering"):
        if sd:
            kernel = a.routing() if mode == "routing" else -a.filtering()
            return k @ kernel, k, v, scale
        sign = -1 if mode == "routing" else 1
        return torch.cat([q, sign * k], -1) / 2, torch.cat([k, q], -1), v, scale
    cut = (truncated(block, mode) if cut is None else cut).to(z)
    if sd:
        return k @ (cut - a.filtering()), k, v, scale
    qk = torch.cat([q, k], -1)
    return qk @ (cut + spectra.swap(a.r).to(z)) / 2, qk, v, scale


def truncated(block, mode):
    """Kernel of mode `rankK`: the routing part of M keeps its K/2 strongest planes.

    r x r for S-D, 2r x 2r for a standard head; None for every other mode.
    """
    if not mode.startswith("rank"):
        return None
    rank = int(mode.removeprefix("rank"))
    a, (z, routing, _) = block.attn, spectra.weight_factors(block)
    t = torch.linalg.qr(z).R
    tt = t.transpose(1, 2)
    left, s, right = torch.linalg.svd(t @ routing @ tt)
    kept = (left[..., :rank] * s[..., None, :rank]) @ right[..., :rank, :]
    half = 1 if hasattr(a, "u") else 2
    # T^-1 K T^-T by two triangular solves
    inner = torch.linalg.solve_triangular(t, kept, upper=True)
    return torch.linalg.solve_triangular(tt, inner, upper=False, left=False) * math.sqrt(a.r) * half


def step(block, x, mode=None, cut=None):
    """One layer in a mode; None is the mode that it was trained with."""
    a, mode = block.attn, mode or block.attn.mode
    if mode != "off":
        q, k, v, scale = mode_qk(block, block.ln_1(x), mode, cut)
        x = x + a.o(merge(attention.MIX.get(mode, attention.softmax)(q, k, v, scale)))
    return x + block.mlp(block.ln_2(x))


def residuals(model, ids):
    """Residual stream at every layer's input, and after the last: n_layer + 1 tensors."""
    out = [model.start(ids)]
    for block in model.blocks:
        out.append(step(block, out[-1]))
    return out
