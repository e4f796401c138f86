"""Makes the folder of a checkpoint that ships: the files of a run, and a card that also knows its twin and other seeds.

python -m training.card ZOO.toml --runs DIR --out DIR [ID ...]

ZOO.toml has a table for every id: `run` (folder of the run), `twin` and `seeds` (folders too), `limits` (sentences).
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


def compare(card, runs, name, first):
    other = read(runs, name)
    figures = held_out(other, first)
    ratio = {s: round(card[s]["perplexity"] / other[s]["perplexity"], 4) for s in figures}
    return {"id": name, "seed": other["recipe"]["seed"], "parameters": other["parameters"], "ratio": ratio, **figures}


def compose(id, entry, runs):
    card = read(runs, entry["run"])
    first = card["recipe"]["range_layers"] or 7
    for split, figures in held_out(card, first).items():
        card[split] |= figures
    card["recipe"]["id"] = card["id"] = id
    card["shows"] = entry.get("shows", card["shows"])
    model = Path(runs, entry["run"], "model.safetensors")
    card["sha256"] = hashlib.sha256(model.read_bytes()).hexdigest()
    if "twin" in entry:
        card["twin"] = compare(card, runs, entry["twin"], first)
        card["twin"]["id"] = entry.get("twin_id", entry["twin"])
    if "baseline" in entry:
        card["baseline"] = compare(card, runs, entry["baseline"], first)
    card["seeds"] = [{"seed": card["recipe"]["seed"], **held_out(card, first)}] + [
        {"seed": read(runs, s)["recipe"]["seed"], **held_out(read(runs, s), first)} for s in entry.get("seeds", [])]
    card["limits"] = entry["limits"]
    return card


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("zoo")
    ap.add_argument("--runs", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("ids", nargs="*")
    a = ap.parse_args(argv)
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
