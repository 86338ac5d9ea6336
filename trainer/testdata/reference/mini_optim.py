"""Two-thread gradients and a batched Muon: what makes training on a small CPU fast.

One Python thread per core, each with its own part of the batch, beats one wide OpenMP team: there is no barrier after
every operator, so other work on the machine costs only its share.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import torch


class Workers:
    """Runs the same loss on several parts of a batch at once and leaves the mean gradients in `.grad`."""

    def __init__(self, parameters, device):
        self.parameters = [p for p in parameters if p.requires_grad]
        # A GPU wants one big batch.
        self.count = 1 if device.type == "cuda" else min(2, os.cpu_count())
        self.pool = ThreadPoolExecutor(self.count, initializer=self._start) if self.count > 1 else None
        if self.pool:
            torch.set_num_threads(1)

    @staticmethod
    def _start():
        torch.set_num_threads(1)

    def map(self, function, parts):
        return list(self.pool.map(function, parts)) if self.pool else [function(p) for p in parts]

    def step(self, loss_of):
        """Calls loss_of(part) -> (loss, metrics tensor) for part 0..count-1; returns the mean of the metrics."""
        def one(part):
            loss, metrics = loss_of(part)
            return torch.autograd.grad(loss, self.parameters, allow_unused=True), metrics.detach()
        results = self.map(one, range(self.count))
        for i, p in enumerate(self.parameters):
            grads = [g[i] for g, _ in results if g[i] is not None]
            p.grad = sum(grads[1:], grads[0]).div_(len(results)) if grads else None
        return sum(m for _, m in results) / len(results)


@torch.no_grad()
def _orthogonal(x, steps=5):
    """Newton-Schulz iteration on a stack of matrices [k,r,c]: pushes all singular values towards one."""
    wide = x.shape[1] <= x.shape[2]
    x = x.to(torch.bfloat16)
    x = x if wide else x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return (x if wide else x.mT).float()


class Muon:
    """Muon (orthogonalised momentum) for matrices, one stack per shape; updates have the size of AdamW's."""

    def __init__(self, parameters, lr, workers, weight_decay=0.05, momentum=0.95):
        shapes = {}
        for p in parameters:
            shapes.setdefault(tuple(p.shape), []).append(p)
        self.param_groups = [{"params": ps, "lr": lr} for ps in shapes.values()]
        self.workers, self.weight_decay, self.momentum = workers, weight_decay, momentum
        self.buffers = [torch.zeros(len(g["params"]), *g["params"][0].shape, device=g["params"][0].device)
                        for g in self.param_groups]

    @torch.no_grad()
    def _update(self, at):
        group, buffer = self.param_groups[at], self.buffers[at]
        grad = torch.stack([p.grad for p in group["params"]])
        buffer.lerp_(grad, 1 - self.momentum)
        update = _orthogonal(grad.lerp(buffer, self.momentum))
        size = 0.2 * math.sqrt(max(update.shape[1:]))
        for p, u in zip(group["params"], update):
            p.mul_(1 - group["lr"] * self.weight_decay).add_(u, alpha=-group["lr"] * size)

    def step(self):
        self.workers.map(self._update, range(len(self.buffers)))

    def state_dict(self):
        return {"buffers": self.buffers}

    def load_state_dict(self, state):
        for b, s in zip(self.buffers, state["buffers"]):
            b.copy_(s)


def optimizers(model, lr, muon_lr, workers):
    """Muon for the matrices inside the layers, AdamW for everything else."""
    hidden, rest = [], []
    for name, p in model.named_parameters():
        inner = p.ndim == 2 and (".layers." in name or ".mlp.fc" in name)
        (hidden if inner else rest).append(p)
    return [Muon(hidden, muon_lr, workers),
            torch.optim.AdamW([{"params": [p for p in rest if p.ndim > 1], "weight_decay": 0.02},
                               {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0}], lr=lr,
                              betas=(0.9, 0.98), fused=True)]
