"""Makes the folder of a checkpoint that ships: the files of a run, and a card that also knows its twin and other seeds.

python -m training.card ZOO.toml --runs DIR --out DIR [ID ...]

ZOO.toml has a table for every id: `run` (folder of the run), `seeds` (its other seeds), `twin` and `baseline` (a run and,
where there are any, its other seeds), `shows` (a sentence), `limits` (sentences).
"""
import argparse
import hashlib
import json
import shutil
import tomllib
from pathlib import Path

from .evaluate import summary
from .train import write


def read(runs, name):
    return json.loads(Path(runs, name, "card.json").read_text())


def held_out(card, first):
    """Perplexity and summary of both splits."""
    return {s: {"perplexity": card[s]["perplexity"]} | ({"summary": summary(card[s]["curves"], first)} if "curves" in card[s] else {})
            for s in ("valid", "test")}


def seeds_of(names, runs, first):
    """Seed and held-out figures of every run named."""
    return [{"seed": (card := read(runs, n))["recipe"]["seed"], **held_out(card, first)} for n in names]


def spread(seeds):
    """Mean, least and most of each figure over seeds, of both splits. What overflows in one seed has none."""
    out = {}
    for s in ("valid", "test"):
        figures = {"perplexity": [x[s]["perplexity"] for x in seeds]}
        if all("summary" in x[s] for x in seeds):
            figures |= {k: [x[s]["summary"][k] for x in seeds] for k in ("linearized", "uniform")}
        out[s] = {k: {"mean": round(sum(v) / len(v), 4), "least": round(min(v), 4), "most": round(max(v), 4)}
                  for k, v in figures.items() if None not in v}
    return out


def compare(card, runs, names, id, first):
    """Another run with its other seeds, and this checkpoint's perplexity over its: run by run, and mean by mean."""
    seeds = seeds_of(names, runs, first)
    ratio = {s: round(card[s]["perplexity"] / seeds[0][s]["perplexity"], 4) for s in ("valid", "test")}
    out = {"id": id, "parameters": read(runs, names[0])["parameters"], "ratio": ratio, **seeds[0]}
    if len(seeds) > 1:
        own, other = spread(card["seeds"]), spread(seeds)
        mean = lambda figures, s: figures[s]["perplexity"]["mean"]
        out |= {"spread": other, "mean_ratio": {s: round(mean(own, s) / mean(other, s), 4) for s in ("valid", "test")}}
    return out


def compose(id, entry, runs):
    card = read(runs, entry["run"])
    first = card["recipe"]["range_layers"] or 7
    for split, figures in held_out(card, first).items():
        card[split] |= figures
    for rollback in card["rollbacks"]:
        rollback["loss"] = rollback["loss"] or None   # older runs wrote 0 where no batch was usable
    card["recipe"]["id"] = card["id"] = id
    card["recipe"]["shows"] = card["shows"] = entry.get("shows", card["shows"])
    model = Path(runs, entry["run"], "model.safetensors")
    card["sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
    card["seeds"] = seeds_of([entry["run"], *entry.get("seeds", [])], runs, first)
    if len(card["seeds"]) > 1:
        card["spread"] = spread(card["seeds"])
    for other in ("twin", "baseline"):
        if names := entry.get(other):
            card[other] = compare(card, runs, names, entry.get(f"{other}_id", names[0]), first)
    card["limits"] = entry["limits"]
    return card


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("zoo")
    ap.add_argument("--runs", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("ids", nargs="*")
    a = ap.parse_intermixed_args(argv)
    zoo = tomllib.loads(Path(a.zoo).read_text())
    for id in a.ids or zoo:
        out, run = Path(a.out, id), Path(a.runs, zoo[id]["run"])
        out.mkdir(parents=True, exist_ok=True)
        for file in ("model.safetensors", "config.json", "timelapse.json"):
            shutil.copy(run / file, out / file)
        (out / "model.safetensors").chmod(0o644)
        write(out / "card.json", compose(id, zoo[id], a.runs))
        print(id, sum(f.stat().st_size for f in out.iterdir()))


if __name__ == "__main__":
    main()
