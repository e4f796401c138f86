"""Checkpoints as the explorer reads them: model.safetensors (f16) and config.json.

S-D: tensor names are the module's own. Standard twin: the Hugging Face GPT-2 layout, whose matrices are [in, out].
"""
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from .config import Config
from .model import Model

TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")


def config_json(cfg):
    if cfg.family == "gpt2":
        inner = {} if cfg.d_ff == 4 * cfg.d_model else {"n_inner": cfg.d_ff}
        return {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": cfg.n_layer, "n_embd": cfg.d_model,
                "n_head": cfg.n_head, "n_positions": cfg.n_ctx, "n_ctx": cfg.n_ctx,
                "vocab_size": cfg.vocab_size, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
                "tie_word_embeddings": True, **inner}
    return {"model_type": "sd", "n_layer": cfg.n_layer, "d_model": cfg.d_model, "n_head": cfg.n_head,
            "head_dim": cfg.head_dim, "value_dim": cfg.value_dim, "d_ff": cfg.d_ff, "vocab_size": cfg.vocab_size,
            "n_ctx": cfg.n_ctx, "embed_scale": cfg.embed_scale, "filter": cfg.filter, "activation": "gelu_tanh",
            "attention": [cfg.attention(i) for i in range(cfg.n_layer)], "tie_embeddings": True}


def config_from_json(c):
    if c["model_type"] == "gpt2":
        return Config(family="gpt2", n_layer=c["n_layer"], d_model=c["n_embd"], n_head=c["n_head"],
                      head_dim=c["n_embd"] // c["n_head"], d_ff=c.get("n_inner") or 4 * c["n_embd"],
                      vocab_size=c["vocab_size"], n_ctx=c["n_positions"])
    trained = c["attention"]
    elu1 = trained.count("elu1")
    if trained != ["elu1"] * elu1 + ["softmax"] * (len(trained) - elu1):
        raise ValueError("elu1 layers come first")
    return Config(family="sd", n_layer=c["n_layer"], d_model=c["d_model"], n_head=c["n_head"], head_dim=c["head_dim"],
                  value_dim=c["value_dim"], d_ff=c["d_ff"], vocab_size=c["vocab_size"], n_ctx=c["n_ctx"],
                  embed_scale=c["embed_scale"], filter=c.get("filter", "diagonal"), elu1_layers=elu1)


def save(model, folder, dtype=torch.float16):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, p in model.state_dict().items():
        p = p.detach().to("cpu", torch.float32)
        if model.cfg.family == "gpt2" and name.endswith(TRANSPOSED):
            p = p.t()
        half = p.to(dtype).contiguous()
        if not torch.isfinite(half).all():
            raise ValueError(f"{name} does not fit {dtype}")
        tensors[name] = half
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    (folder / "config.json").write_text(json.dumps(config_json(model.cfg), indent=1) + "\n")


def load(folder, device="cpu"):
    """Model of a checkpoint folder, in float32."""
    folder = Path(folder)
    model = Model(config_from_json(json.loads((folder / "config.json").read_text())))
    tensors = {}
    for name, p in load_file(folder / "model.safetensors").items():
        name = name.removeprefix("transformer.")
        if model.cfg.family == "gpt2" and name.endswith(TRANSPOSED):
            p = p.t()
        tensors[name] = p.float()
    tensors.pop("lm_head.weight", None)
    model.load_state_dict(tensors)
    return model.to(device).eval()
