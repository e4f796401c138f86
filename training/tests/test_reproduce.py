"""What the explorer showed is computed again and compared; what differs is found."""
import hashlib
import json
import math

import pytest
import torch

from training import checkpoint, config, model, reproduce

from .conftest import FAMILIES, TINY


@pytest.fixture(params=FAMILIES)
def folder(request, tmp_path):
    net = model.build(config.Config(id=request.param, **TINY, **FAMILIES[request.param]))
    checkpoint.save(net, tmp_path)
    return tmp_path


def shown(folder, modes):
    """A report as the page saves it, from the float64 figures."""
    net = checkpoint.load(folder).double()
    ids = torch.arange(2, 2 + net.cfg.n_ctx // 2) % net.cfg.vocab_size
    figures = reproduce.figures(net, ids, modes)
    heads = lambda kind: [[{kind: {"routing_erank": r}} for r in layer] for layer in figures[kind]]
    layers = [{"heads": [a | b for a, b in zip(*pair)]} for pair in zip(heads("operating"), heads("capacity"))]
    sha256 = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    return {"model": {"sha256": sha256}, "ids": ids.tolist(), "modes": modes, "spectra": layers,
            "perplexity": figures["perplexity"], "baseline_perplexity": figures["baseline_perplexity"]}


def run(folder, report):
    (folder / "report.json").write_text(json.dumps(report))
    return reproduce.main([str(folder / "report.json"), str(folder)])


def test_agrees_with_itself_and_finds_what_differs(folder, capsys):
    layers = len(checkpoint.load(folder).blocks)
    report = shown(folder, ["linearized"] + ["softmax"] * (layers - 1))
    assert run(folder, report) == 0, capsys.readouterr().out
    assert run(folder, report | {"spectra": None}) == 0
    capsys.readouterr()
    assert run(folder, report | {"perplexity": report["perplexity"] * 1.01}) == 1
    assert "DIFFERS  perplexity" in capsys.readouterr().out
    report["spectra"][0]["heads"][0]["operating"]["routing_erank"] += 0.1
    assert run(folder, report) == 1
    assert "DIFFERS  operating" in capsys.readouterr().out


def test_other_weights_and_other_depths_are_named(folder, capsys):
    layers = len(checkpoint.load(folder).blocks)
    report = shown(folder, ["off"] * layers)
    assert run(folder, report | {"model": {"sha256": "0" * 64}}) == 1
    assert "other weights" in capsys.readouterr().out
    assert run(folder, report | {"modes": ["off"]}) == 1
    assert f"1 modes for {layers} layers" in capsys.readouterr().out


def test_differences():
    assert reproduce.difference([1.0, 2.0], [1.0, 2.0]) == 0
    assert reproduce.difference([[1.0], [2.0]], [[1.0], [2.2]]) == pytest.approx(0.2 / 2.2)
    assert reproduce.difference(None, None) == 0
    assert reproduce.difference(None, 1.0) == reproduce.difference([1.0], [1.0, 2.0]) == math.inf
