"""One opponent in a process of its own: loads a model, encodes pictures in
batches and texts one at a time, and prints what it measured as one JSON object.

    python opponent.py torch|compiled|exported|quantized MODEL --pictures DIR

MODEL is a directory that prepare.py has filled.
"""
import argparse
import json
import pathlib
import resource
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import numpy as np
import torch
from PIL import Image

import reference


class Torch:
    def __init__(self, directory, threads, compiled):
        torch.set_num_threads(threads)
        model = reference.load(directory)
        self.towers = {"vision": model.vision_model, "text": model.text_model}
        if compiled:
            self.towers = {name: torch.compile(tower) for name, tower in self.towers.items()}

    @torch.inference_mode()
    def encode(self, tower, values):
        return self.towers[tower](torch.from_numpy(values)).pooler_output.numpy()


class Runtime:
    """Graphs in ONNX Runtime as it is by default, but for the threads."""

    def __init__(self, directory, threads):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.sessions = {
            tower: onnxruntime.InferenceSession(directory / f"{tower}.onnx", options, providers=["CPUExecutionProvider"])
            for tower in ("vision", "text")}

    def encode(self, tower, values):
        return self.sessions[tower].run(None, {"values": values})[0]


def open_opponent(kind, directory, threads):
    if kind in ("torch", "compiled"):
        return Torch(directory, threads, kind == "compiled")
    return Runtime(directory / kind, threads)


def median_seconds(work, seconds):
    """Of the runs in the given time, at least three, after one to warm up."""
    work()
    took, began = [], time.perf_counter()
    while len(took) < 3 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def measure(opponent, directory, pictures, batches, seconds):
    processor = reference.processor(directory)
    pixels = [processor(Image.open(file), return_tensors="np")["pixel_values"] for file in sorted(pictures.iterdir())]
    result = {"images_per_second": {}}
    for batch in batches:
        values = np.concatenate([pixels[i % len(pixels)] for i in range(batch)])
        took = median_seconds(lambda: opponent.encode("vision", values), seconds)
        result["images_per_second"][batch] = batch / took
    length = json.loads((directory / "config.json").read_text())["text_config"].get("max_position_embeddings", 64)
    ids = reference.input_ids(directory, length, ["photo 7 of a red fish in the harbour at night"]).numpy()
    result["text_latency_ms"] = 1000 * median_seconds(lambda: opponent.encode("text", ids), seconds)
    result["vectors"] = np.concatenate([opponent.encode("vision", pixels[0]), opponent.encode("text", ids)]).tolist()
    result["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("torch", "compiled", "exported", "quantized"))
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=5)
    given = parser.parse_args()
    opponent = open_opponent(given.kind, given.model, given.threads)
    print(json.dumps(measure(opponent, given.model, given.pictures, given.batches, given.seconds)))


if __name__ == "__main__":
    main()
