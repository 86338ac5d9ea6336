"""Checks official checkpoints against numbers that others have published.

    python golden.py DIR [--coco 000000039769.jpg] [--polylens bin/polylens] [--OPTION=VALUE of polylens]
    python golden.py --self-test

DIR holds models under their names on the hub: DIR/siglip2-base-patch16-naflex,
DIR/google/siglip2-base-patch16-naflex, or as the cache of huggingface_hub has
them. What is not there is skipped with a line that says so; the exit code is 1
when a number is wrong or nothing could be checked. Needs pillow.

--self-test proves, on the bundled model under other names, that right numbers
pass and that wrong ones fail.
"""
import argparse
import copy
import json
import math
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from PIL import Image, ImageDraw

MINI = pathlib.Path(__file__).parent.parent / "hub" / "polylens-mini"

# Each number with its tolerance. Scale is exp(logit_scale).
#
# Sources: circles are test_inference of transformers' test_modeling_siglip2.py;
# it tells results of two kinds of GPU that differ by 0.012. texts are the
# fixtures of Findit-AI/siglip2-naflex and of khasinski/siglip2-rb. cats is
# test_inference of test_modeling_siglip.py, whose picture is decoded a little
# differently by every JPEG library. Scale and bias are what the model cards and
# the notebook of big_vision say, to the digits that they give.
GOLDEN = {
    "siglip2-base-patch16-naflex": {
        "scale": (math.exp(4.747554302215576), 1e-3), "bias": (-16.776988983154297, 1e-5),
        "circles": ({
            "circle": [1.0195, -0.0280, -1.4468],
            "ellipsoid": [-4.5395, -6.2269, -1.5667],
            "blue circle on red background": [4.1757, 5.0358, 3.5159],
            "blue circle with green border on red background": [9.4264, 10.1879, 6.3353],
            "green circle on red background": [2.4409, 3.1058, 4.5491],
            "a dog": [-12.3230, -13.7355, -13.4632],
            "a blue dog with a green border on a red background": [1.1520, 1.1687, -1.9647],
        }, 2e-2),
        "texts": ({
            "a photograph of a sunset over the ocean": {0: [0.025276, -0.030369, 0.043650, 0.005312]},
            "海辺の夕日の写真": {0: [0.034026, -0.007932, 0.005668, 0.013899]},
        }, 1e-4),
    },
    "siglip2-base-patch16-224": {
        "scale": (math.exp(4.724453449249268), 1e-3), "bias": (-16.771724700927734, 1e-5),
        "texts": ({
            "a photo of a cat": {0: [-0.011983467, 0.000758734, -0.009031220, 0.011290942, 0.350122226],
                                 -5: [-0.014799555, -0.008427276, -0.023717102, -0.007892613, -0.049449439]},
            "a photo of a dog": {0: [-0.011897533, 0.010257618, 0.005089786, 0.005841295, 0.344579279]},
        }, 1e-4),
    },
    "siglip2-large-patch16-256": {"scale": (108.05, 0.006), "bias": (-16.348, 6e-4)},
    "siglip2-so400m-patch16-384": {"scale": (109.86, 0.006), "bias": (-15.932, 6e-4)},
    "siglip2-so400m-patch16-256": {"scale": (109.9, 0.06), "bias": (-15.9, 0.06)},
    "siglip-base-patch16-224": {
        "scale": (117.33, 0.06), "bias": (-12.932, 6e-4),
        "cats": ({"a photo of 2 cats": -0.7567, "a photo of 2 dogs": -10.3354}, 2e-2),
    },
}
GOLDEN["siglip2-base-patch16-224-ONNX"] = {"texts": GOLDEN["siglip2-base-patch16-224"]["texts"]}


class Skipped(Exception):
    """Why a number could not be checked."""


