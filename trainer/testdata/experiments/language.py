"""Repairing a language: vectors of tokens alone, after they were weakened.

    python language.py --work DIR

Weakens polylens-mini for Greek: to the vectors of all tokens that only Greek names of
the demo have comes noise as large as the vectors. Then trains vectors of tokens and
nothing else, as a team would whose catalogue is captioned in Greek: on emoji in styles
that the model knows, with Greek names for one half of them. Names in all other
languages tell which tokens are not Greek alone: those keep their vectors. It measures
on Twemoji art, of which nothing is trained on: the half whose Greek names were trained
on, and the other half, whose were not. Fails unless at least half of the R@1 in Greek
that the first half has lost is back, no other language is worse by more than a point of
R@5 in either, and the vision tower is the same to the byte.
"""
import json
import shutil
import subprocess

import numpy as np
import safetensors.numpy

import experiment

LANGUAGE, SEED = "el", 1
REST = "mul"  # several languages in one: levelled with the one to repair, half of all texts
TABLE = "text_model.embeddings.token_embedding.weight"
QUERY = LANGUAGE, experiment.TEXT_TO_IMAGE


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


def lessons(pairs, half):
    """The pairs with the names in all other languages, and those of one half in the one to repair."""
    taught = {pair["item"] for pair in half}
    for pair in pairs:
        captions = {REST: [text for language, text in pair["captions"].items() if language != LANGUAGE]}
        if pair["item"] in taught:
            captions[LANGUAGE] = pair["captions"][LANGUAGE]
        yield {**pair, "captions": captions}


def same_vision(a, b):
    """Whether two models have the same vision tower, to the byte."""
    a, b = (safetensors.numpy.load_file(directory / "model.safetensors") for directory in (a, b))
    return all(a[name].tobytes() == b[name].tobytes() for name in a if name.startswith("vision_model."))


def main():
    given = experiment.arguments(__doc__)
    program = experiment.Polylens(given.polylens, given.work)
    half, other = experiment.demo_halves()
    found = tokens(given.polylens, half + other)
    own = sorted(found[LANGUAGE] - set().union(*(found[language] for language in found if language != LANGUAGE)))
    weakened = weaken(own, program.work / "weakened")
    art = experiment.training_art(program.work, half + other)
    training = experiment.write_pairs(program.work / "training.ndjson", lessons(art, half))
    repaired, _ = program.train("repaired", training, experiment.HERE / "language.json", model=weakened)
    models = {"before": experiment.BUNDLED, "weakened": weakened, "repaired": repaired}
    print(f"{len(own)} tokens weakened, {len(half)} Greek names to train on, {len(art)} pictures")
    others = [language for language in experiment.LANGUAGES if language != LANGUAGE]
    demands = [(same_vision(models["before"], models["repaired"]), "the vision tower is the same to the byte")]
    for what, pairs in (("names were trained on", half), ("names were not trained on", other)):
        test = experiment.write_pairs(program.work / "test.ndjson", pairs)
        columns = {name: program.evaluate(model, test) for name, model in models.items()}
        print(f"\n{len(pairs)} pictures whose Greek {what}:\n")
        experiment.print_quality(columns, (LANGUAGE, *others))
        demands.append(experiment.keeps(columns["before"], columns["repaired"], others, 0.01))
        if pairs is half:
            before, lost, back = (column[QUERY]["r1"] for column in columns.values())
            demands.append((lost < before and back - lost >= (before - lost) / 2,
                            f"at least half is back, R@1 in {LANGUAGE}: {before:.3f} before, {lost:.3f} weakened, {back:.3f} repaired"))
    experiment.finish(*demands)


if __name__ == "__main__":
    main()
