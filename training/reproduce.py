"""Computes figures that Cascade showed again, in float64, and compares.

python -m training.reproduce REPORT.json CHECKPOINT

REPORT.json is what the page's "Report (JSON)" saves and `cargo xtask report` prints. Exit code 1 if anything differs.
"""
import argparse
import hashlib
import json
import math
import sys
from pathlib import Path

import torch

from . import checkpoint, spectra
from .evaluate import exp_or_none
from .modes import residuals, step, truncated

# Relative: float32 on any engine is closer than this to float64. Perplexities of a collapsed model are sums of large
# losses, hence not closer.
PERPLEXITY_TOLERANCE = 1e-3
RANK_TOLERANCE = 2e-3


@torch.no_grad()
def perplexity(model, ids, modes=None):
    """Of one text under modes (one a layer; None: as trained). None where it overflows."""
    x = model.start(ids[None, :-1])
    for i, block in enumerate(model.blocks):
        mode = modes[i] if modes else None
        x = step(block, x, mode, truncated(block, mode) if mode else None)
    losses = torch.nn.functional.cross_entropy(model.head(x)[0], ids[1:], reduction="none")
    return exp_or_none(float(losses.mean()))


@torch.no_grad()
def figures(model, ids, modes):
    """The figures of a report, named as in the page's script."""
    layers = spectra.measure(model, residuals(model, ids[None]))
    ranks = lambda kind: [layer[kind]["routing_erank"].tolist() for layer in layers]
    return {"perplexity": perplexity(model, ids, modes), "baseline_perplexity": perplexity(model, ids),
            "operating": ranks("operating"), "capacity": ranks("capacity")}


def flat(value):
    return [x for v in value for x in flat(v)] if isinstance(value, list) else [value]


def difference(shown, found):
    """Largest relative difference; 0 where both overflow."""
    shown, found = flat(shown), flat(found)
    if len(shown) != len(found):
        return math.inf
    pairs = [(a, b) for a, b in zip(shown, found) if not (a is None and b is None)]
    return max((math.inf if a is None or b is None else abs(a - b) / max(abs(a), abs(b), 1e-300) for a, b in pairs), default=0.0)


def compare(folder, sha256, ids, modes, shown):
    """Prints a line a figure; 0 if all of `shown` agrees with what is computed here, else 1."""
    weights = hashlib.sha256(Path(folder, "model.safetensors").read_bytes()).hexdigest()
    if weights != sha256:
        print(f"other weights: {folder} has SHA-256 {weights[:12]}, the figures are of {sha256[:12]}")
        return 1
    model = checkpoint.load(folder).double()
    if len(modes) != len(model.blocks):
        print(f"{len(modes)} modes for {len(model.blocks)} layers")
        return 1
    found = figures(model, torch.tensor(ids), modes)
    outcome = 0
    for name, value in shown.items():
        if value is None and "perplexity" not in name:
            continue   # a report without spectra
        limit = PERPLEXITY_TOLERANCE if "perplexity" in name else RANK_TOLERANCE
        by = difference(value, found[name])
        outcome |= by > limit
        text = f"shown {value}, float64 {found[name]}, " if "perplexity" in name else f"{len(flat(value))} heads, "
        print(f"{'agrees' if by <= limit else 'DIFFERS':8} {name}: {text}largest relative difference {by:.1e} (tolerance {limit:g})")
    return int(outcome)


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("report")
    ap.add_argument("checkpoint")
    a = ap.parse_args(argv)
    r = json.loads(Path(a.report).read_text())
    ranks = lambda kind: [[h[kind]["routing_erank"] for h in layer["heads"]] for layer in r["spectra"]] if r.get("spectra") else None
    shown = {"perplexity": r["perplexity"], "baseline_perplexity": r["baseline_perplexity"],
             "operating": ranks("operating"), "capacity": ranks("capacity")}
    return compare(a.checkpoint, r["model"]["sha256"], r["ids"], r["modes"], shown)


if __name__ == "__main__":
    sys.exit(main())
