"""ONNX exports of a model directory, as torch writes them, in the layouts that
are found on the hub."""
import json
import shutil
import string

import onnx
import torch

import models
import reference


class Tower(torch.nn.Module):
    """A tower with named outputs; inputs and outputs are float32 also when its
    weights are float16, as in the published files."""

    def __init__(self, tower, dtype):
        super().__init__()
        self.tower, self.dtype = tower.to(dtype), dtype

    def forward(self, **inputs):
        inputs = {name: value.to(self.dtype) if value.is_floating_point() else value for name, value in inputs.items()}
        output = self.tower(**inputs)
        return output.last_hidden_state.float(), output.pooler_output.float()


class Text(Tower):
    def forward(self, input_ids):
        return super().forward(input_ids=input_ids)


class Vision(Tower):
    def forward(self, pixel_values):
        return super().forward(pixel_values=pixel_values)


class NaflexVision(Tower):
    def forward(self, pixel_values, pixel_attention_mask, spatial_shapes):
        return super().forward(pixel_values=pixel_values, pixel_attention_mask=pixel_attention_mask, spatial_shapes=spatial_shapes)


class NaflexEmbeddings(torch.nn.Module):
    """Siglip2VisionEmbeddings without a loop over the batch, which cannot be
    exported: the antialiased bilinear resize of the position table as two
    small matrices of weights for each patch."""

    def __init__(self, embeddings):
        super().__init__()
        self.patch, self.table, self.side = embeddings.patch_embedding, embeddings.position_embedding.weight, 16

    def forward(self, pixel_values, spatial_shapes):
        height, width = spatial_shapes[:, :1], spatial_shapes[:, 1:]
        index = torch.arange(pixel_values.shape[1])[None]
        index = torch.where(index < height * width, index, 0)  # padding repeats the first position
        rows = self.weights(index // width, height).to(self.table.dtype)
        columns = self.weights(index % width, width).to(self.table.dtype)
        table = self.table.reshape(self.side, self.side, -1)
        positions = torch.einsum("bni,bnj,ijd->bnd", rows, columns, table)
        return self.patch(pixel_values) + positions

    def weights(self, position, size):
        """A triangle as wide as the reduction, over the cells of the table."""
        ratio = self.side / size.float()
        centre = (position.float() + 0.5) * ratio
        distance = (torch.arange(self.side).float() + 0.5 - centre[..., None]).abs()
        triangle = (1 - distance / ratio.clamp(min=1)[..., None]).clamp(min=0)
        return triangle / triangle.sum(-1, keepdim=True)


class Immich(torch.nn.Module):
    """A tower that returns unit vectors only."""

    def __init__(self, tower):
        super().__init__()
        self.tower = tower

    def forward(self, inputs):
        pooled = self.tower(inputs.long() if inputs.dtype == torch.int32 else inputs).pooler_output
        return torch.nn.functional.normalize(pooled, dim=-1)


def export(module, inputs, path, names, outputs, dynamic=()):
    """Writes one graph; dynamic lists the axes of each input whose size is open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes = tuple({axis: torch.export.Dim.DYNAMIC for axis in axes} for axes in dynamic) or None
    with torch.no_grad():
        program = torch.onnx.export(module.eval(), inputs, input_names=names, output_names=[f"{name}_" for name in outputs],
                                    dynamo=True, dynamic_shapes=shapes, verbose=False)
    # The exporter calls what an embedding layer returns "embedding" too.
    for value in program.model.graph.all_nodes():
        for output in value.outputs:
            output.name = f"{output.name}_inner" if output.name in outputs else output.name
    for output in program.model.graph.outputs:
        output.name = output.name.removesuffix("_")
    program.save(path, external_data=False)
    onnx.checker.check_model(str(path))


def write_community(directory, target, dtype=torch.float32):
    """The layout of onnx-community: onnx/text_model.onnx, onnx/vision_model.onnx,
    with the suffix _fp16 for float16."""
    model = reference.load(directory)
    suffix = "_fp16" if dtype == torch.float16 else ""
    outputs = ["last_hidden_state", "pooler_output"]
    ids = torch.zeros(2, model.config.text_config.max_position_embeddings, dtype=torch.long)
    export(Text(model.text_model, dtype), (ids,), target / "onnx" / f"text_model{suffix}.onnx", ["input_ids"], outputs, [[0]])
    path = target / "onnx" / f"vision_model{suffix}.onnx"
    if model.config.model_type == "siglip2":
        model.vision_model.embeddings = NaflexEmbeddings(model.vision_model.embeddings)
        shapes = torch.tensor([[9, 12], [16, 16]])
        mask = (torch.arange(256)[None] < shapes.prod(1, keepdim=True)).long()
        inputs = (torch.zeros(2, 256, 768), mask, shapes)
        export(NaflexVision(model.vision_model, dtype), inputs, path, ["pixel_values", "pixel_attention_mask", "spatial_shapes"],
               outputs, [[0, 1], [0, 1], [0]])
    else:
        side = model.config.vision_config.image_size
        export(Vision(model.vision_model, dtype), (torch.zeros(2, 3, side, side),), path, ["pixel_values"], outputs, [[0]])
    copy_companions(directory, target)


def copy_companions(directory, target):
    for name in ("config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(directory / name, target)


def write_immich(directory, target):
    """The layout of Immich: visual/model.onnx and textual/model.onnx, one input
    at a time, with the settings of open_clip."""
    model = reference.load(directory)
    side, length = model.config.vision_config.image_size, model.config.text_config.max_position_embeddings
    width = model.config.vision_config.hidden_size
    export(Immich(model.vision_model), (torch.zeros(1, 3, side, side),), target / "visual" / "model.onnx", ["image"], ["embedding"])
    export(Immich(model.text_model), (torch.zeros(1, length, dtype=torch.int32),), target / "textual" / "model.onnx", ["text"], ["embedding"])
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(directory / name, target / "textual")
    models.write_json(target / "visual" / "preprocess_cfg.json", {
        "size": [side, side], "mode": "RGB", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic",
        "resize_mode": "squash", "fill_color": 0})
    models.write_json(target / "config.json", {
        "embed_dim": width, "custom_text": True,
        "vision_cfg": {"image_size": side, "timm_model_name": "vit_base_patch16_siglip_224", "timm_pool": "map", "timm_proj": "none"},
        "text_cfg": {"context_length": length, "vocab_size": model.config.text_config.vocab_size, "width": width,
                     "tokenizer_kwargs": {"clean": "canonicalize"}, "pool_type": "last", "no_causal_mask": True}})
    # The reference is transformers with the filter of open_clip.
    processor = json.loads((directory / "preprocessor_config.json").read_text())
    models.write_json(directory / "preprocessor_config.json", processor | {"resample": 3})


def cleaned(text):
    """As Immich cleans a text for these models."""
    return " ".join(text.split()).translate(str.maketrans("", "", string.punctuation)).lower()
