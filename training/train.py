"""One config, one run.

python -m training.train CONFIG.toml --tokens DIR --out DIR [key=value ...]

Writes model.safetensors (f16), config.json, card.json, timelapse.json and log.json into --out. With --deadline the
run stops in time, leaves state.pt behind and exits with status 75; the same command continues it.
"""
import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch

from . import checkpoint, config, data, evaluate, spectra
from .model import build
from .modes import residuals
from .muon import Muon

UNFINISHED = 75
MAX_ROLLBACKS = 8
MAX_GRADIENT = 100  # norm before clipping; ordinary ones are under 10
SPIKE = 0.3         # nats above the last logged loss
SNAPSHOT_EVERY = 200
KEPT = ("step", "log", "timelapse", "seconds", "lr_factor", "rollbacks")
GROUPS = {"embed_lr": ("embed.", "wte.", "wpe."), "kernel_lr": ("attn.a", "attn.delta", "attn.l"), "score_lr": ("attn.u.",)}


def lr_at(cfg, step):
    """Linear warm-up, then a cosine to min_lr."""
    if step < cfg.warmup:
        return cfg.lr * (step + 1) / cfg.warmup
    t = (step - cfg.warmup) / max(1, cfg.steps - cfg.warmup)
    return cfg.lr * (cfg.min_lr + (1 - cfg.min_lr) * 0.5 * (1 + math.cos(math.pi * t)))


def record_steps(cfg):
    """Log-spaced steps, the start and the end among them: the cascade forms early."""
    if cfg.records < 2:
        return {cfg.steps}
    return {0} | {round(s) for s in np.geomspace(max(1, cfg.steps / 1000), cfg.steps, cfg.records - 1)}


def is_score(name):
    return any(part in name for part in GROUPS["score_lr"])


def optimizer_groups(model, cfg):
    """Matrices decay, vectors do not; each group has its own factor on the learning rate."""
    groups = {"adamw": {}, "muon": {}}
    tables = {id(t) for t in model.tables}
    for name, p in model.named_parameters():
        factor = 1.0
        for key, parts in GROUPS.items():
            if any(part in name for part in parts):
                factor = getattr(cfg, key)
        vector = p.dim() < 2 or name.endswith("delta")
        decay = 0.0 if vector else cfg.weight_decay * (cfg.embed_decay if id(p) in tables else 1.0)
        by_adam = p.dim() != 2 or vector or id(p) in tables or (cfg.adam_scores and is_score(name))
        kind = "adamw" if by_adam else cfg.optimizer
        groups[kind].setdefault((decay, factor), []).append(p)
    return {kind: [{"params": ps, "weight_decay": decay, "factor": factor} for (decay, factor), ps in g.items()]
            for kind, g in groups.items()}


