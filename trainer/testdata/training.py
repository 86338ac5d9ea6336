"""Training of SigLIP 2 in PyTorch, as write_states.py records it and
bench_train.py measures it: what is trained in each mode, the loss, the groups
of AdamW and the learning rate.

Modes: full (everything), lora (an adapter by PEFT in the blocks of both
towers), text-only (the text tower) and last-K (the last K blocks of each tower
with the norm and the head behind them). Temperature and bias of the loss are
trained in all of them.
"""
import dataclasses
import json
import math
import os
import pathlib
import re
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "encoder" / "testdata"))

import torch
from peft import LoraConfig, get_peft_model
from transformers import Siglip2Model, SiglipModel
from transformers.utils import logging

import interpolation  # noqa: F401, corrects torch

logging.set_verbosity_error()
logging.disable_progress_bar()
warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`")  # PEFT asks transformers for it

# The linear layers of the blocks. A list of names would also match those of the
# pooling head, whose attention PEFT cannot wrap.
LORA_TARGETS = r".*\.encoder\.layers\.\d+\.(self_attn\.(q_proj|k_proj|v_proj|out_proj)|mlp\.(fc1|fc2))"


@dataclasses.dataclass
class Settings:
    """Of one run. Names are those of state.json."""
    learning_rate: float
    steps: int = 20
    warmup_steps: int = 4
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    clip_epsilon: float = 1e-6      # clip_grad_norm_ divides by norm + 1e-6
    lora_rank: int = 8
    lora_alpha: int = 16
    lora_targets: str = LORA_TARGETS


def load(directory, attention, dtype=torch.float32):
    """The model of a directory. Fails if a tensor is missing, has another shape
    or is not known, where from_pretrained would only warn."""
    kind = model_class(directory)
    model, report = kind.from_pretrained(directory, dtype=dtype, attn_implementation=attention, output_loading_info=True)
    if wrong := {what: names for what, names in report.items() if names}:
        raise SystemExit(f"{directory}: not the tensors of a {kind.__name__}: {wrong}")
    return model


def model_class(directory):
    """SiglipModel for fixed resolution, Siglip2Model for native aspect ratio."""
    kind = json.loads((directory / "config.json").read_text())["model_type"]
    return {"siglip": SiglipModel, "siglip2": Siglip2Model}[kind]


def double(model):
    """The model in float64. Siglip2Model would take its table of positions to
    float32 to resize it."""
    if isinstance(model, Siglip2Model):
        model.vision_model.embeddings.resize_positional_embeddings = resized_positions
    return model.double()


def resized_positions(table, spatial_shapes, max_length):
    """Of each picture the table [rows, columns, D] resized to its grid, padded
    with zeros: [B, max_length, D]."""
    table = table.permute(2, 0, 1)[None]
    grids = [torch.nn.functional.interpolate(table, size=tuple(shape), mode="bilinear", antialias=True) for shape in spatial_shapes.tolist()]
    rows = [grid.flatten(2)[0].T for grid in grids]
    return torch.stack([torch.nn.functional.pad(part, (0, 0, 0, max_length - len(part))) for part in rows])


def last(mode):
    """K of the mode last-K, else None."""
    found = re.fullmatch(r"last-([1-9]\d*)", mode)
    return int(found[1]) if found else None


def valid_mode(mode):
    """For argparse."""
    if mode not in ("full", "lora", "text-only") and last(mode) is None:
        raise ValueError(mode)
    return mode


def freeze(model, mode, settings):
    """Leaves requires_grad to what the mode trains. In mode lora the model gets
    an adapter, whose PeftModel is returned."""
    adapter = add_adapter(model, settings) if mode == "lora" else None
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(trains(name, mode, model.config))
    return adapter


def add_adapter(model, settings):
    return get_peft_model(model, LoraConfig(
        r=settings.lora_rank, lora_alpha=settings.lora_alpha, target_modules=settings.lora_targets, lora_dropout=0.0, bias="none"))


def trains(name, mode, config):
    if name in ("logit_scale", "logit_bias") or mode == "full":
        return True
    if mode == "lora":
        return ".lora_" in name
    if mode == "text-only":
        return name.startswith("text_model.")
    return behind(name, last(mode), config)


def behind(name, count, config):
    """Whether a tensor is in the last count blocks of a tower or behind them."""
    tower = config.text_config if name.startswith("text_model.") else config.vision_config
    if found := re.search(r"\.encoder\.layers\.(\d+)\.", name):
        return int(found[1]) >= tower.num_hidden_layers - count
    return re.search(r"_model\.(final_layer_norm|post_layernorm|head)\.", name) is not None


def trained(model):
    """Parameters that are trained, by the names of their file: those of
    model.safetensors, for an adapter those of adapter_model.safetensors."""
    return {file_name(name): parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def file_name(name):
    return "base_model.model." + name.replace(".default.", ".") if ".lora_" in name else name


def decays(name, parameter):
    """Weight decay pulls at matrices and kernels, not at biases, norms,
    temperature and bias, nor at what is looked up or asked with: the embeddings
    of tokens and positions and the probe."""
    looked_up = ("token_embedding.weight", "position_embedding.weight", "head.probe")
    return parameter.ndim >= 2 and not name.endswith(looked_up)


def optimizer(parameters, settings, **implementation):
    """AdamW over the two groups. implementation: fused or foreach."""
    names = list(parameters)
    groups = [
        {"params": [parameters[name] for name in names if decays(name, parameters[name])], "weight_decay": settings.weight_decay},
        {"params": [parameters[name] for name in names if not decays(name, parameters[name])], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        groups, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2), eps=settings.epsilon, **implementation)


def rate(step, settings):
    """Learning rate of a step, the first being 0: linear from 1/warmup_steps of
    it to all of it, then half a cosine that would reach zero at step `steps`."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / (settings.steps - settings.warmup_steps)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def unit(vectors):
    return vectors / vectors.norm(dim=-1, keepdim=True)


def sigmoid_loss(texts, images, scale, bias):
    """Of pairs of unit vectors [B, D], SigLIP's algorithm 1: the i-th text and
    the i-th image belong together, all others do not; summed over texts, mean
    over images."""
    logits = scale.exp() * texts @ images.T + bias
    labels = 2 * torch.eye(len(texts), dtype=logits.dtype) - 1
    return -torch.nn.functional.logsigmoid(labels * logits).sum() / len(images)


def pictures(batches, step, dtype):
    """What the image tower takes of a step: pixel_values and, for native aspect
    ratio, pixel_attention_mask and spatial_shapes."""
    made = {name: values[step] for name, values in batches.items() if name != "input_ids"}
    return made | {"pixel_values": made["pixel_values"].to(dtype)}


def loss(model, mode, input_ids, **given):
    """Of one batch of texts and pictures. A frozen image tower leaves no graph
    behind."""
    with torch.set_grad_enabled(mode != "text-only"):
        images = unit(model.vision_model(**given).pooler_output)
    texts = unit(model.text_model(input_ids=input_ids).pooler_output)
    return sigmoid_loss(texts, images, model.logit_scale, model.logit_bias)
