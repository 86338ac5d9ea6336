"""Compares a whole model, through the program, with Hugging Face transformers.

    python parity.py MODEL_DIR [--pictures 40] [--texts 40] [--polylens bin/polylens] [EXTRA]

Runs `polylens embed --model MODEL_DIR --json` on pictures of odd shapes and on
strings of many scripts, and the same through torch; prints the worst cosine
and the largest difference, and exits with 1 when they miss 0.99999 and 1e-4 of
scale. Needs torch, transformers, tokenizers and pillow; options that it does
not know go to polylens (for example --onnxruntime=PATH).
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, normalizers
from transformers import SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

import formula

# Letters of many scripts, symbols that need byte fallback, capitals that lower
# to several letters, and every kind of space.
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz ", "ABC XYZ ÄÖÜ ß İIıi ", "абвгдежзийклмн ЖЩ ", "αβγδεσς ΣΑΣ ", "ابتثجحخ ", "अआइईकखग ि ",
    "กขคงจฉ ่", "猫犬鳥山川海空 ", "ねこいぬとり ", "고양이강아지 ", "עבגדה ", "🐈‍⬛🎉👩🏽‍🚀 ", "  \t\n\u00a0\u3000", "!?.,;:()[]{}<eos><pad>%$#@ 0123456789",
]


def strings(count):
    rng = random.Random(3)
    fixed = ["", " ", "a photo of a cat", "A PHOTO OF A CAT", "ein Foto einer Katze", "猫の写真", "صورة قطة"]
    made = ["".join(rng.choice(rng.choice(ALPHABETS)) for _ in range(rng.choice([3, 9, 30, 90, 300]))) for _ in range(count)]
    return (fixed + made)[:count]


def pictures(count, folder):
    """PNG files from 1x1 to extreme shapes."""
    rng = random.Random(5)
    sizes = [(1, 1), (1, 300), (300, 1), (2, 3), (64, 64), (65, 63), (64, 1000), (1000, 64)]
    sizes += [(int(2 ** rng.uniform(0, 10.5)), int(2 ** rng.uniform(0, 10.5))) for _ in range(count)]
    for width, height in sizes[:count]:
        path = folder / f"{width}x{height}.png"
        Image.fromarray(formula.picture(path.name, width, height)).save(path)
        yield path


def polylens(arguments, extra, texts, files):
    """The vectors that the program prints, in the order given."""
    command = [arguments.polylens, "embed", "--model", str(arguments.model), "--json", *extra]
    command += [part for text in texts for part in ("--text=" + text,)]
    command += [part for file in files for part in ("--image=" + str(file),)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    vectors = [json.loads(line)["embedding"] for line in output.splitlines()]
    return np.array(vectors[: len(texts)]), np.array(vectors[len(texts):])


@torch.no_grad()
def transformers(directory, texts, files):
    model = SiglipModel.from_pretrained(directory, dtype=torch.float32).eval()
    processor = SiglipImageProcessorPil.from_pretrained(directory)
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), tokenizer.normalizer])
    tokenizer.no_padding()
    tokenizer.no_truncation()
    length = model.config.text_config.max_position_embeddings
    rows = [tokenizer.encode(text, add_special_tokens=False).ids[: length - 1] + [1] for text in texts]
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    text_vectors = [model.text_model(input_ids=row[None]).pooler_output for row in ids]
    image_vectors = []
    for file in files:
        pixels = processor(Image.open(file), return_tensors="pt")["pixel_values"]
        image_vectors.append(model.vision_model(pixel_values=pixels).pooler_output)
    unit = torch.nn.functional.normalize
    return unit(torch.cat(text_vectors)).numpy(), unit(torch.cat(image_vectors)).numpy()


def compare(kind, inputs, got, want):
    cosines = (got * want).sum(axis=1) / np.linalg.norm(got, axis=1) / np.linalg.norm(want, axis=1)
    differences = np.abs(got - want).max(axis=1) / np.abs(want).max(axis=1)
    worst = int(cosines.argmin())
    print(f"{kind}: {len(got)} compared, worst cosine {cosines[worst]:.8f} ({inputs[worst]!r}), "
          f"largest difference {differences.max():.1e} of scale")
    return cosines.min() >= 0.99999 and differences.max() <= 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--texts", type=int, default=40)
    parser.add_argument("--polylens", default="bin/polylens")
    arguments, extra = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        texts, files = strings(arguments.texts), list(pictures(arguments.pictures, pathlib.Path(folder)))
        got = polylens(arguments, extra, texts, files)
        want = transformers(arguments.model, texts, files)
        good = [compare("texts", texts, got[0], want[0]), compare("pictures", [f.name for f in files], got[1], want[1])]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
