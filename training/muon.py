"""Muon: momentum whose matrix updates are made orthogonal (Jordan et al. 2024), scaled to the size of Adam's.

Every singular direction of an update has the same size, so no single direction can run away. That matters without
normalisation: one direction amplified in every layer is amplified to the power of the depth.
"""
import torch


def orthogonal(g, steps=5):
    """Nearest semi-orthogonal matrix of each matrix of a batch, roughly, by a quintic Newton-Schulz iteration."""
    x = g.bfloat16()
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return x if wide else x.mT


class Muon(torch.optim.Optimizer):
    def __init__(self, groups, momentum=0.95):
        super().__init__(groups, {"lr": 0.0, "weight_decay": 0.0, "momentum": momentum})
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["momentum"] = torch.zeros_like(p)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, beta = group["lr"], group["momentum"]
            same = {}
            for p in group["params"]:
                same.setdefault(p.shape, []).append(p)
            for shape, params in same.items():
                grads = [p.grad for p in params]
                buffers = [self.state[p]["momentum"] for p in params]
                torch._foreach_lerp_(buffers, grads, 1 - beta)
                update = orthogonal(torch.stack(torch._foreach_lerp(grads, buffers, beta)))
                update = update.float() * (0.2 * max(shape) ** 0.5) * lr
                torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
                torch._foreach_sub_(params, list(update.unbind()))
