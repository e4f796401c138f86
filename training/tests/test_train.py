import json

import numpy as np
import pytest
import torch

from training import checkpoint, config, data, launch, model, prepare, train


def finished(cfg, tokens, out, deadline=1e12):
    run = train.Run(cfg, tokens, out, "cpu")
    return run, run.train_until(deadline)


def test_training_lowers_the_loss_and_writes_everything(cfg, tokens, tmp_path):
    run, done = finished(cfg, tokens, tmp_path / "run")
    assert done and run.log[-1]["loss"] < run.log[0]["loss"] - 0.05
    card = run.finish(tokens, 4, "both")
    written = {p.name for p in (tmp_path / "run").iterdir()}
    assert written == {"model.safetensors", "config.json", "card.json", "log.json", "timelapse.json"}
    assert card["largest_real_part"] <= 0 or cfg.family == "gpt2"
    assert card["test"]["perplexity"] < 64 and len(card["test"]["curves"]["sweep"]["off"]) == cfg.n_layer + 1
    steps = [r["step"] for r in json.loads((tmp_path / "run/timelapse.json").read_text())["records"]]
    assert steps[0] == 0 and steps[-1] == cfg.steps and steps == sorted(steps)


def test_save_then_load_gives_the_same_logits(net, ids, tmp_path):
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(p.half())  # the file holds f16
        checkpoint.save(net, tmp_path)
        again = checkpoint.load(tmp_path)
        assert torch.equal(net(ids), again(ids))
    assert checkpoint.config_json(again.cfg) == json.loads((tmp_path / "config.json").read_text())


def test_hugging_face_layout(tmp_path):
    cfg = config.Config(family="gpt2", n_layer=1, d_model=16, n_head=2, head_dim=8, d_ff=64, vocab_size=64, n_ctx=16)
    net = model.build(cfg)
    checkpoint.save(net, tmp_path)
    from safetensors.torch import load_file

    stored = load_file(tmp_path / "model.safetensors")
    assert stored["wte.weight"].shape == (64, 16) and stored["ln_f.bias"].shape == (16,)
    for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"):  # [in, out], unlike a linear layer
        want = net.get_submodule(f"h.0.{name}").weight.detach().t().half()
        assert torch.equal(stored[f"h.0.{name}.weight"], want), name


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_cut_twice_ends_as_one_that_was_not(tokens, tmp_path, optimizer):
    cfg = config.Config(**tiny(), optimizer=optimizer)
    whole, _ = finished(cfg, tokens, tmp_path / "whole")
    for _ in range(2):
        assert finished(cfg, tokens, tmp_path / "cut", deadline=0)[1] is False
    rest, done = finished(cfg, tokens, tmp_path / "cut")
    assert done
    for a, b in zip(whole.model.parameters(), rest.model.parameters()):
        assert torch.equal(a, b)


def tiny(**more):
    return dict(n_layer=2, d_model=16, n_head=2, head_dim=8, d_ff=32, vocab_size=64, n_ctx=16, steps=30, batch=8, lr=1e-2,
                warmup=5, records=3, log_every=5, valid_every=30, embed_scale=14.0) | more


def test_unusable_batch_leaves_no_trace(tokens, tmp_path):
    run = train.Run(config.Config(**tiny()), tokens, tmp_path / "run", "cpu")
    run.feed()
    run.forward_backward()
    with torch.no_grad():
        run.model.embed["token"][:] = torch.nan
    before = run.tensors(copy=True)
    run.forward_backward()
    assert run.sums[3] == 1
    for key, value in run.tensors().items():
        torch.testing.assert_close(value, before[key], equal_nan=True, rtol=0, atol=0)


def test_spike_returns_to_a_snapshot_and_a_hopeless_run_fails(tokens, tmp_path):
    run, done = finished(config.Config(**tiny(lr=0.3, steps=60)), tokens, tmp_path / "run")
    assert done and run.rollbacks and run.lr_factor < 1
    with pytest.raises(FloatingPointError):
        finished(config.Config(**tiny(lr=float("nan"))), tokens, tmp_path / "nan")


