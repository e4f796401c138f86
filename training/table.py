"""Runs as a Markdown table, a row each: python -m training.table DIR [NAME ...]"""
import argparse
import json
from pathlib import Path

from .evaluate import summary


def percent(ratio):
    if ratio is None or ratio > 100:
        return "> 100×"
    return f"{ratio:.1f}×" if ratio > 3 else f"{100 * (ratio - 1):+.1f} %"


def row(folder):
    card = json.loads((folder / "card.json").read_text())
    r = card["recipe"]
    split = "test" if "curves" in card["test"] else "valid"
    s = summary(card[split]["curves"], r["range_layers"] or 7)
    used = " ".join(map(str, s["layers_used_linearly"])) or "none"
    ranks = card["cascade"]["capacity"]
    return [folder.name, f"{card['valid']['perplexity']:.2f}", f"{card['test']['perplexity']:.2f}", str(s["first"]),
            percent(s["linearized"]), percent(s["uniform"]), used, str(s["linearizable"]),
            f"{ranks[0]:.1f} … {ranks[-1]:.1f}", f"{len(card['rollbacks'])} / {card['skipped_steps']}"]


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("folder")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args(argv)
    names = a.names or sorted(p.parent.name for p in Path(a.folder).glob("*/card.json"))
    head = ["run", "valid", "test", "k", "first k linearised", "first k uniform", "used linearly", "< 5 %", "capacity rank, first … last",
            "returns / skips"]
    for line in [head, ["---"] * len(head)] + [row(Path(a.folder, n)) for n in names]:
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
