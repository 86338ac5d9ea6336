"""Loads what the Go trainer wrote with Hugging Face transformers, an adapter
with PEFT, and writes the vectors of given inputs, for a Go test to compare.

    python verify_written.py MODEL INPUTS OUTPUT [--adapter DIR]

INPUTS is a safetensors file with input_ids, int64 [..., L], and pixel_values,
float32 [..., 3, R, R]; one of them is enough, and leading axes are flattened.
For a model of native aspect ratio pixel_values is [..., S, 3 P P], with
pixel_attention_mask, int64 [..., S], and spatial_shapes, int64 [..., 2].
OUTPUT gets text_embeds and image_embeds, unit vectors, float32 [B, D], and
logit_scale and logit_bias, float32 [1]. Fails if a tensor is missing, has
another shape or is not known.
"""
import argparse
import pathlib
import warnings

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import training

BATCH = 16


def add_adapter(model, directory):
    """Fails where PEFT would only warn."""
    with warnings.catch_warnings(action="ignore"):
        expected = get_peft_model_state_dict(PeftModel.from_pretrained(model, directory))
    with safe_open(directory / "adapter_model.safetensors", "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
    if differing := shapes.items() ^ {(name, tuple(values.shape)) for name, values in expected.items()}:
        raise SystemExit(f"{directory}: not the tensors that its adapter_config.json asks for: {sorted(differing)[:4]}")


@torch.no_grad()
def embed(model, inputs):
    """Unit vectors by name of the output."""
    made = {}
    if "input_ids" in inputs:
        made["text_embeds"] = vectors(model.text_model, {"input_ids": flat(inputs["input_ids"], 1)})
    if "spatial_shapes" in inputs:
        axes = {"pixel_values": 2, "pixel_attention_mask": 1, "spatial_shapes": 1}
        made["image_embeds"] = vectors(model.vision_model, {name: flat(inputs[name], count) for name, count in axes.items()})
    elif "pixel_values" in inputs:
        made["image_embeds"] = vectors(model.vision_model, {"pixel_values": flat(inputs["pixel_values"], 3)})
    return made


def flat(values, axes):
    """[B, ...] with the given number of axes behind B."""
    return values.reshape(-1, *values.shape[-axes:])


def vectors(tower, given):
    batches = zip(*(values.split(BATCH) for values in given.values()))
    return training.unit(torch.cat([tower(**dict(zip(given, batch))).pooler_output for batch in batches]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "inputs", "output"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--adapter", type=pathlib.Path, metavar="DIR")
    given = parser.parse_args()
    model = training.load(given.model, "eager").eval()
    if given.adapter:
        add_adapter(model, given.adapter)
    made = embed(model, load_file(given.inputs))
    made |= {name: getattr(model, name).detach().clone() for name in ("logit_scale", "logit_bias")}
    save_file(made, given.output)


if __name__ == "__main__":
    main()
