"""Strings of many languages and pictures of odd shapes, the same every time."""
import json
import os
import pathlib
import random

from PIL import Image

import formula

# The 36 languages of Crossmodal-3600, on which SigLIP 2 is evaluated.
LANGUAGES = ("ar bn cs da de el en es fa fi fil fr he hi hr hu id it ja ko mi nl no pl pt qu ro ru sv sw te th tr uk "
             "vi zh").split()

# Letters of many scripts, symbols that need byte fallback, capitals that lower
# to several letters, and every kind of space.
ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz ", "ABC XYZ ÄÖÜ ß İIıi ", "абвгдежзийклмн ЖЩ ", "αβγδεσς ΣΑΣ ", "ابتثجحخ ", "अआइईकखग ि ",
    "กขคงจฉ ่", "猫犬鳥山川海空 ", "ねこいぬとり ", "고양이강아지 ", "עבגדה ", "🐈‍⬛🎉👩🏽‍🚀 ", "  \t\n\u00a0\u3000", "!?.,;:()[]{}<eos><pad>%$#@ 0123456789",
]

PHRASES = [
    "", " ", "a", "a photo of a cat", "A PHOTO OF A CAT", "A Photo, of a Cat!", "ein Foto einer Katze", "猫の写真", "صورة قطة",
    "Straße ÄÖÜ İstanbul ΣΊΣΥΦΟΣ", "  two  spaces\tand\na line ", "don't; won't: (can't) [maybe] {no} 100% #1", "🐈‍⬛ 🎉 👩🏽‍🚀 🇺🇦 ☂️",
    "ﬁne ｆｕｌｌ ½ №", "word " * 80, "猫" * 90, "e\u0301 é Å Å",
]


def languages():
    """Name and keywords of every symbol, for each language, from the CLDR
    annotations that `polylens setup` fetches."""
    folder = os.environ.get("POLYLENS_CLDR")
    if not folder:
        raise SystemExit('POLYLENS_CLDR is not set: run eval "$(bin/polylens setup --for test --print-env)"')
    for language in LANGUAGES:
        path = pathlib.Path(folder) / "annotations" / language / "annotations.json"
        annotations = json.loads(path.read_text())["annotations"]["annotations"]
        yield language, [(entry["tts"][0], entry["default"]) for entry in annotations.values() if {"tts", "default"} <= entry.keys()]


def strings(count=200):
    """Phrases, four texts of each language, and random letters for the rest."""
    rng = random.Random(3)
    made = list(PHRASES)
    for _, symbols in languages():
        names, keywords = zip(*(rng.choice(symbols) for _ in range(8)))
        made += [names[0], names[1].upper(), ", ".join(keywords[2]), " ".join(names[3:])]
    while len(made) < count:
        made.append("".join(rng.choice(rng.choice(ALPHABETS)) for _ in range(rng.choice([3, 9, 30, 90, 300]))))
    return made[:count]


def sizes(count):
    """Widths and heights from 1x1 to extreme shapes."""
    rng = random.Random(5)
    fixed = [(1, 1), (1, 300), (300, 1), (2, 3), (64, 64), (65, 63), (64, 1000), (1000, 64), (224, 224), (378, 384), (1600, 25), (640, 480)]
    drawn = [(int(2 ** rng.uniform(0, 10.5)), int(2 ** rng.uniform(0, 10.5))) for _ in range(count)]
    return (fixed + drawn)[:count]


def pictures(folder, count=50):
    """PNG files of these sizes."""
    files = []
    for width, height in sizes(count):
        path = pathlib.Path(folder) / f"{width}x{height}.png"
        Image.fromarray(formula.picture(path.name, width, height)).save(path)
        files.append(path)
    return files
