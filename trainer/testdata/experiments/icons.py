"""A second domain: Material Design Icons, by name, from npm.

    python icons.py --work DIR

Draws the icons (npm package @mdi/svg, pinned below) black on white and trains
polylens-mini on four fifths of them. Two tenths are held out and searched for by
their names: icons of families of which others were trained on (bell-off, when
bell and bell-outline were), and whole families. Fails unless R@1 of the former has
at least doubled.
"""
import json
import tarfile

import resvg_py

import experiment

PACKAGE = "@mdi/svg@7.4.47"
SHA256 = "de92e5dc9ce46c392ab5c53aa7190b19f82b40cb48872a083f788c7e13e91fef"
HELD_OUT = 0.1  # of the families, and as many of the icons of the others
PIXELS = 64
MEAN = "mean", experiment.TEXT_TO_IMAGE


def draw(svg, path):
    """Draws an icon unless that has been done."""
    if not path.exists():
        path.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=PIXELS, height=PIXELS, background="white")))


def pairs_of(archive, folder):
    """All icons that are not deprecated as pairs, with the family that each belongs to."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    with tarfile.open(archive) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}
    for icon in json.loads(files["package/meta.json"]):
        if icon["deprecated"]:
            continue
        picture = folder / f"{icon['name']}.png"
        draw(files[f"package/svg/{icon['name']}.svg"].decode(), picture)
        names = [name.replace("-", " ") for name in (icon["name"], *icon["aliases"])]
        pairs.append({"image": str(picture), "captions": {"en": names}, "family": icon["baseIconId"]})
    return pairs


def part(pair):
    """What a pair is for."""
    if experiment.share(pair["family"]) < HELD_OUT:
        return "families"
    return "icons" if experiment.share(pair["captions"]["en"][0]) < HELD_OUT else "training"


def main():
    given = experiment.arguments(__doc__)
    program = experiment.Polylens(given.polylens, given.work)
    parts = {"training": [], "icons": [], "families": []}
    for pair in pairs_of(experiment.fetch(program.work, PACKAGE, SHA256), program.work / "pictures"):
        parts[part(pair)].append(pair)
    for pair in parts["icons"] + parts["families"]:
        pair["captions"] = {"en": pair["captions"]["en"][0]}  # its name alone
    files = {name: experiment.write_pairs(program.work / f"{name}.ndjson", pairs) for name, pairs in parts.items()}
    model, _ = program.train("icons", files["training"], experiment.HERE / "icons.json")
    print(f"{len(parts['training'])} icons to train on")
    gains = []
    for name in ("icons", "families"):
        before, after = program.evaluate(experiment.BUNDLED, files[name]), program.evaluate(model, files[name])
        print(f"\n{len(parts[name])} held out, {name}:\n")
        experiment.print_quality({"before": before, "after": after})
        gains.append(after[MEAN]["r1"] / max(before[MEAN]["r1"], 1 / len(parts[name])))
    experiment.finish((gains[0] >= 2, f"R@1 of held-out icons has at least doubled: {gains[0]:.1f} times; of whole families: {gains[1]:.1f} times"))


if __name__ == "__main__":
    main()
