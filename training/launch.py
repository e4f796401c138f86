"""Many runs over all GPUs of a machine, within a time limit.

python -m training.launch LIST --tokens DIR --out DIR [--seconds N] [--slots N]

LIST is a text file, a run a line: NAME CONFIG key=value ... ('#' starts a comment). Runs start in order, `slots` at a
time on every GPU; the list is read again before each start, so lines can be added. When the time is up the running ones
save their state and stop; the same command continues them.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from .train import UNFINISHED


def read_list(path):
    jobs = []
    for line in Path(path).read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            name, config, *overrides = words
            jobs.append((name, Path(path).parent / config, overrides))
    names = [j[0] for j in jobs]
    if twice := {n for n in names if names.count(n) > 1}:
        raise SystemExit(f"named twice: {sorted(twice)}")
    return jobs


def command(job, a, deadline):
    name, config, overrides = job
    if not any(o.startswith("id=") for o in overrides):
        overrides = [f"id={name}", *overrides]
    return [sys.executable, "-m", "training.train", str(config), "--tokens", a.tokens, "--out", str(Path(a.out, name)),
            "--deadline", str(deadline), "--every", str(a.every), "--split", a.split, *a.flags.split(), *overrides]


def state_of(out, name):
    for file, state in (("card.json", "done"), ("failed.json", "failed"), ("state.pt", "unfinished")):
        if Path(out, name, file).exists():
            return state
    return "waiting"


def unstarted(a, started):
    """What has begun in an earlier call goes first."""
    states = [(state_of(a.out, j[0]), j) for j in read_list(a.list) if j[0] not in started]
    return [j for s, j in states if s == "unfinished"] + [j for s, j in states if s == "waiting"]


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("list")
    ap.add_argument("--tokens", required=True)
    ap.add_argument("--out", required=True)
    ap.add_argument("--seconds", type=float, default=1e9, help="all of it, final figures included")
    ap.add_argument("--margin", type=float, default=45, help="seconds before the end at which training stops")
    ap.add_argument("--slots", type=int, default=1, help="runs at a time on one GPU")
    ap.add_argument("--every", type=int, default=1)
    ap.add_argument("--split", default="test")
    ap.add_argument("--flags", default="", help="passed on to training.train, such as '--no-graph'")
    a = ap.parse_args(argv)
    end = time.time() + a.seconds
    gpus = torch.cuda.device_count()
    places = [str(g) for _ in range(a.slots) for g in range(gpus)] or [""] * a.slots
    started, running = set(), {}
    while True:
        while places and time.time() < end - a.margin and (waiting := unstarted(a, started)):
            job, place = waiting[0], places.pop(0)
            started.add(job[0])
            Path(a.out, job[0]).mkdir(parents=True, exist_ok=True)
            log = open(Path(a.out, job[0], "output.txt"), "a")
            env = dict(os.environ, OMP_NUM_THREADS="1", TORCHINDUCTOR_COMPILE_THREADS="4", PYTHONUNBUFFERED="1")
            if place:
                env["CUDA_VISIBLE_DEVICES"] = place
            process = subprocess.Popen(command(job, a, end - a.margin), env=env, stdout=log, stderr=log)
            running[process] = (job[0], place)
        if time.time() > end:
            for process in running:
                process.kill()      # its state was saved before the final figures
            break
        if not running:
            break
        time.sleep(0.3)
        for process in [p for p in running if p.poll() is not None]:
            name, place = running.pop(process)
            places.append(place)
            lines = Path(a.out, name, "output.txt").read_text().splitlines() or [""]
            mark = {0: "done", UNFINISHED: "cut"}.get(process.returncode, f"exit {process.returncode}")
            print(f"{a.seconds - (end - time.time()):5.0f}s {mark} {name}: {lines[-1][:400]}", flush=True)
    states = [state_of(a.out, j[0]) for j in read_list(a.list)]
    print(json.dumps({s: states.count(s) for s in sorted(set(states))}))


if __name__ == "__main__":
    main()
