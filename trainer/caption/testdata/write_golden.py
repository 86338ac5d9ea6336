"""Writes golden.safetensors: a decoder on made-up tokens of pictures, its loss and
the gradient of everything, by PyTorch in float64, in its own words: scores of the
whole vocabulary at every position, padding ignored by the loss.

    python write_golden.py

Needs torch, numpy and safetensors.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

# Every length differs from every other, so that nothing fits by accident. Part
# does not divide the vocabulary.
PICTURES, TOKENS, SEEN = 2, 5, 10
WIDTH, HEADS, MLP, LAYERS = 12, 3, 14, 2
VOCABULARY, LENGTH, SEQUENCES, PART = 17, 7, 3, 8
WEIGHT, EPSILON = 0.75, 1e-3
IGNORE = -100

generator = torch.Generator().manual_seed(3)


def draw(*shape, scale=0.5, centre=0.0):
    values = centre + scale * torch.randn(shape, generator=generator, dtype=torch.float64)
    return values.float().double().requires_grad_()  # what float32 can hold


def parameters():
    p = {
        "embeddings.token_embedding.weight": draw(VOCABULARY + 1, WIDTH),
        "embeddings.position_embedding.weight": draw(LENGTH, WIDTH),
        "final_layer_norm.weight": draw(WIDTH, centre=1), "final_layer_norm.bias": draw(WIDTH),
        "head.weight": draw(VOCABULARY, WIDTH), "head.bias": draw(VOCABULARY),
    }
    for layer in range(LAYERS):
        name = f"layers.{layer}."
        for norm in "123":
            p[f"{name}layer_norm{norm}.weight"] = draw(WIDTH, centre=1)
            p[f"{name}layer_norm{norm}.bias"] = draw(WIDTH)
        for kind, seen in ("self_attn", WIDTH), ("cross_attn", SEEN):
            p[f"{name}{kind}.q_proj.weight"] = draw(WIDTH, WIDTH)
            p[f"{name}{kind}.k_proj.weight"] = draw(WIDTH, seen)
            p[f"{name}{kind}.v_proj.weight"] = draw(WIDTH, seen)
            p[f"{name}{kind}.out_proj.weight"] = draw(WIDTH, WIDTH)
        p[f"{name}mlp.fc1.weight"], p[f"{name}mlp.fc1.bias"] = draw(MLP, WIDTH), draw(MLP)
        p[f"{name}mlp.fc2.weight"], p[f"{name}mlp.fc2.bias"] = draw(WIDTH, MLP), draw(WIDTH)
    return p


def attend(p, name, x, seen, mask):
    def heads(rows):
        return rows.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)

    q, k, v = x @ p[f"{name}.q_proj.weight"].T, seen @ p[f"{name}.k_proj.weight"].T, seen @ p[f"{name}.v_proj.weight"].T
    mixed = F.scaled_dot_product_attention(heads(q), heads(k), heads(v), attn_mask=mask)
    return mixed.transpose(1, 2).flatten(-2) @ p[f"{name}.out_proj.weight"].T


def scores(p, tokens, ids, causal):
    """tokens [B, N, W], ids [S, L], causal [S] -> [S, L, V]"""
    def norm(name, x):
        return F.layer_norm(x, (WIDTH,), p[name + ".weight"], p[name + ".bias"], EPSILON)

    seen = tokens.repeat_interleave(SEQUENCES, 0)
    lower = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()
    mask = torch.where(causal.bool()[:, None, None, None], lower, torch.ones_like(lower))
    x = F.embedding(ids, p["embeddings.token_embedding.weight"]) + p["embeddings.position_embedding.weight"]
    for layer in range(LAYERS):
        name = f"layers.{layer}."
        h = norm(name + "layer_norm1", x)
        x = x + attend(p, name + "self_attn", h, h, mask)
        x = x + attend(p, name + "cross_attn", norm(name + "layer_norm2", x), seen, None)
        h = F.linear(norm(name + "layer_norm3", x), p[name + "mlp.fc1.weight"], p[name + "mlp.fc1.bias"])
        x = x + F.linear(F.gelu(h, approximate="tanh"), p[name + "mlp.fc2.weight"], p[name + "mlp.fc2.bias"])
    return F.linear(norm("final_layer_norm", x), p["head.weight"], p["head.bias"])


def parted(name, values):
    """The head is kept in parts."""
    if not name.startswith("head."):
        return {name: values}
    kind = name.removeprefix("head.")
    return {f"head.{i}.{kind}": values[PART * i:PART * (i + 1)] for i in range(-(-VOCABULARY // PART))}


def main():
    p, tokens = parameters(), draw(PICTURES, TOKENS, SEEN)
    total = PICTURES * SEQUENCES
    labels = torch.randint(0, VOCABULARY, (total, LENGTH), generator=generator)
    for row, (given, end) in enumerate([(1, 7), (2, 4), (1, 1), (0, 6), (3, 5), (1, 3)]):  # the third predicts nothing
        labels[row, :given] = IGNORE
        labels[row, end:] = IGNORE
    ids = torch.randint(0, VOCABULARY, (total, LENGTH), generator=generator)
    causal = torch.tensor([0, 1, 1, 1, 1, 0])
    ids[causal == 0] = VOCABULARY

    loss = WEIGHT * F.cross_entropy(scores(p, tokens, ids, causal).flatten(0, 1), labels.flatten(), ignore_index=IGNORE)
    loss.backward()

    content = {"tokens": tokens.detach().reshape(-1, SEEN), "gradient: tokens": tokens.grad.reshape(-1, SEEN), "loss": loss.detach()[None]}
    for name, values in p.items():
        for key, part in parted(name, values.detach()).items():
            content["decoder." + key] = part
        for key, part in parted(name, values.grad).items():
            content["gradient: decoder." + key] = part
    arrays = {name: np.ascontiguousarray(values.numpy().astype(np.float32)) for name, values in content.items()}
    for name, values in ("ids", ids), ("labels", labels), ("causal", causal):
        arrays[name] = values.numpy().astype(np.float32)
    save_file(arrays, pathlib.Path(__file__).parent / "golden.safetensors", {"torch": torch.__version__})


main()
