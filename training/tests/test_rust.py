"""What training exports is what the Rust reader takes, and its CPU engine gives the same losses."""
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from training import checkpoint, config, model

from .conftest import FAMILIES, TINY

ROOT = Path(__file__).parents[2]
TOKENIZER = ROOT / "assets/checkpoints/tokenizer.json"
TEXT = "The keeper had one rule, and he kept it."


def report(folder, text, *flags):
    """The report of `cargo xtask report`, without the detour: the tests of the Rust core have built it."""
    command = ["cargo", "run", "--quiet", "--bin", "cascade-report", "--", folder, "--text", text, "--engine", "cpu", *flags]
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("family", FAMILIES)
def test_rust_gives_the_same_losses(family, tmp_path):
    sizes = TINY | dict(vocab_size=4096, n_ctx=32)
    net = model.build(config.Config(id=family, **sizes, **FAMILIES[family]))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(11)
        for p in net.parameters():
            p.add_(torch.empty(p.shape).normal_(0, 0.1, generator=generator))
    checkpoint.save(net, tmp_path)
    shutil.copy(TOKENIZER, tmp_path)
    (tmp_path / "text.txt").write_text(TEXT)

    again = checkpoint.load(tmp_path).double()
    found = report(tmp_path, tmp_path / "text.txt", "--spectra")
    ids = torch.tensor([found["ids"]])
    with torch.no_grad():
        expected = F.cross_entropy(again(ids)[0, :-1], ids[0, 1:], reduction="none")
    np.testing.assert_allclose(found["nll"], expected.numpy(), atol=1e-4)
    assert found["model"]["parameters"] == sum(p.numel() for p in net.parameters())
    if family != "standard":
        assert all(head["capacity"]["max_re_eig"] <= 1e-6 for layer in found["spectra"] for head in layer["heads"])