class Program:
    """Polylens, with the options that it was given."""

    def __init__(self, path, options):
        self.command = [path, "embed", "--json", *options]

    def embed(self, model, texts=(), files=()):
        """Unit vectors of texts, then of pictures."""
        inputs = [f"--text={text}" for text in texts] + [f"--image={file}" for file in files]
        done = subprocess.run([*self.command, "--model", str(model), *inputs], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"polylens ended with {done.returncode}")
        vectors = [json.loads(line)["embedding"] for line in done.stdout.splitlines()]
        return vectors[: len(texts)], vectors[len(texts):]


def find(root, name):
    """The folder of a model, or None."""
    owner = "onnx-community" if name.endswith("-ONNX") else "google"
    snapshots = sorted((root / f"models--{owner}--{name}" / "snapshots").glob("*"))
    return next((folder for folder in [root / name, root / owner / name, *snapshots] if (folder / "config.json").exists()), None)


def stored(model, name):
    """One stored float32 number, read from the safetensors files."""
    for file in sorted(model.glob("model*.safetensors")):
        with open(file, "rb") as content:
            length, = struct.unpack("<Q", content.read(8))
            entry = json.loads(content.read(length)).get(name)
            if entry and entry["dtype"] == "F32":
                content.seek(8 + length + entry["data_offsets"][0])
                return struct.unpack("<f", content.read(4))[0]
    raise Skipped(f"no float32 {name} in the folder")


def logits(model, text_vectors, image_vectors):
    """Rows of texts, columns of pictures."""
    scale, bias = math.exp(stored(model, "logit_scale")), stored(model, "logit_bias")
    return [[scale * sum(a * b for a, b in zip(text, image)) + bias for image in image_vectors] for text in text_vectors]


# A check yields pairs of got and wanted numbers.

def check_scale(model, want, **_):
    yield math.exp(stored(model, "logit_scale")), want


def check_bias(model, want, **_):
    yield stored(model, "logit_bias"), want


def check_texts(model, want, program, **_):
    vectors, _ = program.embed(model, list(want))
    for vector, parts in zip(vectors, want.values()):
        for start, values in parts.items():
            start = start if start >= 0 else len(vector) + start
            yield from zip(vector[start:], values)


def check_circles(model, want, program, **_):
    with tempfile.TemporaryDirectory() as folder:
        files = [draw_circle(pathlib.Path(folder), width, height) for width, height in [(224, 224), (1024, 1024), (1024, 224)]]
        rows = logits(model, *program.embed(model, list(want), files))
    for row, wanted in zip(rows, want.values()):
        yield from zip(row, wanted)


def check_cats(model, want, program, coco):
    if coco is None:
        raise Skipped("give the picture 000000039769.jpg of COCO with --coco")
    rows = logits(model, *program.embed(model, list(want), [coco]))
    yield from ((row[0], wanted) for row, wanted in zip(rows, want.values()))


CHECKS = {"scale": check_scale, "bias": check_bias, "texts": check_texts, "circles": check_circles, "cats": check_cats}


def draw_circle(folder, width, height):
    """A blue circle with a green border on red, as the test of transformers draws it."""
    image = Image.new("RGB", (width, height), "red")
    x, y = width // 2, height // 2
    radius = min(x, y) // 8 * 7
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill="blue", outline="green", width=width // 20)
    file = folder / f"{width}x{height}.png"
    image.save(file)
    return file


def judge(pairs, tolerance):
    """How many numbers there are, and what is wrong with the worst."""
    pairs = list(pairs)
    got, want = max(pairs, key=lambda pair: abs(pair[0] - pair[1]) if math.isfinite(pair[0]) else math.inf)
    good = abs(got - want) <= tolerance
    return len(pairs), good, f"worst {got:.6g}, published {want:.6g}, tolerance {tolerance:g}"


