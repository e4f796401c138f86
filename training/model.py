"""The two families as PyTorch modules.

Parameter names of the S-D model are the tensor names of its checkpoint. The standard twin is GPT-2 with pre-norm;
`checkpoint.py` writes it in the Hugging Face layout.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from . import attention


class SDAttention(nn.Module):
    """One shared projection u per head; scores u (S - D) u^T / sqrt(r) with S skew and D positive semidefinite."""

    def __init__(self, cfg, layer):
        super().__init__()
        d, h, r, rv = cfg.d_model, cfg.n_head, cfg.head_dim[layer], cfg.value_dim[layer]
        self.h, self.r, self.rv, self.mode = h, r, rv, cfg.attention(layer)
        self.u = nn.Linear(d, h * r, bias=False)
        self.a = nn.Parameter(torch.empty(h, r, r))
        if cfg.filter == "psd":
            self.l = nn.Parameter(torch.empty(h, r, r))
        else:
            self.delta = nn.Parameter(torch.empty(h, r))
        self.v = nn.Linear(d, h * rv)
        self.o = nn.Linear(h * rv, d)

    def routing(self):
        return self.a - self.a.transpose(1, 2)

    def filtering(self):
        if hasattr(self, "l"):
            return self.l @ self.l.transpose(1, 2)
        return torch.diag_embed(F.softplus(self.delta))

    def qkv(self, x):
        # q = u (S - D) has weight (S - D)^T W: composed here, in full precision, so that one product makes q, k and v.
        with torch.autocast(x.device.type, enabled=False):
            w = self.u.weight.view(self.h, self.r, -1)
            wq = (self.routing() - self.filtering()).transpose(1, 2) @ w
            weight = torch.cat([wq.flatten(0, 1), self.u.weight, self.v.weight])
            bias = F.pad(self.v.bias, (2 * self.h * self.r, 0))
        return self.split(F.linear(x, weight, bias))

    def split(self, y):
        n = self.h * self.r
        return [heads(z, self.h) for z in y.split([n, n, self.h * self.rv], -1)]


class StandardAttention(nn.Module):
    def __init__(self, cfg, layer):
        super().__init__()
        self.h, self.r, self.mode = cfg.n_head, cfg.head_dim[layer], "softmax"
        self.rv = self.r
        self.c_attn = nn.Linear(cfg.d_model, 3 * cfg.d_model)
        self.c_proj = nn.Linear(cfg.d_model, cfg.d_model)

    @property
    def o(self):
        return self.c_proj

    def qkv(self, x):
        return [heads(z, self.h) for z in self.c_attn(x).chunk(3, -1)]


def heads(x, h):
    """(batch, token, h * r) -> (batch, h, token, r)"""
    return x.unflatten(-1, (h, -1)).transpose(1, 2)


def merge(y):
    return y.transpose(1, 2).flatten(2)


class MLP(nn.Module):
    def __init__(self, d, d_ff, up="up", down="down"):
        super().__init__()
        self.names = (up, down)
        self.add_module(up, nn.Linear(d, d_ff))
        self.add_module(down, nn.Linear(d_ff, d))

    def forward(self, x):
        up, down = (getattr(self, n) for n in self.names)
        return down(F.gelu(up(x), approximate="tanh"))


class Block(nn.Module):
    """x + attention, then x + MLP. The norms are the identity in the S-D family: it has none."""

    def __init__(self, cfg, layer):
        super().__init__()
        standard = cfg.family == "gpt2"
        self.ln_1 = nn.LayerNorm(cfg.d_model) if standard else nn.Identity()
        self.attn = (StandardAttention if standard else SDAttention)(cfg, layer)
        self.ln_2 = nn.LayerNorm(cfg.d_model) if standard else nn.Identity()
        self.mlp = MLP(cfg.d_model, cfg.d_ff, *(("c_fc", "c_proj") if standard else ("up", "down")))
        early = layer < cfg.range_layers
        self.range_limit = cfg.range_limit
        self.ranged = cfg.range_sequences if early and cfg.range_weight else 0
        self.linear = cfg.linear_sequences if early and self.attn.mode == "softmax" else 0

    def forward(self, x):
        """Residual stream out, and the score-range penalty (zero where it is not asked for)."""
        a = self.attn
        q, k, v = a.qkv(self.ln_1(x))
        scale = attention.scale_of(a.r)
        m = self.linear
        y = attention.MIX[a.mode](q[m:], k[m:], v[m:], scale)
        if m:
            y = torch.cat([attention.linearized(q[:m], k[:m], v[:m], scale).to(y.dtype), y])
        penalty = x.new_zeros(())
        if self.ranged:
            penalty = attention.out_of_range(q[-self.ranged:], k[-self.ranged:], scale, self.range_limit)
        x = x + a.o(merge(y))
        return x + self.mlp(self.ln_2(x)), penalty


class Model(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        if cfg.family == "sd":
            self.embed = nn.ParameterDict({"token": torch.empty(cfg.vocab_size, cfg.d_model),
                                           "position": torch.empty(cfg.n_ctx, cfg.d_model)})
            self.layers = nn.ModuleList(Block(cfg, i) for i in range(cfg.n_layer))
        else:
            self.wte = nn.Embedding(cfg.vocab_size, cfg.d_model)
            self.wpe = nn.Embedding(cfg.n_ctx, cfg.d_model)
            self.h = nn.ModuleList(Block(cfg, i) for i in range(cfg.n_layer))
            self.ln_f = nn.LayerNorm(cfg.d_model)

    @property
    def blocks(self):
        return self.layers if self.cfg.family == "sd" else self.h

    @property
    def tables(self):
        return (self.embed["token"], self.embed["position"]) if self.cfg.family == "sd" else (self.wte.weight, self.wpe.weight)

    def start(self, ids):
        token, position = self.tables
        scale = self.cfg.embed_scale if self.cfg.family == "sd" else 1.0
        return scale * (F.embedding(ids, token) + position[: ids.shape[1]])

    def head(self, x):
        x = x if self.cfg.family == "sd" else self.ln_f(x)
        return F.linear(x, self.tables[0])

    def head_loss(self, x, targets):
        return F.cross_entropy(self.head(x).flatten(0, 1).float(), targets.flatten())

    def forward(self, ids):
        x = self.start(ids)
        for block in self.blocks:
            x, _ = block(x)
        return self.head(x)

    def loss(self, ids, targets):
        """Next-token loss and the summed score-range penalty of the layers that have one."""
        x, penalty = self.start(ids), 0.0
        for block in self.blocks:
            x, p = block(x)
            penalty = penalty + p
        return self.head_loss(x, targets), penalty

    def attention_parameters(self):
        return sum(p.numel() for b in self.blocks for p in b.attn.parameters())

    def all_parameters(self):
        return sum(p.numel() for p in self.parameters())


@torch.no_grad()
def initialise(model, seed):
    """Weights from one seeded CPU generator in order of definition: the same on every machine."""
    cfg, g = model.cfg, torch.Generator().manual_seed(seed)
    residual = 1 / math.sqrt(2 * cfg.n_layer) if cfg.residual_gain is None else cfg.residual_gain

    def normal(p, std):
        p.copy_(torch.empty(p.shape).normal_(0.0, 1.0, generator=g) * std)

    for table in model.tables:
        normal(table, cfg.embed_std)
    for i, block in enumerate(model.blocks):
        for name, p in block.named_parameters():
            if name.endswith("attn.a"):
                normal(p, cfg.a_gain[i] / math.sqrt(p.shape[-1]))
            elif name.endswith("attn.l"):  # E[L L^T] is the diagonal filter's start
                normal(p, math.sqrt(math.log1p(math.exp(cfg.delta)) / p.shape[-1]))
            elif name.endswith("attn.delta"):
                p.fill_(cfg.delta)
            elif name.endswith("bias"):
                p.zero_()
            elif p.dim() == 2:
                std = cfg.weight_std if cfg.weight_std is not None else 1 / math.sqrt(p.shape[1])
                if name.endswith(("attn.o.weight", "c_proj.weight", "down.weight")):
                    std *= residual
                if name.endswith("attn.u.weight"):
                    std *= cfg.u_gain[i]
                normal(p, std)
    return model


def build(cfg):
    return initialise(Model(cfg), cfg.seed)
