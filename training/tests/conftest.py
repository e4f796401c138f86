import numpy as np
import pytest
import torch

from training import config, model

torch.set_num_threads(1)

TINY = dict(n_layer=3, d_model=16, n_head=2, d_ff=32, vocab_size=64, n_ctx=16, steps=30, batch=8, lr=1e-2, warmup=5,
            records=4, log_every=10, valid_every=10)
FAMILIES = {
    "diagonal": dict(family="sd", head_dim=[4, 8, 12], value_dim=[4, 4, 8], embed_scale=4.0),
    "psd": dict(family="sd", head_dim=8, filter="psd", embed_scale=4.0),
    "elu1": dict(family="sd", head_dim=8, elu1_layers=2, embed_scale=4.0),
    "standard": dict(family="gpt2", head_dim=8, weight_std=0.2),
}


@pytest.fixture(params=FAMILIES)
def cfg(request):
    return config.Config(id=request.param, **TINY, **FAMILIES[request.param])


@pytest.fixture
def net(cfg):
    """A tiny model away from its start: large enough scores that every mode differs from every other."""
    net, g = model.build(cfg), torch.Generator().manual_seed(7)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.empty(p.shape).normal_(0, 0.1, generator=g))
    return net


@pytest.fixture
def ids():
    return torch.randint(0, 64, (2, 13), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def tokens(tmp_path):
    """Token files in which every token decides the next: there is something to learn."""
    rng = np.random.default_rng(0)
    follow = rng.permutation(64)
    for split, n in (("train", 4000), ("valid", 600), ("test", 600)):
        out = [int(rng.integers(64))]
        for _ in range(n - 1):
            out.append(int(follow[out[-1]]) if rng.random() < 0.8 else int(rng.integers(64)))
        np.array(out, dtype="<u2").tofile(tmp_path / f"{split}.bin")
    return tmp_path
