"""Held-out figures of a checkpoint: perplexity, sweeps and solo curves of the layer modes, spectra; writes card.json.

python -m training.evaluate CHECKPOINT --tokens DIR [--every N] [--split test] [--device cuda]

Everything runs in float32 (no TF32). Perplexities are over non-overlapping windows of the model's context.
"""
import argparse
import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

from . import checkpoint, data, spectra
from .modes import residuals, step, truncated

CURVES = ("linearized", "elu1", "uniform", "off")   # swept over the first k layers, and each layer alone
WHOLE = ("routing", "filtering", "rank2", "rank4", "rank8", "rank16")  # every layer at once


def nll(model, x, targets):
    """Summed negative log-likelihood in nats, accumulated in float64."""
    losses = F.cross_entropy(model.head(x).flatten(0, 1), targets.flatten(), reduction="none")
    return float(losses.double().sum())


def finish(model, x, first, targets):
    for block in model.blocks[first:]:
        x = step(block, x)
    return nll(model, x, targets)


@torch.no_grad()
def curves(model, wins, batch=64, modes=CURVES, whole=WHOLE):
    """Perplexities: baseline, {mode: first k layers, k = 0..L}, {mode: layer i alone}, {mode: every layer}."""
    device, n_layer = next(model.parameters()).device, len(model.blocks)
    base, sweep = 0.0, {m: [0.0] * (n_layer + 1) for m in modes}
    solo, every = {m: [0.0] * n_layer for m in modes}, {m: 0.0 for m in whole}
    cuts = {m: [truncated(b, m) for b in model.blocks] for m in whole}
    for part in wins.split(batch):
        part = part.to(device)
        ids, targets = part[:, :-1], part[:, 1:]
        inputs = residuals(model, ids)
        loss = nll(model, inputs[-1], targets)
        base += loss
        for mode in modes:
            sweep[mode][0] += loss
            x = inputs[0]
            for k, block in enumerate(model.blocks):
                x = step(block, x, mode)
                swept = finish(model, x, k + 1, targets)
                sweep[mode][k + 1] += swept
                solo[mode][k] += swept if k == 0 else finish(model, step(block, inputs[k], mode), k + 1, targets)
        for mode in whole:
            x = inputs[0]
            for block, cut in zip(model.blocks, cuts[mode]):
                x = step(block, x, mode, cut)
            every[mode] += nll(model, x, targets)
    count = wins[:, 1:].numel()
    ppl = lambda total: exp_or_none(total / count)
    return {"tokens": count, "perplexity": ppl(base), "sweep": {m: [ppl(v) for v in sweep[m]] for m in modes},
            "solo": {m: [ppl(v) for v in solo[m]] for m in modes}, "every_layer": {m: ppl(every[m]) for m in whole}}


def exp_or_none(x):
    """exp, or None where the perplexity overflows: JSON has no infinity."""
    return math.exp(x) if math.isfinite(x) and x < 50 else None


def perplexity(model, wins, batch=64):
    return curves(model, wins, batch, (), ())["perplexity"]


def summary(result, first=7, limit=1.05):
    """The figures that the goals speak of: cost of the first layers linearised and uniform, and which of them work.

    A layer works linearly where uniform in it alone costs at least 1 % and at least three times what linearised costs.
    `linearizable` is the number of first layers that can be linearised together for less than 5 %.
    """
    base = result["perplexity"]
    ratio = lambda p: p / base if p is not None else None
    first = min(first, len(result["solo"]["uniform"]))
    linear, uniform = result["solo"]["linearized"], result["solo"]["uniform"]
    useful = [i + 1 for i in range(first)
              if linear[i] is not None and uniform[i] / base - 1 >= max(0.01, 3 * (linear[i] / base - 1))]
    sweep = result["sweep"]["linearized"]
    over = [k for k, p in enumerate(sweep) if p is None or p > limit * base]
    return {"first": first, "linearized": ratio(sweep[first]), "uniform": ratio(result["sweep"]["uniform"][first]),
            "layers_used_linearly": useful, "linearizable": over[0] - 1 if over else len(sweep) - 1}


def spearman(values):
    """Rank correlation with depth."""
    rank = torch.tensor(values, dtype=torch.float64).argsort().argsort().double()
    depth = torch.arange(len(values), dtype=torch.float64)
    return float(torch.corrcoef(torch.stack([rank, depth]))[0, 1])


def cascade(layers):
    """Mean routing rank by layer, and how well it rises with depth."""
    mean = lambda kind: [float(l[kind]["routing_erank"].mean()) for l in layers]
    out = {kind: mean(kind) for kind in ("capacity", "operating")}
    out["spearman"] = {kind: spearman(out[kind]) for kind in ("capacity", "operating")}
    return out


def exact():
    """Float32 products without TF32, so that figures agree with a float64 reference."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


@torch.no_grad()
def figures(model, tokens, every=1, split="test", batch=64):
    """Everything measured on held-out text, as plain JSON data.

    Perplexity is on all of both splits. The curves are on one window in `every` of one split: test for the card that
    ships, valid where the figures are used to choose between recipes.
    """
    exact()
    if torch.cuda.is_available():
        torch.set_num_threads(1)   # the spectra are small: many threads on them only wait for each other
    n_ctx = model.cfg.n_ctx
    wins = {s: data.windows(data.read_tokens(Path(tokens, f"{s}.bin")), n_ctx) for s in ("valid", "test")}
    out = {s: {"tokens": w[:, 1:].numel(), "perplexity": perplexity(model, w, batch)} for s, w in wins.items()}
    for s in ("valid", "test") if split == "both" else (split,):
        out[s] |= {"curves": (c := curves(model, wins[s][::every], batch)), "summary": summary(c)}
    layers = spectra.measure(model, residuals(model, wins["valid"][:1, :-1].to(next(model.parameters()).device)))
    return {**spectra.rounded(out, 6), "cascade": spectra.rounded(cascade(layers)),
            "largest_real_part": max(float(l["capacity"]["max_re_eig"].max()) for l in layers),
            "spectra": spectra.rounded(layers)}


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("checkpoint")
    ap.add_argument("--tokens", required=True, help="folder of valid.bin and test.bin")
    ap.add_argument("--every", type=int, default=1, help="curves on one window in so many")
    ap.add_argument("--split", default="test", choices=("valid", "test", "both"), help="text of the curves")
    ap.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    a = ap.parse_args(argv)
    model = checkpoint.load(a.checkpoint, a.device)
    path = Path(a.checkpoint, "card.json")
    card = json.loads(path.read_text()) if path.exists() else {"id": path.parent.name}
    card |= {"parameters": model.all_parameters(), "attention_parameters": model.attention_parameters(),
             **figures(model, a.tokens, a.every, a.split)}
    path.write_text(json.dumps(card) + "\n")
    print(json.dumps({k: card[k] for k in ("id", "parameters", "attention_parameters", "cascade", "largest_real_part")}
                     | {s: card[s]["perplexity"] for s in ("valid", "test")} | {f"{s} curves": card[s]["summary"] for s in ("valid", "test") if "summary" in card[s]}))


if __name__ == "__main__":
    main()
