"""Causal attention in every mode, as functions of q, k, v shaped (batch, head, token, dim).

Written for training and measuring at a few hundred tokens: the linear modes form the T x T matrix here, which is
the plainest way to state what they compute. The explorer's engines run them in linear time.
"""
import math

import torch
import torch.nn.functional as F


def softmax(q, k, v, scale):
    """Fused attention. Its fast kernels want one head dimension, a multiple of 8, for q, k and v: pad with zeros."""
    r, rv = q.shape[-1], v.shape[-1]
    width = -(-max(r, rv) // 8) * 8
    if r < width:
        q, k = F.pad(q, (0, width - r)), F.pad(k, (0, width - r))
    if rv < width:
        v = F.pad(v, (0, width - rv))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)[..., :rv]


def centred_scores(q, k, scale):
    """Scores minus their mean over the visible positions of each row, zero where masked; and 1/n as a column."""
    t, wide = q.shape[-2], torch.promote_types(q.dtype, torch.float32)
    share = 1 / torch.arange(1, t + 1, device=q.device, dtype=wide)[:, None]
    low = torch.ones(t, t, dtype=torch.bool, device=q.device).tril()
    g = (q.to(wide) @ k.to(wide).transpose(-1, -2) * scale).masked_fill(~low, 0.0)
    return (g - g.sum(-1, keepdim=True) * share).masked_fill(~low, 0.0), share, low


def linearized(q, k, v, scale):
    """First-order expansion of softmax about uniform weights; every row of weights sums to 1."""
    g, share, low = centred_scores(q, k, scale)
    return (((1 + g) * share).masked_fill(~low, 0.0) @ v.to(g.dtype)).to(v.dtype)


def elu1(q, k, v, scale=None):
    """Linear attention with the feature map ELU + 1 (Katharopoulos et al. 2020); it has no 1/sqrt(r)."""
    t = q.shape[-2]
    low = torch.ones(t, t, dtype=torch.bool, device=q.device).tril()
    w = ((F.elu(q) + 1) @ (F.elu(k) + 1).transpose(-1, -2)).masked_fill(~low, 0.0)
    return (w @ v) / (w.sum(-1, keepdim=True) + 1e-6)


def uniform(q, k, v, scale=None):
    n = torch.arange(1, v.shape[-2] + 1, device=v.device, dtype=v.dtype)[:, None]
    return v.cumsum(-2) / n


MIX = {"softmax": softmax, "linearized": linearized, "elu1": elu1, "uniform": uniform}


def out_of_range(q, k, scale, limit):
    """Mean square by which centred scores leave [-limit, limit], summed over heads.

    Inside the range softmax is close to its first-order expansion; a sharp head pays in proportion to its sharpness.
    """
    g, share, _ = centred_scores(q, k, scale)
    excess = F.relu(g.abs() - limit).square().sum(-1, keepdim=True) * share
    return excess.mean((0, 2, 3)).sum()


def scale_of(r):
    return 1 / math.sqrt(r)
