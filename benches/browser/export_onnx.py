"""Writes what the peers run: ONNX graphs, the same matrices as one flat file, and the float64 answers.

    python -m benches.browser.export_onnx OUT CHECKPOINT... --golden DIR

The graph is decomposed (MatMul, Softmax, LayerNormalization and the like) and ends in one loss a token, so that little
is read back. q is pre-multiplied, scores are scaled within q's matrix, weights lie [in, out]: nothing is left to do at
run time that could be done here.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import spectra, weights

# Equal on paper, different in speed from engine to engine: the benchmark takes each peer's fastest correct one.
VARIANTS = {"plain": {}, "fused": {"merged": True, "gelu_op": True}}
SHIFTS = (0, 64, 128, 192)


class Graph:
    """Nodes and constants under construction; every method returns the name of its result."""

    def __init__(self):
        self.nodes, self.constants = [], {}

    def node(self, op, *inputs, **attributes):
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, **attributes))
        return name

    def constant(self, value, dtype=np.float32):
        value = np.ascontiguousarray(value, dtype)
        name = f"c_{len(self.constants)}"
        self.constants[name] = numpy_helper.from_array(value, name)
        return name

    def linear(self, x, matrix, bias=None):
        product = self.node("MatMul", x, self.constant(matrix))
        return product if bias is None else self.node("Add", product, self.constant(bias))

    def gelu(self, x, op):
        if op:
            return self.node("Gelu", x, approximate="tanh")
        cube = self.node("Mul", self.node("Mul", x, x), x)
        inner = self.node("Add", x, self.node("Mul", cube, self.constant(0.044715)))
        tanh = self.node("Tanh", self.node("Mul", inner, self.constant(np.sqrt(2 / np.pi))))
        half = self.node("Mul", x, self.constant(0.5))
        return self.node("Mul", half, self.node("Add", tanh, self.constant(1.0)))


def attention(g, config, t, i, x, tokens, mask, merged):
    heads, r, rv = config["heads"], config["head_dim"][i], config["value_dim"][i]
    zero = np.zeros(heads * r)
    scale = 1 / np.sqrt(r)
    parts = {"q": (t[f"{i}.q"] * scale, t.get(f"{i}.q.bias", zero) * scale),
             "k": (t[f"{i}.k"], t.get(f"{i}.k.bias", zero)), "v": (t[f"{i}.v"], t[f"{i}.v.bias"])}
    widths = {"q": heads * r, "k": heads * r, "v": heads * rv}
    if merged:
        whole = g.linear(x, np.concatenate([m for m, _ in parts.values()], 1), np.concatenate([b for _, b in parts.values()]))
        split = helper.make_node("Split", [whole, g.constant(list(widths.values()), np.int64)], [f"{n}_{i}" for n in "qkv"], axis=1)
        g.nodes.append(split)
        flat = {n: f"{n}_{i}" for n in "qkv"}
    else:
        flat = {n: g.linear(x, m, b if np.any(b) else None) for n, (m, b) in parts.items()}
    order = {"q": (1, 0, 2), "k": (1, 2, 0), "v": (1, 0, 2)}
    shaped = {n: g.node("Transpose", g.node("Reshape", flat[n], g.constant([tokens, heads, -1], np.int64)), perm=order[n])
              for n in "qkv"}
    scores = g.node("Add", g.node("MatMul", shaped["q"], shaped["k"]), mask)
    mixed = g.node("MatMul", g.node("Softmax", scores, axis=-1), shaped["v"])
    return g.node("Reshape", g.node("Transpose", mixed, perm=(1, 0, 2)), g.constant([tokens, heads * rv], np.int64))


def build(config, t, tokens, merged=False, gelu_op=False):
    """A model of `tokens` ids (int32) and their successors → the loss of each but the last, in nats."""
    g = Graph()

    def norm(name, x):
        if config["family"] == "sd":
            return x
        scale, bias = g.constant(t[name]), g.constant(t[f"{name}.bias"])
        return g.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=config["epsilon"])

    token = g.constant(t["token"])
    table = token if np.array_equal(t["start"], t["token"]) else g.constant(t["start"])
    x = g.node("Add", g.node("Gather", table, "ids"), g.constant(t["position"][:tokens]))
    # Finite, so that no engine meets infinity minus infinity; exp of it is 0 all the same.
    mask = g.constant(np.triu(np.full((1, tokens, tokens), -1e9), 1))
    for i in range(config["layers"]):
        mixed = attention(g, config, t, i, norm(f"{i}.norm1", x), tokens, mask, merged)
        x = g.node("Add", x, g.linear(mixed, t[f"{i}.o"], t[f"{i}.o.bias"]))
        hidden = g.gelu(g.linear(norm(f"{i}.norm2", x), t[f"{i}.up"], t[f"{i}.up.bias"]), gelu_op)
        x = g.node("Add", x, g.linear(hidden, t[f"{i}.down"], t[f"{i}.down.bias"]))
    x = norm("norm", x)
    # Loss = log-sum-exp − target logit. The latter is one dot product a token: no gathering from the logits.
    logits = g.linear(x, t["token"].T)
    axis = g.constant([1], np.int64)
    top = g.node("ReduceMax", logits, axis, keepdims=1)
    total = g.node("ReduceSum", g.node("Exp", g.node("Sub", logits, top)), axis, keepdims=1)
    target = g.node("ReduceSum", g.node("Mul", x, g.node("Gather", token, "targets")), axis, keepdims=1)
    g.nodes.append(helper.make_node("Sub", [g.node("Add", g.node("Log", total), top), target], ["loss"]))
    ids = [helper.make_tensor_value_info(name, TensorProto.INT32, [tokens]) for name in ("ids", "targets")]
    loss = helper.make_tensor_value_info("loss", TensorProto.FLOAT, [tokens, 1])
    graph = helper.make_graph(g.nodes, "model", ids, [loss], list(g.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def flat_weights(config, tensors, folder, name):
    """All matrices as little-endian f32 one after the other, with a table of where each lies."""
    at, table = 0, {}
    with open(folder / f"{name}.weights.bin", "wb") as file:
        for key, tensor in tensors.items():
            if not key.endswith(".kernel"):
                table[key] = {"at": at, "shape": list(tensor.shape)}
                at += file.write(tensor.astype("<f4").tobytes()) // 4
    (folder / f"{name}.weights.json").write_text(json.dumps({"config": config, "tensors": table}))


def export(checkpoint, golden, folder):
    name = checkpoint.name
    config, tensors = weights.load(checkpoint)
    told = json.loads((golden / f"{name}.lighthouse256.json").read_text())
    # The same tokens begun elsewhere: texts of equal cost, so that nothing of the last round can be reused.
    texts = [np.roll(told["ids"], -shift).tolist() for shift in SHIFTS]
    passes = [weights.forward(config, tensors, ids) for ids in texts]
    loss, inputs = passes[0]
    apart = np.abs(loss - told["nll"]).max()
    if apart > 1e-4:
        raise SystemExit(f"{name}: the losses computed here are {apart:.1e} away from tests/golden")
    for variant, options in VARIANTS.items():
        onnx.save(build(config, tensors, len(told["ids"]), **options), folder / f"{name}.{variant}.onnx")
    flat_weights(config, tensors, folder, name)
    small = spectra.matrices(config, tensors, inputs)
    small.astype("<f4").tofile(folder / f"{name}.spectra.bin")
    mixed = json.loads((golden / f"{name}.lighthouse256.mixed.json").read_text())
    answers = {"texts": [{"ids": ids, "loss": loss.tolist()} for ids, (loss, _) in zip(texts, passes)],
               "mixed": {"modes": mixed["modes"], "loss": mixed["nll"]},
               "spectra": {"shape": list(small.shape), "values": np.linalg.svd(small, compute_uv=False).reshape(-1).tolist()},
               "variants": list(VARIANTS), "layers": config["layers"], **weights.work(config, len(told["ids"]))}
    (folder / f"{name}.answers.json").write_text(json.dumps(answers))
    print(f"{name}: mean loss {loss.mean():.6f}, within {apart:.1e} of tests/golden")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--golden", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for checkpoint in arguments.checkpoints:
        export(checkpoint, arguments.golden, arguments.out)


if __name__ == "__main__":
    main()