class Run:
    def __init__(self, cfg, tokens, out, device, graph=True, compiled=True):
        self.cfg, self.out, self.device = cfg, Path(out), torch.device(device)
        self.cuda = self.device.type == "cuda"
        self.graphed, self.compiled = graph and self.cuda, compiled and self.cuda
        self.out.mkdir(parents=True, exist_ok=True)
        if self.cuda:
            torch.set_num_threads(1)   # the CPU only computes spectra, too small to share among threads
        train = data.read_tokens(Path(tokens, "train.bin"))
        self.order = data.Order(len(train), cfg.n_ctx, cfg.seed)
        self.train = torch.from_numpy(train.astype(np.int32)).to(self.device)
        held_out = data.read_tokens(Path(tokens, "valid.bin"))
        self.valid = data.windows(held_out, cfg.n_ctx, 16)
        self.model = build(cfg).to(self.device)
        lr = (lambda: torch.tensor(0.0, device=self.device)) if self.cuda else (lambda: 0.0)
        groups = {kind: [{**g, "lr": lr()} for g in gs] for kind, gs in optimizer_groups(self.model, cfg).items()}
        self.optimizers = [torch.optim.AdamW(groups["adamw"], betas=(0.9, cfg.beta2), fused=True, capturable=self.cuda)]
        if groups["muon"]:
            self.optimizers.append(Muon(groups["muon"]))
        self.starts = torch.zeros(cfg.batch, dtype=torch.int64, device=self.device)
        self.offsets = torch.arange(cfg.n_ctx + 1, device=self.device)
        self.sums = torch.zeros(4, device=self.device)   # loss, penalty, gradient norm and skipped steps since the last log line
        self.skip = torch.zeros((), device=self.device)
        self.skipped = torch.tensor([0.0, 0.0, 0.0, 1.0], device=self.device)
        self.optimizers[0].found_inf = self.skip         # the fused step does nothing where this is 1
        self.step, self.log, self.timelapse, self.seconds = 0, [], [], 0.0
        self.lr_factor, self.rollbacks, self.snapshots = 1.0, [], []
        if self.compiled:
            torch._dynamo.config.recompile_limit = 64    # a cascade has several head dimensions
            for block in self.model.blocks:
                block.compile(dynamic=False)
            self.model.head_loss = torch.compile(self.model.head_loss, dynamic=False)

    # -- one step ------------------------------------------------------------------------------------------------
    def forward_backward(self):
        batch = self.train[self.starts[:, None] + self.offsets].long()
        self.model.zero_grad(set_to_none=True)
        # The autocast cache would outlive a captured step, so it stays off.
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.cuda, cache_enabled=False):
            loss, penalty = self.model.loss(batch[:, :-1], batch[:, 1:])
        (loss + self.cfg.range_weight * penalty).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
        # A rare text can drive an unnormalised model out of range. Such a batch is skipped: one step more or less is
        # nothing, but its gradient would outlive it in Adam's averages.
        usable = norm < MAX_GRADIENT
        self.skip.copy_(~usable)
        for optimizer in self.optimizers:
            optimizer.step()
        seen = torch.stack([loss.detach(), penalty.detach(), norm.detach(), torch.zeros_like(norm)])
        self.sums += torch.where(usable, seen, self.skipped)

    def feed(self):
        self.starts.copy_(torch.from_numpy(self.order.batch(self.step, self.cfg.batch)))
        for group in (g for o in self.optimizers for g in o.param_groups):
            value = lr_at(self.cfg, self.step) * group["factor"] * self.lr_factor
            if self.cuda:
                group["lr"].fill_(value)
            else:
                group["lr"] = value

    def capture(self):
        """Record a whole step as one CUDA graph: the model is so small that launches would take half the time.

        Warm-up steps run with a learning rate of zero and are undone, so they leave no trace in the run.
        """
        before = self.tensors(copy=True)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.forward_backward()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self.model.zero_grad(set_to_none=True)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.forward_backward()
        self.put_back(before)
        self.sums.zero_()

    def tensors(self, copy=False):
        """Everything a step changes, by name: weights and optimizer state."""
        out = dict(self.model.state_dict())
        for n, optimizer in enumerate(self.optimizers):
            for i, p in enumerate(p for g in optimizer.param_groups for p in g["params"]):
                for key, value in optimizer.state[p].items():
                    out[f"optimizer.{n}.{i}.{key}"] = value
        return {k: v.clone() for k, v in out.items()} if copy else out

    @torch.no_grad()
    def put_back(self, saved):
        """In place, since a captured step knows its tensors by address. Adam's state starts at zero, so absent is zero."""
        for key, value in self.tensors().items():
            value.copy_(saved[key]) if key in saved else value.zero_()

    def roll_back(self, loss):
        """After a spike: return to the snapshot before the last and go on with a lower learning rate.

        The loss recorded is None where no batch since the last log line was usable."""
        if len(self.rollbacks) >= MAX_ROLLBACKS:
            raise FloatingPointError(f"the loss is {loss} at step {self.step}")
        step, saved = self.snapshots[0]
        self.rollbacks.append({"from": self.step, "to": step, "loss": loss if math.isfinite(loss) and loss else None})
        self.put_back(saved)
        self.sums.zero_()
        self.step, self.lr_factor, self.snapshots = step, self.lr_factor * 0.8, self.snapshots[:1]
        self.log = [r for r in self.log if r["step"] <= step]
        self.timelapse = [r for r in self.timelapse if r["step"] <= step]

    # -- recording -----------------------------------------------------------------------------------------------
    @torch.no_grad()
    def valid_loss(self):
        total, n = 0.0, 0
        for part in self.valid.split(self.cfg.batch):
            part = part.to(self.device)
            total += evaluate.nll(self.model, residuals(self.model, part[:, :-1])[-1], part[:, 1:])
            n += part[:, 1:].numel()
        return total / n

    @torch.no_grad()
    def record(self):
        layers = spectra.measure(self.model, residuals(self.model, self.valid[:1, :-1].to(self.device)))
        keep = lambda d, keys: {k: d[k] for k in keys}
        rows = [{"residual_rms": l["residual_rms"],
                 "capacity": keep(l["capacity"], ("routing_erank", "routing_fraction")),
                 "operating": keep(l["operating"], ("routing_erank", "routing_fraction"))} for l in layers]
        self.timelapse.append({"step": self.step, "tokens": self.step * self.cfg.batch * self.cfg.n_ctx,
                               "valid_loss": round(self.valid_loss(), 4), "layers": spectra.rounded(rows, 3)})

    def save_state(self):
        torch.save({"tensors": self.tensors(), **{k: getattr(self, k) for k in KEPT}}, self.out / "state.pt")

    def load_state(self):
        path = self.out / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device)
        for optimizer in self.optimizers:   # Adam makes its state at its first step: make it now, to be filled
            for p in (p for g in optimizer.param_groups for p in g["params"]):
                p.grad = torch.zeros_like(p)
            optimizer.step()
        self.put_back(state["tensors"])
        for key in KEPT:
            setattr(self, key, state[key])

    # -- the whole run -------------------------------------------------------------------------------------------
    def train_until(self, deadline):
        """True when finished, False when the deadline came first."""
        cfg, began, records = self.cfg, time.time(), record_steps(self.cfg)
        self.load_state()
        already = self.seconds
        if self.graphed and self.step < cfg.steps:
            self.capture()
        advance = self.graph.replay if self.graphed else self.forward_backward
        self.snapshots = [(self.step, self.tensors(copy=True))]
        while True:
            if self.step in records and (not self.timelapse or self.timelapse[-1]["step"] < self.step):
                if not all(torch.isfinite(p).all() for p in self.model.parameters()):
                    self.roll_back(math.nan)
                    continue
                self.record()
            if self.step >= cfg.steps:
                self.seconds = already + time.time() - began
                self.save_state()   # the figures are still to come: a run cut off there need not train again
                return True
            self.feed()
            advance()
            self.step += 1
            if self.step % cfg.log_every == 0 or self.step == cfg.steps:
                since = self.step - (self.log[-1]["step"] if self.log else 0)
                skipped = int(self.sums[3])
                loss, penalty, norm, _ = (self.sums / max(1, since - skipped)).tolist()
                self.sums.zero_()
                if skipped > since / 2 or self.log and loss > self.log[-1]["loss"] + SPIKE:
                    self.roll_back(loss)
                    continue
                self.seconds = already + time.time() - began
                row = {"step": self.step, "loss": round(loss, 4), "gradient": round(norm, 3), "seconds": round(self.seconds, 1)}
                if skipped:
                    row["skipped"] = skipped
                if cfg.range_weight:
                    row["penalty"] = round(penalty, 4)
                if self.step % cfg.valid_every == 0 or self.step == cfg.steps:
                    row["valid_loss"] = round(self.valid_loss(), 4)
                self.log.append(row)
                if self.step % SNAPSHOT_EVERY == 0:
                    self.snapshots = [*self.snapshots[-1:], (self.step, self.tensors(copy=True))]
                if time.time() > deadline and self.step < cfg.steps:
                    self.save_state()
                    return False

    def finish(self, tokens, every, split):
        cfg = self.cfg
        checkpoint.save(self.model, self.out)
        model = checkpoint.load(self.out, self.device)   # figures are those of the file that ships, not of this memory
        write(self.out / "timelapse.json", {"id": cfg.id, "steps": cfg.steps, "records": self.timelapse})
        write(self.out / "log.json", self.log)
        card = {"id": cfg.id, "shows": cfg.shows, "family": cfg.family, "parameters": model.all_parameters(),
                "attention_parameters": model.attention_parameters(), "recipe": config.as_dict(cfg),
                "tokens_seen": cfg.tokens(), "epochs": round(cfg.tokens() / len(self.train), 2),
                "data": {s: {"tokens": int(len(data.read_tokens(Path(tokens, f"{s}.bin")))),
                             "sha256": data.fingerprint(Path(tokens, f"{s}.bin"))} for s in ("train", "valid", "test")},
                "seconds": round(self.seconds), "rollbacks": self.rollbacks,
                "skipped_steps": sum(r.get("skipped", 0) for r in self.log), "final_train_loss": self.log[-1]["loss"] if self.log else None,
                **evaluate.figures(model, tokens, every, split)}
        write(self.out / "card.json", card)
        (self.out / "state.pt").unlink(missing_ok=True)
        return card


