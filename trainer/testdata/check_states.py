"""Checks reference states by another route than the one that wrote them.

    python check_states.py [DIR of a case ...]      default: those in states/

In float64: the loss again, as softplus in numpy; every gradient against the
difference of two losses along a random direction, tensor by tensor; the tensors
that state.json calls zero; and the losses of all steps with clipping and AdamW
written out. Prints the worst of each and fails if one is too large.
"""
import argparse
import json
import pathlib
import sys

import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import load_file

import training

HERE = pathlib.Path(__file__).parent
STEP = 1e-6

# Relative. Gradients are stored in float32; those of float32 are off by rounding.
LIMITS = {"loss": 1e-5, "loss64": 1e-12, "difference64": 1e-6, "difference": 1e-4, "zero": 1e-6, "replay": 1e-9}


def open_state(folder):
    """What state.json says, and the model in float64 as the run began with it."""
    state = json.loads((folder / "state.json").read_text())
    settings = training.Settings(**state["settings"])
    model = training.load(folder / state["model"], "sdpa").eval()
    if state["adapter"]:
        PeftModel.from_pretrained(model, folder / state["adapter"], is_trainable=True)
        for name in ("logit_scale", "logit_bias"):
            getattr(model, name).requires_grad_()
    else:
        training.freeze(model, state["mode"], settings)
    batches = load_file(folder / state["batches"])
    return state, settings, training.double(model), batches


@torch.no_grad()
def plain_loss(model, batches):
    """The loss of the first step by -log sigmoid(x) = log(1 + exp(-x))."""
    images = model.vision_model(**training.pictures(batches, 0, model.dtype)).pooler_output.numpy()
    texts = model.text_model(input_ids=batches["input_ids"][0]).pooler_output.numpy()
    lengths = np.outer(np.linalg.norm(texts, axis=1), np.linalg.norm(images, axis=1))
    logits = np.exp(model.logit_scale.item()) * (texts @ images.T) / lengths + model.logit_bias.item()
    np.fill_diagonal(logits, -np.diag(logits))
    return np.logaddexp(0, logits).sum() / len(images)


@torch.no_grad()
def difference(parameter, direction, compute):
    """Central difference of the loss along a direction."""
    before = parameter.clone()
    parameter.copy_(before + STEP * direction)
    above = compute()
    parameter.copy_(before - STEP * direction)
    below = compute()
    parameter.copy_(before)
    return (above - below) / (2 * STEP)


def check_gradients(folder, state, model, compute):
    """The worst difference of a tensor, relative to the norm of its gradient,
    for the gradients of float64 and float32."""
    worst = {"difference64": 0.0, "difference": 0.0}
    files = {"difference64": load_file(folder / state["gradients64"]), "difference": load_file(folder / state["gradients"])}
    generator = torch.Generator().manual_seed(1)
    for name, parameter in training.trained(model).items():
        if name in state["zero"]:
            continue
        direction = torch.randint(0, 2, parameter.shape, generator=generator).double() * 2 - 1
        expected = difference(parameter, direction, compute)
        for kind, gradients in files.items():
            gradient = gradients[name].double()
            worst[kind] = max(worst[kind], abs((gradient * direction).sum().item() - expected) / gradient.norm().item())
    return worst


def check_zeros(folder, state):
    """The largest gradient that is called zero, relative to the norm of all, and
    that nothing else is zero."""
    gradients = load_file(folder / state["gradients"])
    parts = [gradients[name] for name in state["zero"]] + [gradients[name][a:b] for name, (a, b) in state["zero_ranges"].items()]
    exact = load_file(folder / state["gradients64"])
    silent = {name for name, values in exact.items() if values.norm() < 1e-10 * state["gradient_norm64"]}
    if silent != set(state["zero"]):
        raise SystemExit(f"{folder}: the gradients of {sorted(silent)} are zero, state.json says {state['zero']}")
    return max((part.abs().max().item() for part in parts), default=0.0) / state["gradient_norm"]


@torch.no_grad()
def adamw(parameter, moments, number, rate, decay, settings):
    """One update as the paper of AdamW writes it (Loshchilov and Hutter,
    algorithm 2), the first having number 1; decay scales with the rate."""
    first, second = moments
    first += (1 - settings.beta1) * (parameter.grad - first)
    second += (1 - settings.beta2) * (parameter.grad ** 2 - second)
    step = first / (1 - settings.beta1 ** number)
    step = step / ((second / (1 - settings.beta2 ** number)).sqrt() + settings.epsilon)
    parameter.sub_(rate * (step + decay * parameter))


def replay(state, settings, model, batches):
    """The losses of all steps."""
    parameters = training.trained(model)
    moments = {name: (torch.zeros_like(values), torch.zeros_like(values)) for name, values in parameters.items()}
    losses = []
    for index, rate in enumerate(state["learning_rates"]):
        model.zero_grad()
        loss = training.loss(model, "full", batches["input_ids"][index], **training.pictures(batches, index, model.dtype))
        loss.backward()
        losses.append(loss.item())
        norm = sum((values.grad ** 2).sum() for values in parameters.values()).sqrt()
        for name, values in parameters.items():
            values.grad *= min(1.0, settings.clip_norm / (norm + settings.clip_epsilon))
            decay = settings.weight_decay if name in state["decay"] else 0.0
            adamw(values, moments[name], index + 1, rate, decay, settings)
    return losses


def apart(values, expected):
    return max(abs(a - b) / abs(b) for a, b in zip(values, expected, strict=True))


def check(folder):
    """Every number that LIMITS bounds."""
    state, settings, model, batches = open_state(folder)
    if list(training.trained(model)) != state["trained"]:
        raise SystemExit(f"{folder}: trained is not what the mode trains")
    first = plain_loss(model, batches)
    found = {"loss": apart(state["losses"][:1], [first]), "loss64": apart(state["losses64"][:1], [first])}
    found |= check_gradients(folder, state, model, lambda: plain_loss(model, batches))
    found["zero"] = check_zeros(folder, state)
    found["replay"] = apart(replay(state, settings, model, batches), state["losses64"])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", type=pathlib.Path, default=sorted((HERE / "states").iterdir()), metavar="DIR")
    failed = False
    for case in parser.parse_args().cases:
        for file in sorted(case.glob("*/state.json")):
            found = check(file.parent)
            wrong = [name for name, value in found.items() if not value <= LIMITS[name]]
            failed |= bool(wrong)
            print(case.name, file.parent.name, *(f"{name} {value:.1e}" for name, value in found.items()), flush=True)
            if wrong:
                print("too large:", ", ".join(wrong), file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