def test_probes(tokens, tmp_path):
    """Linearised share and score range are part of the training loss only, and they have gradients."""
    plain = model.build(config.Config(**tiny()))
    probed = model.build(config.Config(**tiny(range_layers=1, range_weight=1.0, range_limit=0.0, range_sequences=2, linear_sequences=3)))
    ids = torch.randint(0, 64, (8, 12))
    loss, penalty = probed.loss(ids, ids)
    assert penalty > 0 and loss != plain.loss(ids, ids)[0] and plain.loss(ids, ids)[1] == 0
    penalty.backward()
    assert probed.layers[0].attn.u.weight.grad.abs().sum() > 0 and probed.layers[1].attn.u.weight.grad is None


def test_order_visits_every_window_once_an_epoch():
    order = data.Order(1000, 10, seed=5)
    seen = np.concatenate([order.batch(s, 7) for s in range(14)])
    assert order.per_epoch == 98 and len(set(seen.tolist())) == 98
    np.testing.assert_array_equal(order.batch(3, 7), seen[21:28])
    assert not np.array_equal(seen[:7], order.batch(14, 7))
    assert len({int(order.batch(98 * epoch, 1)[0]) % 10 for epoch in range(6)}) > 1  # windows are cut elsewhere each epoch


def test_prepare(tmp_path):
    text = "The keeper lit the lamp.\n<|endoftext|>\nSnow fell on the sea.\n<|endoftext|>\n"
    for split in prepare.SPLITS:
        (tmp_path / f"{split}.txt").write_text(text)
    prepare.main(["--corpus", str(tmp_path), "--out", str(tmp_path / "out"), "--vocab", "300"])
    from tokenizers import Tokenizer

    tok = Tokenizer.from_file(str(tmp_path / "out/tokenizer.json"))
    ids = data.read_tokens(tmp_path / "out/test.bin")
    end = tok.token_to_id(prepare.END)
    assert (ids == end).sum() == 2 and ids[-1] == end
    assert tok.decode(ids.tolist()) == "The keeper lit the lamp.\nSnow fell on the sea.\n"


def test_config_overrides_and_mistakes(tmp_path):
    (tmp_path / "base.toml").write_text("n_layer = 3\nd_model = 16\nn_head = 2\nhead_dim = 8\nlr = 1e-2\n")
    (tmp_path / "run.toml").write_text('base = "base.toml"\nlr = 2e-2\n')
    cfg = config.load(tmp_path / "run.toml", ["filter=psd", "head_dim=[4,4,8]"])
    assert (cfg.lr, cfg.filter, cfg.head_dim, cfg.value_dim) == (2e-2, "psd", [4, 4, 8], [4, 4, 8])
    for wrong in ("head_dim=[4,8]", "head_dim=6", "learning_rate=1", "family=bert"):
        with pytest.raises(ValueError):
            config.load(tmp_path / "run.toml", [wrong])


def test_launch(tokens, tmp_path, monkeypatch):
    keys = "\n".join(f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in tiny().items())
    (tmp_path / "tiny.toml").write_text(keys)
    (tmp_path / "list.txt").write_text("# two runs\none tiny.toml\ntwo tiny.toml seed=2  # another seed\n")
    launch.main([str(tmp_path / "list.txt"), "--tokens", str(tokens), "--out", str(tmp_path / "out"), "--every", "4"])
    states = [launch.state_of(tmp_path / "out", n) for n in ("one", "two")]
    assert states == ["done", "done"]
    assert json.loads((tmp_path / "out/two/card.json").read_text())["recipe"]["seed"] == 2


def test_embeddings_can_decay_less_than_the_rest():
    cfg = config.Config(**tiny(), embed_decay=0.5)
    net = model.build(cfg)
    decay = {id(p): g["weight_decay"] for g in train.optimizer_groups(net, cfg)["adamw"] for p in g["params"]}
    assert all(decay[id(table)] == 0.5 * cfg.weight_decay for table in net.tables)
    assert decay[id(net.layers[0].attn.u.weight)] == cfg.weight_decay


def test_scores_can_leave_muon_to_adam():
    names = {}
    for adam_scores in (False, True):
        cfg = config.Config(**tiny(), optimizer="muon", adam_scores=adam_scores)
        net = model.build(cfg)
        of = {id(p): name for name, p in net.named_parameters()}
        groups = train.optimizer_groups(net, cfg)
        names[adam_scores] = {of[id(p)] for g in groups["muon"] for p in g["params"]}
        every = [of[id(p)] for kind in groups.values() for g in kind for p in g["params"]]
        assert sorted(every) == sorted(of.values())
    moved = names[False] - names[True]
    assert moved == {f"layers.{i}.attn.u.weight" for i in range(tiny()["n_layer"])} and names[True] < names[False]