def write(path, value):
    path.write_text(json.dumps(value) + "\n")


def main(argv=None):
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("config")
    ap.add_argument("--tokens", required=True, help="folder that training.prepare wrote")
    ap.add_argument("--out", required=True)
    ap.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    ap.add_argument("--deadline", type=float, default=math.inf, help="Unix time at which to stop and save the state")
    ap.add_argument("--every", type=int, default=1, help="final figures on one held-out window in so many")
    ap.add_argument("--split", default="test", choices=("valid", "test", "both"), help="text of the final curves")
    ap.add_argument("--no-graph", action="store_true")
    ap.add_argument("--no-compile", action="store_true")
    ap.add_argument("overrides", nargs="*", help="key=value")
    a = ap.parse_intermixed_args(argv)
    cfg = config.load(a.config, a.overrides)
    run = Run(cfg, a.tokens, a.out, a.device, not a.no_graph, not a.no_compile)
    try:
        if not run.train_until(a.deadline):
            print(json.dumps({"id": cfg.id, "unfinished": run.step, "of": cfg.steps, "loss": run.log[-1]["loss"]}))
            raise SystemExit(UNFINISHED)
    except FloatingPointError as error:
        write(run.out / "failed.json", {"id": cfg.id, "error": str(error), "recipe": config.as_dict(cfg), "rollbacks": run.rollbacks, "log": run.log})
        print(json.dumps({"id": cfg.id, "failed": str(error)}))
        raise SystemExit(1)
    card = run.finish(a.tokens, a.every, a.split)
    print(json.dumps({"id": cfg.id, "seconds": card["seconds"], "valid": card["valid"]["perplexity"],
                      **card["valid" if a.split == "both" else a.split]["summary"],
                      "rollbacks": len(run.rollbacks), "skipped": card["skipped_steps"], "ranks": card["cascade"]["capacity"]}))


if __name__ == "__main__":
    main()
