"""Writes what the opponents need, each part in a process of its own, so that
its memory is free again before the next.

    python prepare.py model NAME DIR [--layers N]  a checkpoint with random weights
    python prepare.py exported DIR                 its graphs as torch exports them: DIR/exported/*.onnx
    python prepare.py quantized DIR                those as ONNX Runtime quantizes them: DIR/quantized/*.onnx
    python prepare.py pictures DIR                 eight pictures

What is there already is left alone.
"""
import argparse
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

TOWERS = ("vision", "text")

# The arguments of models.Checkpoint.
CHECKPOINTS = {
    "B/16-224": ("siglip2-base-patch16-224", "base", 16, 224),
    "So400m/16-256": ("siglip2-so400m-patch16-256", "so400m", 16, 256),
}


def write_model(name, directory, layers):
    import models
    models.write(models.Checkpoint(*CHECKPOINTS[name], layers=layers), directory)


def export(source, directory):
    """Both towers with any batch size, weights beside the graph."""
    import torch

    import reference
    directory.mkdir()
    model = reference.load(source)
    side, length = model.config.vision_config.image_size, model.config.text_config.max_position_embeddings
    inputs = {"vision": torch.zeros(2, 3, side, side), "text": torch.zeros(2, length, dtype=torch.long)}

    class Pooled(torch.nn.Module):
        def __init__(self, tower):
            super().__init__()
            self.tower = tower

        def forward(self, values):
            return self.tower(values).pooler_output

    for tower in TOWERS:
        with torch.no_grad():
            torch.onnx.export(
                Pooled(getattr(model, f"{tower}_model")).eval(), (inputs[tower],), directory / f"{tower}.onnx", dynamo=True,
                external_data=True, input_names=["values"], output_names=["pooled"], verbose=False,
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))


def quantize(source, directory):
    """Fully connected layers with int8 weights, one scale for each output. The
    convolution of the patches stays in float32: as ConvInteger it is slower."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    directory.mkdir()
    for tower in TOWERS:
        quantize_dynamic(
            source / f"{tower}.onnx", directory / f"{tower}.onnx", per_channel=True, weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm"], use_external_data_format=True)


def draw(directory, count=8):
    import numpy as np
    from PIL import Image
    directory.mkdir()
    y, x = np.mgrid[0:480, 0:640] / 480
    for i in range(count):
        waves = [np.sin(9 * x + i), np.sin(23 * y + i), np.sin(61 * x * y + i)]
        Image.fromarray((127.5 + 127.5 * np.stack(waves, -1)).astype(np.uint8)).save(directory / f"{i}.png")


def complete(directory, write):
    """Lets write fill a folder that appears under its name when it is whole."""
    if directory.exists():
        return
    partial = directory.with_name(directory.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    write(partial)
    partial.rename(directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    for part in ("model", "exported", "quantized", "pictures"):
        arguments = parts.add_parser(part)
        if part == "model":
            arguments.add_argument("name", choices=CHECKPOINTS)
            arguments.add_argument("--layers", type=int, default=1000)
        arguments.add_argument("directory", type=pathlib.Path)
    given = parser.parse_args()
    directory = given.directory
    match given.part:
        case "model":
            complete(directory, lambda to: write_model(given.name, to, given.layers))
        case "exported":
            complete(directory / "exported", lambda to: export(directory, to))
        case "quantized":
            complete(directory / "quantized", lambda to: quantize(directory / "exported", to))
        case "pictures":
            complete(directory, draw)


if __name__ == "__main__":
    main()
