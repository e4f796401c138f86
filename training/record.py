"""Makes assets/recorded.json, the cascade on screen before any weights arrive, from a report of the default model:

cargo xtask report assets/checkpoints/sd-6m --text assets/passages/clockmaker.txt --spectra --engine cpu \\
    | python -m training.record clockmaker > assets/recorded.json
"""
import json
import sys


def recorded(report, passage):
    heads = lambda layer, kind, key, digits: [round(h[kind][key], digits) for h in layer["heads"]]
    layers = [{"operating": heads(l, "operating", "routing_erank", 3), "capacity": heads(l, "capacity", "routing_erank", 3),
               "fraction": heads(l, "operating", "routing_fraction", 4)} for l in report["spectra"]]
    return {"model": report["model"]["id"], "sha256": report["model"]["sha256"], "passage": passage, "tokens": report["tokens"],
            "perplexity": round(report["perplexity"], 4), "layers": layers}


if __name__ == "__main__":
    print(json.dumps(recorded(json.load(sys.stdin), sys.argv[1]), separators=(",", ":")))
