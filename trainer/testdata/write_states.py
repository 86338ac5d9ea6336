"""Writes reference states: what PyTorch makes of the same weights, batches and
settings. The Go trainer must arrive at the same gradients and losses.

    python write_states.py tiny naflex-tiny        rewrites states/ beside this script
    python write_states.py --out DIR mini base     those that are too large to be committed

README.md describes the files. Needs encoder/testdata/requirements.txt.
"""
import argparse
import dataclasses
import json
import math
import pathlib
import platform
import shutil
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "encoder" / "testdata"))

import numpy as np
import peft
import torch
import transformers
from safetensors.torch import save_file

import formula
import models
import training

MODES = ("full", "lora", "text-only", "last-1")
THREADS = 2

# Every length differs from every other, so that nothing fits by accident.
TINY = {
    "model_type": "siglip",
    "text_config": {
        "model_type": "siglip_text_model", "hidden_size": 24, "intermediate_size": 56, "num_hidden_layers": 2,
        "num_attention_heads": 3, "vocab_size": 300, "max_position_embeddings": 12, "projection_size": 32,
    },
    "vision_config": {
        "model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 72, "num_hidden_layers": 2,
        "num_attention_heads": 4, "image_size": 24, "patch_size": 8,
    },
}
NAFLEX_TINY = {
    "model_type": "siglip2",
    "text_config": {
        "model_type": "siglip2_text_model", "hidden_size": 12, "intermediate_size": 28, "num_hidden_layers": 2,
        "num_attention_heads": 3, "vocab_size": 100, "max_position_embeddings": 8, "projection_size": 20,
    },
    "vision_config": {
        "model_type": "siglip2_vision_model", "hidden_size": 20, "intermediate_size": 44, "num_hidden_layers": 2,
        "num_attention_heads": 5, "num_patches": 9, "patch_size": 4,
    },
}
# The most patches of a picture, one of them for each step.
LENGTHS = (6, 12, 20)
BASE = models.Checkpoint("siglip2-base-patch16-224", "base", 16, 224, vocabulary=2000, layers=2)


@dataclasses.dataclass
class Case:
    """A model with its batches, and the learning rates of its runs."""
    checkpoint: models.Checkpoint | None    # what the processor is written for; None: the bundled model as it is
    config: dict | None
    batch: int
    learning_rate: float
    lora_learning_rate: float


CASES = {
    "tiny": Case(models.Checkpoint("siglip2-tiny", "base", 8, 24), TINY, 4, 1e-3, 2e-3),
    "naflex-tiny": Case(models.Checkpoint("siglip2-naflex-tiny", "base", 4), NAFLEX_TINY, 4, 1e-3, 2e-3),
    "mini": Case(None, None, 8, 1e-4, 1e-3),
    "base": Case(BASE, models.config(BASE), 4, 1e-4, 1e-3),
}


def weight(name, shape):
    """Random. Temperature and bias are such that pairs that do not belong
    together weigh about as much as those that do."""
    if name == "logit_scale":
        return torch.full(shape, math.log(10))
    if name == "logit_bias":
        return torch.full(shape, -2.0)
    return models.weight(name, shape)


def write_model(case, directory):
    """In the official layout, without a tokenizer: batches hold token ids."""
    if case.config is None:
        shutil.copytree(models.MINI, directory, ignore=shutil.ignore_patterns("README.md"))
        return
    directory.mkdir(parents=True)
    models.write_json(directory / "config.json", case.config)
    config_class, model_class = models.classes(directory)
    with torch.device("meta"):
        model = model_class(config_class.from_pretrained(directory))
    weights = {name: weight(name, tuple(parameter.shape)) for name, parameter in model.named_parameters()}
    models.write_weights(directory, weights, shards=1)
    models.write_processor(case.checkpoint, directory)


def input_ids(name, rows, length, vocabulary):
    """Texts of every length: ids, the end of text, padding."""
    made = np.zeros((rows, length), np.int64)
    for row in range(rows):
        drawn = formula.integers(f"{name}.input_ids.{row}", length + 1)
        end = int(drawn[length] % np.uint64(length))
        made[row, :end] = drawn[:end] % np.uint64(vocabulary - 3) + np.uint64(3)
        made[row, end] = 1
    return made


def pixel_values(name, rows, side):
    """Noise around a colour of its own for every picture, within [-1, 1]."""
    noise = formula.uniform(f"{name}.noise", (rows, 3, side, side), 0, 1)
    return noise + formula.uniform(f"{name}.colour", (rows, 3, 1, 1), 0, 1)


def native_pictures(name, rows, batch, patch):
    """Of native aspect ratio, in patches: as many of them as the length of the
    step allows, in a random number of rows. Padded with zeros."""
    pixels = np.zeros((rows, max(LENGTHS), 3 * patch * patch), np.float32)
    mask, shapes = np.zeros(pixels.shape[:2], np.int64), np.zeros((rows, 2), np.int64)
    for row in range(rows):
        most = LENGTHS[int(formula.integers(f"{name}.length.{row // batch}", 1)[0] % np.uint64(len(LENGTHS)))]
        down = 1 + int(formula.integers(f"{name}.rows.{row}", 1)[0] % np.uint64(most))
        shapes[row] = down, most // down
        count = shapes[row].prod()
        mask[row, :count] = 1
        pixels[row, :count] = formula.uniform(f"{name}.noise.{row}", (count, pixels.shape[2]), 0, 1)
        pixels[row, :count] += np.tile(formula.uniform(f"{name}.colour.{row}", (3,), 0, 1), patch * patch)
    return {"pixel_values": pixels, "pixel_attention_mask": mask, "spatial_shapes": shapes}


