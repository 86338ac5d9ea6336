"""A language in which a model has become weak is repaired by training on texts alone.

    python language.py --work DIR

Weakens polylens-mini for Greek: to the vectors of all tokens that only Greek
names of the demo have comes noise as large as the vectors. Then trains vectors of
tokens, and nothing else, on one half of the demo: its Greek names and keywords and,
against forgetting, the names in three other languages for each picture. Measures on
the other half, whose names were not trained on. Fails unless at least half of the R@1 that
was lost is back, no other language is worse by more than a point of R@5, and the
vision tower is the same to the byte.
"""
import json
import shutil
import subprocess

import numpy as np
import safetensors.numpy

import experiment

LANGUAGE, OTHERS, SEED = "el", 3, 1
TABLE = "text_model.embeddings.token_embedding.weight"


def tokens(program, pairs):
    """{language: the tokens of all names in it}."""
    texts = [(language, text) for pair in pairs for language, text in pair["captions"].items()]
    done = subprocess.run([program, "tokenize", "--model", str(experiment.BUNDLED), "--json"], input="\n".join(text for _, text in texts),
                          stdout=subprocess.PIPE, text=True, check=True)
    found = {}
    for (language, _), line in zip(texts, done.stdout.splitlines(), strict=True):
        found.setdefault(language, set()).update(json.loads(line)["ids"])
    return found


def weaken(rows, directory):
    """Writes the bundled model with noise of the table's own deviation added to the given rows."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(experiment.BUNDLED, directory)
    weights = safetensors.numpy.load_file(directory / "model.safetensors")
    table = weights[TABLE]
    noise = np.random.Generator(np.random.PCG64(SEED)).standard_normal((len(rows), table.shape[1]), dtype=np.float32)
    table[rows] += noise * table.std()
    safetensors.numpy.save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    return directory


def lessons(training_half, other_half):
    """The pairs to train on: name and keywords in the language, and the names in OTHERS languages that differ from
    picture to picture. What is a name of the other half, which is asked for afterwards, is left out."""
    words, asked = experiment.keywords(LANGUAGE), {pair["captions"][LANGUAGE] for pair in other_half}
    for pair in training_half:
        names = pair["captions"]
        others = sorted(set(names) - {LANGUAGE}, key=lambda language: experiment.share(f"{pair['emoji']} {language}"))[:OTHERS]
        known = [word for word in words.get(pair["emoji"].replace("\ufe0f", ""), []) if word not in asked]
        yield {**pair, "captions": {LANGUAGE: sorted({names[LANGUAGE], *known}), **{language: names[language] for language in others}}}


def same_vision(a, b):
    """Whether all tensors of the vision tower are the same, to the byte."""
    a, b = (safetensors.numpy.load_file(model / "model.safetensors") for model in (a, b))
    return all(a[name].tobytes() == b[name].tobytes() for name in a if name.startswith("vision_model."))


def main():
    given = experiment.arguments(__doc__)
    program = experiment.Polylens(given.polylens, given.work)
    training_half, other_half = experiment.demo_halves()
    found = tokens(given.polylens, training_half + other_half)
    own = sorted(found[LANGUAGE] - set().union(*(found[language] for language in found if language != LANGUAGE)))
    weakened = weaken(own, program.work / "weakened")
    training = experiment.write_pairs(program.work / "training.ndjson", lessons(training_half, other_half))
    test = experiment.write_pairs(program.work / "other-half.ndjson", other_half)
    repaired, _ = program.train("repaired", training, experiment.HERE / "language.json", model=weakened)
    columns = {name: program.evaluate(model, test) for name, model in
               (("before", experiment.BUNDLED), ("weakened", weakened), ("repaired", repaired))}
    print(f"{len(own)} tokens weakened, {len(training_half)} names to train on, {len(other_half)} pictures of the other half")
    experiment.print_quality(columns, (LANGUAGE, *(language for language in experiment.LANGUAGES if language != LANGUAGE)))
    key = LANGUAGE, experiment.TEXT_TO_IMAGE
    before, lost, back = (column[key]["r1"] for column in columns.values())
    lost_elsewhere = max(columns["before"][language, experiment.TEXT_TO_IMAGE]["r5"] - columns["repaired"][language, experiment.TEXT_TO_IMAGE]["r5"]
                         for language in experiment.LANGUAGES if language != LANGUAGE)
    experiment.finish(
        (back - lost >= (before - lost) / 2, f"R@1 in {LANGUAGE}: {before:.3f}, weakened {lost:.3f}, repaired {back:.3f}; at least half is back"),
        (lost_elsewhere <= 0.01, f"no other language is worse by more than a point of R@5: {100 * lost_elsewhere:.2f}"),
        (same_vision(experiment.BUNDLED, repaired), "the vision tower is the same to the byte"))


if __name__ == "__main__":
    main()