def run(root, golden, program, coco=None, say=print):
    """Checks everything that is there. Returns the numbers of good and of bad checks."""
    good = bad = 0
    for name, wanted in golden.items():
        model = find(root, name)
        if model is None:
            say(f"skipped  {name}: not in {root}")
            continue
        for kind, (want, tolerance) in wanted.items():
            try:
                count, passed, detail = judge(CHECKS[kind](model, want, program=program, coco=coco), tolerance)
            except Skipped as reason:
                say(f"skipped  {name}, {kind}: {reason}")
                continue
            except RuntimeError as problem:
                passed, detail, count = False, problem, 0
            good, bad = good + passed, bad + (not passed)
            say(f"{'agrees ' if passed else 'DIFFERS'}  {name}, {kind}: {count} numbers, {detail}")
    return good, bad


def self_test(program):
    """Lets the bundled model stand in for others."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        assert run(root, GOLDEN, program, say=ignore) == (0, 0), "an empty folder was checked"
        for name in ("siglip2-base-patch16-naflex", "google/siglip2-base-patch16-224",
                     "models--google--siglip-base-patch16-224/snapshots/5f3a", "siglip2-base-patch16-224-ONNX"):
            shutil.copytree(MINI, root / name)
        picture = draw_circle(root, 640, 480)
        count = sum(len(GOLDEN[name]) for name in GOLDEN if find(root, name))
        assert count == 11
        assert run(root, GOLDEN, program, picture, say=ignore) == (0, count), "numbers of another model were accepted"
        own = own_numbers(root, program, picture)
        assert run(root, own, program, picture, say=ignore) == (count, 0), "the model's own numbers were refused"
        assert run(root, own, program, None, say=ignore) == (count - 1, 0), "a missing picture was not skipped"
        for name, kind in [(name, kind) for name in own if find(root, name) for kind in own[name]]:
            wrong = copy.deepcopy(own)
            spoil(wrong[name], kind)
            assert run(root, wrong, program, picture, say=ignore) == (count - 1, 1), f"a wrong number in {name}, {kind} was accepted"
    print(f"self-test passed: {count} checks, each with right and with wrong numbers")


def ignore(_):
    pass


def own_numbers(root, program, picture):
    """GOLDEN with what the models in root really give."""
    own = copy.deepcopy(GOLDEN)
    for name in own:
        for kind, (want, tolerance) in own[name].items():
            if (model := find(root, name)) is not None:
                numbers = iter([got for got, _ in CHECKS[kind](model, want, program=program, coco=picture)])
                own[name][kind] = replaced(want, numbers), tolerance
    return own


def replaced(want, numbers):
    """want with its numbers taken from an iterator, in order."""
    if isinstance(want, dict):
        return {key: replaced(value, numbers) for key, value in want.items()}
    if isinstance(want, list):
        return [next(numbers) for _ in want]
    return next(numbers)


def spoil(wanted, kind):
    """Moves the last number of a check by a little more than its tolerance."""
    want, tolerance = wanted[kind]
    numbers = flat(want)
    numbers[-1] += 1.5 * tolerance
    wanted[kind] = replaced(want, iter(numbers)), tolerance


def flat(want):
    parts = want.values() if isinstance(want, dict) else want if isinstance(want, list) else None
    return [want] if parts is None else [number for part in parts for number in flat(part)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=pathlib.Path, nargs="?", metavar="DIR")
    parser.add_argument("--coco", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--polylens", default="bin/polylens")
    parser.add_argument("--self-test", action="store_true")
    arguments, options = parser.parse_known_args()
    program = Program(arguments.polylens, options)
    if arguments.self_test:
        return self_test(program)
    if arguments.models is None:
        parser.error("give the folder of the models, or --self-test")
    good, bad = run(arguments.models, GOLDEN, program, arguments.coco)
    if good + bad == 0:
        print(f"nothing could be checked: put at least one of {', '.join(GOLDEN)} into {arguments.models}")
    print(f"{good} agree, {bad} differ")
    sys.exit(0 if good and not bad else 1)


if __name__ == "__main__":
    main()
