"""Token files (uint16, little endian) and the order in which training reads them."""
import hashlib
from pathlib import Path

import numpy as np
import torch


def read_tokens(path):
    return np.fromfile(path, dtype="<u2")


def fingerprint(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def windows(tokens, n_ctx, every=1):
    """Non-overlapping windows of n_ctx + 1 tokens, each predicting n_ctx; `every` keeps one in so many."""
    count = (len(tokens) - 1) // n_ctx
    starts = np.arange(count)[::every] * n_ctx
    return torch.from_numpy(np.stack([tokens[s : s + n_ctx + 1] for s in starts]).astype(np.int64))


class Order:
    """Every epoch visits all windows once, in a fresh order and from a fresh offset.

    A pure function of (seed, sequence number), so a resumed run continues exactly where it stopped.
    """

    def __init__(self, n_tokens, n_ctx, seed):
        self.n_ctx, self.seed = n_ctx, seed
        self.per_epoch = (n_tokens - 1) // n_ctx - 1
        if self.per_epoch < 1:
            raise ValueError(f"{n_tokens} tokens are too few for windows of {n_ctx}")
        self.epoch, self.starts = -1, None

    def _load(self, epoch):
        if epoch != self.epoch:
            rng = np.random.default_rng((self.seed, epoch))
            self.starts = rng.permutation(self.per_epoch) * self.n_ctx + rng.integers(self.n_ctx)
            self.epoch = epoch
        return self.starts

    def batch(self, step, size):
        """Start positions of the batch of a step."""
        first, out = step * size, []
        while len(out) < size:
            epoch, at = divmod(first + len(out), self.per_epoch)
            out.extend(self._load(epoch)[at : at + size - len(out)])
        return np.array(out, dtype=np.int64)
