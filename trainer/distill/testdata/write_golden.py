"""Writes golden.safetensors and golden.json: a small SigLIP model of transformers with a
teacher and heads in PyTorch's own words, the losses of one step and the gradient of
everything that is trained, in float64.

    python write_golden.py

Needs torch, transformers, numpy and safetensors.
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file
from transformers import SiglipConfig, SiglipModel

# Every length differs from every other, so that nothing fits by accident.
PICTURES, LOCAL, LOCAL_SIDE, MASKED = 2, 3, 6, 12
HIDDEN, EMBEDDING, PROTOTYPES = 9, 6, 11
CONFIG = {
    "model_type": "siglip",
    "text_config": {"hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 2, "num_attention_heads": 2,
                    "vocab_size": 7, "max_position_embeddings": 4, "projection_size": 15},
    "vision_config": {"hidden_size": 15, "intermediate_size": 14, "num_hidden_layers": 2, "num_attention_heads": 3,
                      "image_size": 10, "patch_size": 2},
}
DISTILL = {
    "factor": 0.5, "view": 0.75, "patch": 0.6, "local": LOCAL, "local_side": LOCAL_SIDE, "masked": MASKED / 25,
    "hidden": HIDDEN, "embedding": EMBEDDING, "prototypes": PROTOTYPES,
    "teacher_temperature": 0.06, "student_temperature": 0.15,
}

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)


def rounded(module):
    """What float32 can hold, about as large as in a trained model."""
    with torch.no_grad():
        for name, values in module.named_parameters():
            centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
            scale = 0.6 / values.shape[-1] ** 0.5 if values.dim() > 1 else 0.3
            values.copy_((centre + scale * torch.randn_like(values)).float().double())
    return module


class Head(nn.Module):
    """As DINO's, with the length of each prototype fixed to 1."""

    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(width, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, EMBEDDING)
        self.prototypes = nn.Linear(EMBEDDING, PROTOTYPES, bias=False)

    def forward(self, x):
        x = self.fc3(F.gelu(self.fc2(F.gelu(self.fc1(x)))))
        return F.normalize(x, dim=-1) @ F.normalize(self.prototypes.weight, dim=-1).T


class Student(nn.Module):
    def __init__(self):
        super().__init__()
        width = CONFIG["vision_config"]["hidden_size"]
        self.model = SiglipModel(SiglipConfig(text_config=CONFIG["text_config"], vision_config=CONFIG["vision_config"]))
        self.view, self.patch = Head(width), Head(width)
        self.mask_token = nn.Parameter(torch.zeros(width))

    def tokens(self, pixels, mask=None):
        """pixels [B, 3, S, S], mask bool [B, N] -> tokens [B, N, D]"""
        vision = self.model.vision_model
        patches = vision.embeddings.patch_embedding(pixels)
        table = vision.embeddings.position_embedding.weight
        side = round(table.shape[0] ** 0.5)
        table = table.T.reshape(1, -1, side, side)
        if patches.shape[-1] != side:
            table = F.interpolate(table, patches.shape[-2:], mode="bilinear", align_corners=False, antialias=True)
        embedded = patches.flatten(2).transpose(1, 2)
        if mask is not None:
            embedded = torch.where(mask[..., None], self.mask_token, embedded)
        states = vision.encoder(inputs_embeds=embedded + table.flatten(2).transpose(1, 2)).last_hidden_state
        return vision.post_layernorm(states)

    def pooled(self, tokens):
        return self.model.vision_model.head(tokens)


def consistency(teacher, centre, student):
    """DINO's loss: teacher [M, K], student [M, K]"""
    shares = F.softmax((teacher - centre) / DISTILL["teacher_temperature"], dim=-1).detach()
    return torch.sum(-shares * F.log_softmax(student / DISTILL["student_temperature"], dim=-1), dim=-1).mean()


def sigmoid(model, ids, pixels, targets):
    """SigLIP's loss in the words of its paper: labels 1 and -1."""
    texts = F.normalize(model.text_model(input_ids=ids).pooler_output, dim=-1)
    pictures = F.normalize(model.vision_model(pixel_values=pixels).pooler_output, dim=-1)
    logits = texts @ pictures.T * model.logit_scale.exp() + model.logit_bias
    return -F.logsigmoid((2 * targets - 1) * logits).sum() / len(pixels)


def names(module):
    """name in our files -> parameter"""
    for name, values in module.named_parameters():
        if name.startswith("model."):
            yield name.removeprefix("model."), values
        else:
            yield "distill." + name.replace("prototypes.weight", "prototypes"), values


def draw(*shape):
    return torch.randn(shape).float().double()


def main():
    student, teacher = rounded(Student()), rounded(Student())
    with torch.no_grad():
        student.model.logit_scale.fill_(1.5)
        student.model.logit_bias.fill_(-1.25)
    ids, pixels = torch.randint(0, 7, (PICTURES, 4)), draw(PICTURES, 3, 10, 10)
    seen, local = draw(PICTURES, 3, 10, 10), draw(PICTURES * LOCAL, 3, LOCAL_SIDE, LOCAL_SIDE)
    mask = torch.stack([torch.randperm(25) < MASKED for _ in range(PICTURES)])
    centres = {"view": 0.3 * draw(PROTOTYPES), "patch": 0.3 * draw(PROTOTYPES)}
    centres = {name: values.float().double() for name, values in centres.items()}

    taught = teacher.tokens(seen)
    views, patches = teacher.view(teacher.pooled(taught)), teacher.patch(taught[mask])
    losses = {
        "sigmoid": sigmoid(student.model, ids, pixels, torch.eye(PICTURES)),
        "view": consistency(views.repeat_interleave(LOCAL, 0), centres["view"], student.view(student.pooled(student.tokens(local)))),
        "patch": consistency(patches, centres["patch"], student.patch(student.tokens(seen, mask)[mask])),
    }
    loss = losses["sigmoid"] + DISTILL["factor"] * (DISTILL["view"] * losses["view"] + DISTILL["patch"] * losses["patch"])
    loss.backward()
    assert all(values.grad is None for values in teacher.parameters())

    shares = F.softmax((views - centres["view"]) / DISTILL["teacher_temperature"], dim=-1)
    content = {
        "ids": ids, "pixels": pixels, "global": seen, "local": local, "mask": mask.reshape(-1, 1),
        "average: distill.view.centre": centres["view"], "average: distill.patch.centre": centres["patch"],
        "observed: distill.view.centre": views.mean(0), "observed: distill.patch.centre": patches.mean(0),
        "loss": loss[None], "entropy": torch.sum(-shares * shares.log(), dim=-1).mean()[None],
    } | {f"loss: {name}": value[None] for name, value in losses.items()}
    content |= {name: values for name, values in names(student)}
    content |= {"gradient: " + name: values.grad for name, values in names(student)}
    content |= {"average: " + name: values for name, values in names(teacher)}
    arrays = {name: np.ascontiguousarray(values.detach().numpy().astype(np.float32)) for name, values in content.items()}
    folder = pathlib.Path(__file__).parent
    save_file(arrays, folder / "golden.safetensors", {"torch": torch.__version__})
    (folder / "golden.json").write_text(json.dumps({"model": CONFIG, "distill": DISTILL}, indent=2) + "\n")


main()
