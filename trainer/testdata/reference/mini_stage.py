"""What the three stages of the training have in common: time, learning rate, averaging, checkpoints and progress."""

import json
import math
import os
import random
import time

import torch

SAVE_EVERY = 75
# A longer pause between two steps is not training: the process was stopped for a while.
LONGEST_STEP = 5.0


class Ema:
    """Moving average of a module's state."""

    def __init__(self, module, decay):
        self.decay, self.shadow = decay, {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module, step):
        decay = min(self.decay, (step + 1) / (step + 10))
        for k, v in module.state_dict().items():
            if v.dtype.is_floating_point:
                self.shadow[k].lerp_(v, 1 - decay)
            else:
                self.shadow[k].copy_(v)


class Stage:
    """One stage of `seconds` of training.

    Use: `while stage.running(): stage.finish_step(workers.step(loss_of))`, then `stage.averaged()`. Made on a path that
    holds a checkpoint, it goes on from there.
    """

    def __init__(self, name, path, module, optimizers, seconds, seed, device, decay, warm=0.02):
        self.name, self.path, self.module, self.optimizers = name, path, module, optimizers
        self.seconds, self.warm = seconds, warm
        self.rates = [[g["lr"] for g in o.param_groups] for o in optimizers]
        self.ema, self.step, self.spent = Ema(module, decay), 0, 0.0
        if path.exists():
            saved = torch.load(path, map_location=device, weights_only=False)
            module.load_state_dict(saved["model"])
            self.ema.shadow, self.step, self.spent = saved["ema"], saved["step"], saved["spent"]
            for optimizer, state in zip(optimizers, saved["opts"]):
                optimizer.load_state_dict(state)
        torch.manual_seed(seed + self.step)
        random.seed(seed + self.step)
        self.saved_at = self.tick = time.time()
        self.shown_at, self.sums, self.count = self.spent, 0, 0

    @property
    def done(self):
        """The share of the stage that lies behind, 0 to 1."""
        return min(1.0, self.spent / self.seconds) if self.seconds else 1.0

    def running(self):
        """Whether there is another step to make; sets its learning rate: warm-up, then cosine down to a hundredth."""
        factor = min(1, self.done / self.warm) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.done)))
        for optimizer, rates in zip(self.optimizers, self.rates):
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * factor
        return self.done < 1

    def finish_step(self, metrics, clip=None):
        """Applies the gradients; metrics: the tensor that Workers.step returned; clip: what to clip if not all."""
        torch.nn.utils.clip_grad_norm_(clip or self.module.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.ema.update(self.module, self.step)
        self.step, self.sums, self.count = self.step + 1, self.sums + metrics.cpu(), self.count + 1
        now = time.time()
        self.spent, self.tick = self.spent + min(now - self.tick, LONGEST_STEP), now
        if now - self.saved_at > SAVE_EVERY or self.done == 1:
            self._save()
            self.saved_at = time.time()

    def show(self, every, names, more=dict):
        """Prints the mean metrics since the last time, each `every` seconds of training and at the end.

        more: called for further fields, with the module holding its averaged state.
        """
        if self.spent - self.shown_at < every and self.done < 1:
            return
        means = (self.sums / self.count).tolist()
        live = {k: v.clone() for k, v in self.module.state_dict().items()}
        self.averaged()
        fields = {name: round(value, 3) for name, value in zip(names, means)} | more()
        self.module.load_state_dict(live)
        print(json.dumps({"stage": self.name, "step": self.step, "spent": round(self.spent)} | fields), flush=True)
        self.shown_at, self.sums, self.count, self.tick = self.spent, 0, 0, time.time()

    def averaged(self):
        """The module with its averaged state."""
        self.module.load_state_dict(self.ema.shadow)
        return self.module

    def _save(self):
        """Writes the checkpoint so that a kill leaves either the old one or the new one."""
        tmp = self.path.with_suffix(".tmp")
        torch.save({"model": self.module.state_dict(), "ema": self.ema.shadow, "step": self.step, "spent": self.spent,
                    "opts": [o.state_dict() for o in self.optimizers]}, tmp)
        os.replace(tmp, self.path)
