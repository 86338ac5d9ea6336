"""A new style of drawing: finetuning on one half of the demo, measured on the other.

    python twemoji.py --work DIR

polylens-mini has seen no Twemoji art. It is trained on half of the demo's pictures
with their names in 36 languages, and searched for the others, by names that were not
trained on. The result is the average of the weights before and after (see "average"
in twemoji.json): without it the names of the other half are forgotten, which the
first column shows. Fails unless R@1 is better by ten points on average over the
languages, and no language is worse by more than a point of R@5.
"""
import json

import experiment

GAIN, LOSS = 0.10, 0.01


def without_average(program):
    """The same configuration, without the average."""
    config = json.loads((experiment.HERE / "twemoji.json").read_text(encoding="utf-8"))
    path = program.work / "without-average.json"
    path.write_text(json.dumps({**config, "average": 0}), encoding="utf-8")
    return path


def main():
    given = experiment.arguments(__doc__)
    program = experiment.Polylens(given.polylens, given.work)
    halves = experiment.demo_halves()
    training = experiment.write_pairs(program.work / "training.ndjson", halves[0])
    test = experiment.write_pairs(program.work / "other-half.ndjson", halves[1])
    plain, _ = program.train("plain", training, without_average(program))
    averaged, _ = program.train("averaged", training, experiment.HERE / "twemoji.json")
    columns = {name: program.evaluate(model, test) for name, model in
               (("before", experiment.BUNDLED), ("after", plain), ("average of both", averaged))}
    print(f"{len(halves[0])} pictures to train on, {len(halves[1])} of the other half")
    experiment.print_quality(columns, ("mean", *experiment.LANGUAGES))
    before, after = columns["before"], columns["average of both"]
    key = "mean", experiment.TEXT_TO_IMAGE
    gain = after[key]["r1"] - before[key]["r1"]
    loss = max(before[language, experiment.TEXT_TO_IMAGE]["r5"] - after[language, experiment.TEXT_TO_IMAGE]["r5"] for language in experiment.LANGUAGES)
    experiment.finish((gain >= GAIN, f"mean R@1 has risen by at least {100 * GAIN:.0f} points: {100 * gain:.1f}"),
                      (loss <= LOSS, f"no language has lost more than a point of R@5: {100 * loss:.1f}"))


if __name__ == "__main__":
    main()
