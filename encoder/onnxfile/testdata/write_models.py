"""Writes ONNX exports of tiny random models, in the layouts that are published.

    python write_models.py      rewrites the folders beside this script

hub/ is what onnx-community publishes, with the suffixes of three precisions;
naflex/ a NaFlex model with external data, exported as the torch.export based
exporter does; immich/ the two normalised towers of Immich, with a fixed batch.
Needs torch, transformers, onnx, onnxscript and onnxruntime.
"""
import pathlib
import shutil
import warnings

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.transformers.float16 import convert_float_to_float16
from transformers import Siglip2Config, Siglip2Model, SiglipConfig, SiglipModel

HERE = pathlib.Path(__file__).parent
TOWER = dict(hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2)
TEXT = dict(TOWER, vocab_size=64, max_position_embeddings=8, projection_size=8)
IDS = torch.zeros(2, 8, dtype=torch.int64)
PIXELS = torch.zeros(2, 3, 8, 8)
BATCH, LENGTH = "batch_size", "sequence_length"
PICTURE = {0: BATCH, 1: "num_channels", 2: "height", 3: "width"}


class Tower(torch.nn.Module):
    """One tower; call decides inputs and outputs."""

    def __init__(self, model, call):
        super().__init__()
        self.model, self.call = model, call

    def forward(self, *inputs):
        return self.call(self.model, *inputs)


def export(path, model, call, inputs, names, outputs, axes=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(Tower(model, call), tuple(inputs), path, input_names=names, output_names=outputs,
                      **({"dynamic_axes": axes} if axes else {}), **options)


def hidden_and_pooled(output):
    return output.last_hidden_state, output.pooler_output


def hub(folder):
    torch.manual_seed(1)
    model = SiglipModel(SiglipConfig(text_config=TEXT, vision_config=dict(TOWER, image_size=8, patch_size=4))).eval()
    model.set_attn_implementation("eager")
    options = dict(dynamo=False, opset_version=18)
    both = ["last_hidden_state", "pooler_output"]
    export(folder / "vision_model.onnx", model.vision_model, lambda m, p: hidden_and_pooled(m(pixel_values=p)),
           [PIXELS], ["pixel_values"], both, {"pixel_values": PICTURE} | {name: {0: BATCH} for name in both}, **options)
    export(folder / "text_model.onnx", model.text_model, lambda m, ids: hidden_and_pooled(m(input_ids=ids)),
           [IDS], ["input_ids"], both,
           {"input_ids": {0: BATCH, 1: LENGTH}} | {name: {0: BATCH} for name in both}, **options)

    def combined(m, ids, pixels):
        out = m(input_ids=ids, pixel_values=pixels)
        return out.logits_per_image, out.logits_per_text, out.text_embeds, out.image_embeds

    outputs = ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"]
    text, image = torch.export.Dim("text_" + BATCH), torch.export.Dim("image_" + BATCH)
    export(folder / "model.onnx", model, combined, [IDS, torch.zeros(3, 3, 8, 8)], ["input_ids", "pixel_values"], outputs,
           dynamo=True, opset_version=18, external_data=False, dynamic_shapes={"inputs": ({0: text}, {0: image})})
    for name in ["vision_model", "text_model"]:
        half = convert_float_to_float16(onnx.load(folder / f"{name}.onnx"), keep_io_types=True)
        onnx.save(half, folder / f"{name}_fp16.onnx")
        quantize_dynamic(folder / f"{name}.onnx", folder / f"{name}_quantized.onnx", per_channel=True, weight_type=QuantType.QUInt8)
    quantizer = MatMulNBitsQuantizer(onnx.load(folder / "model.onnx"), block_size=16, is_symmetric=True)
    quantizer.process()
    quantizer.model.save_model_to_file(str(folder / "model_q4.onnx"))
    (folder / "model.onnx").unlink()  # beside the towers it would only repeat them


def naflex(folder):
    torch.manual_seed(2)
    vision = dict(TOWER, patch_size=4, num_patches=16)
    model = Siglip2Model(Siglip2Config(text_config=TEXT, vision_config=vision)).eval()
    model.set_attn_implementation("eager")
    inputs = [torch.zeros(1, 12, 48), torch.ones(1, 12, dtype=torch.int32), torch.tensor([[3, 4]], dtype=torch.int32)]
    export(folder / "text_model.onnx", model.text_model, lambda m, ids: m(input_ids=ids).pooler_output,
           [IDS], ["input_ids"], ["text_embeds"], dynamo=True, opset_version=18, external_data=False,
           dynamic_shapes={"inputs": ({0: torch.export.Dim(BATCH)},)})
    export(folder / "vision_model.onnx", model.vision_model,
           lambda m, pixels, mask, shapes: m(pixel_values=pixels, pixel_attention_mask=mask, spatial_shapes=shapes).pooler_output,
           inputs, ["pixel_values", "pixel_attention_mask", "spatial_shapes"], ["image_embeds"],
           dynamo=True, opset_version=18, external_data=False)
    path = folder / "vision_model.onnx"
    onnx.save(onnx.load(path), path, save_as_external_data=True, location=path.name + "_data", size_threshold=256)


def immich(folder):
    torch.manual_seed(3)
    model = SiglipModel(SiglipConfig(text_config=TEXT, vision_config=dict(TOWER, image_size=8, patch_size=4))).eval()
    model.set_attn_implementation("eager")
    options = dict(dynamo=False, opset_version=17)
    unit = torch.nn.functional.normalize
    export(folder / "visual" / "model.onnx", model.vision_model, lambda m, p: unit(m(pixel_values=p).pooler_output, dim=-1),
           [PIXELS[:1]], ["image"], ["embedding"], **options)
    export(folder / "textual" / "model.onnx", model.text_model, lambda m, ids: unit(m(input_ids=ids).pooler_output, dim=-1),
           [IDS[:1].to(torch.int32)], ["text"], ["embedding"], **options)


def strip(path):
    """Drops what makes the files large and decides nothing: names of nodes, stack traces, inferred shapes."""
    model = onnx.load(path, load_external_data=False)
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.name = node.doc_string = ""
        del node.metadata_props[:]
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    onnx.save(model, path)


def main():
    warnings.filterwarnings("ignore")
    for name, write in {"hub": hub, "naflex": naflex, "immich": immich}.items():
        shutil.rmtree(HERE / name, ignore_errors=True)
        write(HERE / name / "onnx" if name != "immich" else HERE / name)
    for path in sorted(HERE.rglob("*.onnx")):
        strip(path)
        print(path.relative_to(HERE), path.stat().st_size)


if __name__ == "__main__":
    main()
