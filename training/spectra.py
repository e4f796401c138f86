"""Routing and filtering spectra of every head, without ever forming a d x d or T x T matrix.

The routing part of M (weights) and of G (scores on a text) is Z K Z^T with few columns in Z. With the Gram matrix
Z^T Z = C C^T its non-zero singular values are those of C^T K C, which is as small as the head. Float64 on the CPU:
the Gram step squares the condition number.
"""
import math

import torch


def skew(n):
    eye = torch.eye(n, dtype=torch.float64)
    zero = torch.zeros_like(eye)
    return torch.cat([torch.cat([zero, eye], 1), torch.cat([-eye, zero], 1)])


def swap(n):
    return skew(n).abs()


def gram_root(z):
    """C with Z^T Z = C C^T, from the eigendecomposition: it also holds where the Gram matrix is singular."""
    value, vector = torch.linalg.eigh(z.transpose(-1, -2) @ z)
    return vector * value.clamp_min(0).sqrt()[..., None, :]


def effective_rank(s):
    p = s / s.sum(-1, keepdim=True).clamp_min(1e-300)
    return torch.exp(-(p * p.clamp_min(1e-300).log()).sum(-1))


def rank90(s):
    energy = s.square().sort(-1, descending=True).values.cumsum(-1)
    return (energy < 0.9 * energy[..., -1:]).sum(-1) + 1


def parts(z, routing, filtering):
    """Effective ranks and routing fraction of Z (routing + filtering) Z^T, for all heads at once."""
    c = gram_root(z)
    ct = c.transpose(-1, -2)
    sr, sf = torch.linalg.svdvals(ct @ routing @ c), torch.linalg.svdvals(ct @ filtering @ c)
    er, ef = sr.square().sum(-1), sf.square().sum(-1)
    return {"routing_erank": effective_rank(sr), "filtering_erank": effective_rank(sf), "routing_rank90": rank90(sr),
            "routing_fraction": er / (er + ef).clamp_min(1e-300)}


def double(p):
    return p.detach().to("cpu", torch.float64)


def weight_factors(block):
    """Z of the capacity spectrum (heads, d, columns), and the routing and filtering kernels between them."""
    a = block.attn
    if hasattr(a, "u"):
        w = double(a.u.weight).unflatten(0, (a.h, a.r)).transpose(1, 2)
        s = double(a.a)
        s = s - s.transpose(1, 2)
        d = double(a.l) @ double(a.l).transpose(1, 2) if hasattr(a, "l") else torch.diag_embed(
            torch.nn.functional.softplus(double(a.delta)))
        return w, s / math.sqrt(a.r), -d / math.sqrt(a.r)
    wq, wk, _ = (w.unflatten(0, (a.h, a.r)).transpose(1, 2) for w in double(a.c_attn.weight).chunk(3))
    half = 2 * math.sqrt(a.r)
    return torch.cat([wq, wk], 2), skew(a.r) / half, swap(a.r) / half


def text_factor(block, x):
    """Z of the operating spectrum: u or [q k] on one text, (heads, T, columns)."""
    q, k, _ = block.attn.qkv(block.ln_1(x))
    return double(k[0]) if hasattr(block.attn, "u") else torch.cat([double(q[0]), double(k[0])], 2)


def largest_real_part(block):
    """Largest real part among the eigenvalues of M that are not the d - r structural zeros, one a head."""
    z, routing, filtering = weight_factors(block)
    if hasattr(block.attn, "u"):
        small = (routing + filtering) @ (z.transpose(1, 2) @ z)
    else:
        r = block.attn.r
        small = z[:, :, r:].transpose(1, 2) @ z[:, :, :r] / math.sqrt(r)
    return torch.linalg.eigvals(small).real.max(-1).values


@torch.no_grad()
def measure(model, inputs):
    """List over layers, from the residual stream of one text (batch of 1) at each layer's input.

    Names are those of the report, with one value a head.
    """
    out = []
    for i, (block, x) in enumerate(zip(model.blocks, inputs)):
        z, routing, filtering = weight_factors(block)
        capacity = parts(z, routing, filtering)
        capacity["max_re_eig"] = largest_real_part(block)
        layer = {"layer": i, "residual_rms": float(x.square().mean().sqrt()), "capacity": capacity,
                 "operating": parts(text_factor(block, x), routing, filtering)}
        if hasattr(block.attn, "u"):
            layer["kernel_erank"] = effective_rank(torch.linalg.svdvals(routing))
        out.append(layer)
    return out


def rounded(value, digits=4):
    """Plain JSON numbers with a few significant digits."""
    if isinstance(value, dict):
        return {k: rounded(v, digits) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(v, digits) for v in value]
    if isinstance(value, torch.Tensor):
        return rounded(value.tolist(), digits)
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else None
    return value