def make_batches(name, config, batch, steps):
    rows, vision = steps * batch, config.vision_config
    made = {"input_ids": input_ids(name, rows, config.text_config.max_position_embeddings, config.text_config.vocab_size)}
    if config.model_type == "siglip2":
        made |= native_pictures(name, rows, batch, vision.patch_size)
    else:
        made["pixel_values"] = pixel_values(name, rows, vision.image_size)
    return {key: torch.from_numpy(values.reshape(steps, batch, *values.shape[1:])) for key, values in made.items()}


def fill_adapter(parameters):
    """Random, and B is not zero as it is at the start of a real run: there the
    gradients of A are."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            if ".lora_" in name:
                scale = 0.1 if ".lora_B." in name else 1.0
                parameter.copy_(scale * models.weight(name, tuple(parameter.shape)))


def save_adapter(adapter, base, directory):
    """In PEFT's layout, without the path of this machine."""
    adapter.peft_config["default"].base_model_name_or_path = base
    adapter.save_pretrained(directory, save_embedding_layers=False)
    (directory / "README.md").unlink()


def run(model, mode, batches, settings):
    """Trains, and returns the gradients of the first step before clipping, the
    losses before each update and the norms of the gradients before clipping."""
    parameters = training.trained(model)
    optimizer = training.optimizer(parameters, settings, foreach=False, fused=False)
    gradients, losses, norms = {}, [], []
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = training.rate(step, settings)
        optimizer.zero_grad()
        loss = training.loss(model, mode, batches["input_ids"][step], **training.pictures(batches, step, model.dtype))
        loss.backward()
        if step == 0:
            gradients = {name: parameter.grad.clone() for name, parameter in parameters.items()}
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), settings.clip_norm, foreach=False).item())
        losses.append(loss.item())
        optimizer.step()
    return gradients, losses, norms


def start(mode, directory, settings, attention, dtype):
    """The model at step 0, and its adapter in mode lora."""
    model = training.load(directory / "model", attention).eval()
    adapter = training.freeze(model, mode, settings)
    fill_adapter(training.trained(model))
    return training.double(model) if dtype == torch.float64 else model, adapter


def write_mode(name, mode, directory, batches):
    case, folder = CASES[name], directory / mode
    settings = training.Settings(case.lora_learning_rate if mode == "lora" else case.learning_rate)
    folder.mkdir()
    state = begin(name, mode, directory, settings)
    # Eager attention takes its softmax in float32 whatever the model is in.
    for suffix, attention, dtype in (("", "eager", torch.float32), ("64", "sdpa", torch.float64)):
        model, _ = start(mode, directory, settings, attention, dtype)
        gradients, losses, norms = run(model, mode, batches, settings)
        save_file({name: values.float() for name, values in gradients.items()}, folder / f"gradients{suffix}.safetensors")
        state |= {f"gradient_norm{suffix}": norms[0], f"losses{suffix}": losses, f"gradient_norms{suffix}": norms}
    models.write_json(folder / "state.json", state)
    report(name, mode, state)


def begin(name, mode, directory, settings):
    """Saves the adapter, if there is one, and returns what state.json says
    before the run."""
    model, adapter = start(mode, directory, settings, "eager", torch.float32)
    if adapter:
        save_adapter(adapter, name, directory / mode / "adapter")
    return describe(name, mode, training.trained(model), settings)


def describe(name, mode, parameters, settings):
    state = {
        "case": name, "mode": mode, "model": "../model", "batches": "../batches.safetensors",
        "gradients": "gradients.safetensors", "gradients64": "gradients64.safetensors",
        "adapter": "adapter" if mode == "lora" else None,
        "versions": {"python": platform.python_version(), "torch": torch.__version__.partition("+")[0],
                     "transformers": transformers.__version__, "peft": peft.__version__},
        "threads": THREADS,
        "settings": dataclasses.asdict(settings),
        "learning_rates": [training.rate(step, settings) for step in range(settings.steps)],
        "trained": list(parameters),
        "decay": [name for name, parameter in parameters.items() if training.decays(name, parameter)],
    }
    return state | zeros(parameters)


def zeros(parameters):
    """Whose gradient is zero but for rounding: the bias of the keys adds the same
    number to all logits of a query, and softmax does not see that. In the pooling
    head it is the second third of in_proj_bias."""
    whole = [name for name in parameters if name.endswith("k_proj.bias")]
    parts = {name: [len(values) // 3, 2 * len(values) // 3]
             for name, values in parameters.items() if name.endswith("attention.in_proj_bias")}
    return {"zero": whole, "zero_ranges": parts}


def report(name, mode, state):
    apart = max(abs(a - b) / abs(b) for a, b in zip(state["losses"], state["losses64"]))
    print(f"{name} {mode}: loss {state['losses'][0]:.4f} to {state['losses'][-1]:.4f}, norm {state['gradient_norms'][0]:.3f}, "
          f"float32 from float64 by {apart:.1e}", flush=True)


def write(name, directory, modes):
    """A case. One that was there before is removed."""
    if directory.exists() and not (directory / "batches.safetensors").exists():
        raise SystemExit(f"{directory} exists and is not a case: name another folder with --out")
    shutil.rmtree(directory, ignore_errors=True)
    write_model(CASES[name], directory / "model")
    config = models.classes(directory / "model")[0].from_pretrained(directory / "model")
    batches = make_batches(name, config, CASES[name].batch, training.Settings.steps)
    save_file(batches, directory / "batches.safetensors")
    for mode in modes:
        write_mode(name, mode, directory, batches)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", choices=CASES)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "states", metavar="DIR")
    parser.add_argument("--modes", nargs="+", type=training.valid_mode, default=MODES, metavar="MODE")
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    for name in given.cases:
        write(name, given.out / name, given.modes)


if __name__ == "__main__":
    main()
