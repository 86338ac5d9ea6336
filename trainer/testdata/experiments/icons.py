"""A second domain: Material Design Icons, by name, from npm.

    python icons.py --work DIR

Draws the icons (npm package @mdi/svg, pinned below) black on white, and trains
polylens-mini on four fifths of them. An icon and its variants, such as bell,
bell-outline and bell-off, are one item and stay together: what is searched
afterwards are pictures of items that were not trained on, by their names.
Fails unless R@1 has at least doubled.
"""
import hashlib
import json
import subprocess
import tarfile

import resvg_py

import experiment

PACKAGE = "@mdi/svg@7.4.47"
FILE = "mdi-svg-7.4.47.tgz"
SHA256 = "de92e5dc9ce46c392ab5c53aa7190b19f82b40cb48872a083f788c7e13e91fef"
HELD_OUT = 0.2  # of the items
PIXELS = 64


def fetch(work):
    """The archive of the package, as it was when the experiment was made."""
    path = work / FILE
    if not path.exists():
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(work), PACKAGE], check=True, stdout=subprocess.DEVNULL)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{path}: SHA-256 is {digest}, not {SHA256}")
    return path


def draw(svg, path):
    """Draws an icon unless that has been done."""
    if not path.exists():
        path.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=PIXELS, height=PIXELS, background="white")))


def pairs_of(archive, folder):
    """All icons that are not deprecated as pairs, with the item that each belongs to."""
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


def main():
    given = experiment.arguments(__doc__)
    program = experiment.Polylens(given.polylens, given.work)
    pairs = pairs_of(fetch(program.work), program.work / "pictures")
    kept = [pair for pair in pairs if experiment.share(pair["family"]) >= HELD_OUT]
    held_out = [pair for pair in pairs if experiment.share(pair["family"]) < HELD_OUT]
    for pair in held_out:
        pair["captions"] = {"en": pair["captions"]["en"][0]}  # its name alone
    training = experiment.write_pairs(program.work / "training.ndjson", kept)
    test = experiment.write_pairs(program.work / "held-out.ndjson", held_out)
    model, _ = program.train("icons", training, experiment.HERE / "icons.json")
    before, after = program.evaluate(experiment.BUNDLED, test), program.evaluate(model, test)
    print(f"{len(kept)} icons to train on, {len(held_out)} held out, of items that were not trained on")
    experiment.print_quality({"before": before, "after": after})
    key = "mean", experiment.TEXT_TO_IMAGE
    experiment.finish((after[key]["r1"] >= 2 * before[key]["r1"], "R@1 of held-out icons has at least doubled"))


if __name__ == "__main__":
    main()
