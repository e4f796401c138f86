"""One run as data: a TOML file, every key typed and defaulted here.

A file may name another as its `base`; its own keys then override the base's. Single keys can also be overridden
from the command line (`lr=3e-3`), so that a table of experiments is a list of short lines.
"""
import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

MODES = ("softmax", "elu1")  # what a layer can be trained with


@dataclass
class Config:
    id: str = "tiny"
    shows: str = ""                 # one sentence for the card
    family: str = "sd"              # sd | gpt2
    seed: int = 1

    # shape
    n_layer: int = 12
    d_model: int = 192
    n_head: int = 6
    head_dim: list | int = 32       # one number, or a list with one a layer
    value_dim: list | int | None = None   # as head_dim where absent
    d_ff: int = 768
    vocab_size: int = 4096
    n_ctx: int = 256
    embed_scale: float = 4.0        # alpha: the residual stream starts at alpha * (token + position)
    filter: str = "diagonal"        # diagonal | psd
    elu1_layers: int = 0            # the first so many layers are trained with elu1 attention

    # initialisation
    embed_std: float = 0.02
    weight_std: float | None = None  # None: 1/sqrt(fan_in), the S-D recipe; the twin uses 0.02 throughout
    residual_gain: float | None = None  # factor on output projections; None: 1/sqrt(2 n_layer)
    u_gain: list | float = 1.0      # factor on W of the scores, one number or one a layer
    a_gain: list | float = 1.0      # A ~ N(0, (a_gain)^2 / r), one number or one a layer
    delta: float = -2.0             # filter D starts at softplus(delta)

    # optimisation
    optimizer: str = "adamw"        # adamw | muon (matrices inside the layers; adamw for the rest)
    steps: int = 5200
    batch: int = 128                # sequences of n_ctx tokens
    lr: float = 3e-3
    embed_lr: float = 1.0           # factor on lr for the embeddings
    kernel_lr: float = 1.0          # factor on lr for A, delta and L
    score_lr: float = 1.0           # factor on lr for W of the scores
    adam_scores: bool = False       # under muon: W of the scores by adamw, whose steps follow the gradient's few directions
    min_lr: float = 0.1             # cosine ends at this fraction of lr
    warmup: int = 200
    weight_decay: float = 0.1
    embed_decay: float = 1.0        # factor on weight_decay for the embeddings
    beta2: float = 0.95
    clip: float = 1.0

    # optional: keep the first layers inside the linear range of softmax (see README, "score range")
    range_layers: int = 0
    range_limit: float = 1.0        # centred scores beyond +- this are penalised
    range_weight: float = 0.0
    range_sequences: int = 8        # sequences of each batch on which it is measured
    linear_sequences: int = 0       # sequences of each batch that go through those layers linearised

    # recording
    log_every: int = 50
    records: int = 24               # log-spaced steps with spectra
    valid_every: int = 500
    extra: dict = field(default_factory=dict)  # free notes, copied to the card

    def __post_init__(self):
        self.head_dim = per_layer(self.head_dim, self.n_layer, "head_dim")
        self.value_dim = per_layer(self.head_dim if self.value_dim is None else self.value_dim, self.n_layer, "value_dim")
        self.u_gain = per_layer(self.u_gain, self.n_layer, "u_gain")
        self.a_gain = per_layer(self.a_gain, self.n_layer, "a_gain")
        if self.family not in ("sd", "gpt2"):
            raise ValueError(f"family is 'sd' or 'gpt2', not {self.family!r}")
        if self.optimizer not in ("adamw", "muon"):
            raise ValueError(f"optimizer is 'adamw' or 'muon', not {self.optimizer!r}")
        if self.filter not in ("diagonal", "psd"):
            raise ValueError(f"filter is 'diagonal' or 'psd', not {self.filter!r}")
        if self.family == "gpt2" and (set(self.head_dim) != {self.d_model // self.n_head} or self.elu1_layers):
            raise ValueError("the standard twin has head_dim d_model / n_head and softmax in every layer")
        if any(r % 4 for r in self.head_dim + self.value_dim):
            raise ValueError("head dimensions are multiples of 4: the engines read them four at a time")
        if max(self.range_sequences if self.range_weight else 0, self.linear_sequences) > self.batch:
            raise ValueError("more probed sequences than the batch holds")

    def attention(self, layer):
        return "elu1" if layer < self.elu1_layers else "softmax"

    def tokens(self):
        return self.steps * self.batch * self.n_ctx


def per_layer(value, n, name):
    values = list(value) if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise ValueError(f"{name}: {len(values)} values for {n} layers")
    return values


def read(path):
    path = Path(path)
    table = tomllib.loads(path.read_text())
    base = table.pop("base", None)
    return {**read(path.parent / base), **table} if base else table


def load(path, overrides=()):
    """Config of a TOML file; overrides are `key=value` with a TOML value on the right (a bare word is a string)."""
    table = read(path)
    for item in overrides:
        key, _, value = item.partition("=")
        try:
            table[key] = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            table[key] = value
    known = {f.name for f in dataclasses.fields(Config)}
    if unknown := sorted(set(table) - known):
        raise ValueError(f"{path}: unknown keys {unknown}")
    return Config(**table)


def as_dict(cfg):
    return dataclasses.asdict(cfg)
