"""What each loss beside the sigmoid loss, and each choice of what is trained on, adds.

    python ablation.py --work DIR [--quick] [--seeds 1,2] [--steps N] [--teacher MODEL]

Trains polylens-mini on one half of the demo, once for each of ablation.json's
variants and each seed, all of them the same number of steps, and measures on the
other half. Languages are uneven in the half that is trained on, as they are
elsewhere: every picture has its English name, and one in k + 1 that of the k-th
other language in alphabetical order. --quick takes six steps and four languages
and tells only whether all of it runs. Nothing is demanded: the table is the
result.
"""
import argparse
import copy
import json
import os
import pathlib
import resource

import experiment

QUICK_STEPS, QUICK_LANGUAGES = 6, ("ar", "de", "en", "zh")
MEASURES = [(direction, key) for direction in (experiment.TEXT_TO_IMAGE, experiment.IMAGE_TO_TEXT) for key in ("r1", "r5")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polylens", type=pathlib.Path, default=experiment.HERE.parents[2] / "bin" / "polylens")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for pairs, runs and models")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", default="1", help="numbers with commas between them")
    parser.add_argument("--steps", type=int, help="instead of those of ablation.json")
    parser.add_argument("--variants", help="only these, with commas between them")
    parser.add_argument("--teacher", type=pathlib.Path, default=experiment.BUNDLED, help="model directory that pictures are selected by")
    return parser.parse_args()


def uneven(pairs):
    """The pairs with fewer names the further back a language stands."""
    others = [language for language in experiment.LANGUAGES if language != "en"]

    def kept(picture, language):
        return language == "en" or experiment.share(f"{picture} {language}") < 1 / (others.index(language) + 2)

    return [{**pair, "captions": {language: name for language, name in pair["captions"].items()
                                  if kept(pathlib.Path(pair["image"]).name, language)}} for pair in pairs]


def only(pairs, languages):
    return [{**pair, "captions": {language: pair["captions"][language] for language in languages if language in pair["captions"]}}
            for pair in pairs]


def merge(base, change):
    """base with the fields of change, at any depth."""
    merged = copy.deepcopy(base)
    for key, value in change.items():
        merged[key] = merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def configs(given):
    """{variant: configuration}."""
    described = json.loads((experiment.HERE / "ablation.json").read_text(encoding="utf-8"))
    variants = described["variants"]
    if given.variants:
        variants = {name: variants[name] for name in given.variants.split(",")}
    result = {}
    for name, change in variants.items():
        result[name] = merge(described["base"], change)
        if given.steps:
            result[name]["steps"] = given.steps
        if given.quick:
            result[name] = merge(result[name], {"steps": QUICK_STEPS, "optimizer": {"warmup": 1}})
        if "teacher" in result[name].get("selection", {}):
            result[name]["selection"]["teacher"] = str(given.teacher.resolve())
    return result


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Ablation:
    def __init__(self, given):
        self.program = experiment.Polylens(given.polylens.resolve(), given.work)
        training, test = experiment.demo_halves()
        if given.quick:
            test = only(test, QUICK_LANGUAGES)
        print(f"{len(training)} pictures to train on, {len(test)} to measure on", flush=True)
        self.training = experiment.write_pairs(self.program.work / "training.ndjson", uneven(training))
        self.test = experiment.write_pairs(self.program.work / "test.ndjson", test)

    def measure(self, model):
        qualities = self.program.evaluate(model, self.test)
        return [100 * qualities["mean", direction][key] for direction, key in MEASURES]

    def run(self, variant, seed, config):
        """Four recalls in percent, and the seconds of processor time that training took."""
        name = f"{variant.replace(' ', '-')}-{seed}"
        path = self.program.work / f"{name}.json"
        path.write_text(json.dumps({**config, "seed": seed}, indent=2), encoding="utf-8")
        before = processor_seconds()
        model, _ = self.program.train(name, self.training, path)
        seconds = processor_seconds() - before
        return self.measure(model), seconds


def print_row(name, seed, recalls, reference, seconds):
    cells = [f"{value:.2f} ({value - other:+.2f})" for value, other in zip(recalls, reference)]
    print(f"| {name} | {seed} | " + " | ".join(cells) + f" | {seconds:.0f} |", flush=True)


def main():
    given = arguments()
    os.nice(5)
    ablation = Ablation(given)
    print("| | seed | text to image R@1 | R@5 | image to text R@1 | R@5 | s |\n|---|---|---|---|---|---|---|")
    before = ablation.measure(experiment.BUNDLED)
    print_row("before training", "", before, before, 0)
    for seed in map(int, given.seeds.split(",")):
        reference = None
        for name, config in configs(given).items():
            recalls, seconds = ablation.run(name, seed, config)
            reference = reference or recalls
            print_row(name, seed, recalls, reference, seconds)


if __name__ == "__main__":
    main()
