"""The table: each file with its right picture, and what the witnesses say of it."""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
import PIL
from PIL import Image

import right

SMALL = 24 << 10  # most bytes of a file that every test reads
AGREEMENT = 3.0  # mean difference of 255 up to which two witnesses agree
TOOLS = {
    "convert": "imagemagick",
    "cjpeg": "libjpeg-turbo-progs",
    "jpegtran": "libjpeg-turbo-progs",
    "tiffcp": "libtiff-tools",
    "cjxl": "libjxl-tools",
    "avifenc": "libavif-bin",
    "heif-enc": "libheif-examples",
    "exiftool": "libimage-exiftool-perl",
}

# In what ImageMagick 6 differs from Pillow in whole kinds of files; see Table.disagreement.
LIMITS_OF_MAGICK = (
    (r"turn.*\.(png|webp)|icc_swapped_turned.*", "ImageMagick 6 turns no PNG and no WebP"),
    (r".*alpha.*\.(heic|avif)|avifenc_premultiplied.*", "ImageMagick 6 drops the alpha of HEIC and AVIF"),
    (
        r".*\.(heic|avif)",
        "the libheif of ImageMagick 6 is older than that of pillow-heif, and heeds profiles and ranges otherwise",
    ),
    (r"(pcx|xbm|msp)_1.*", "ImageMagick 6 takes one bit the other way round"),
    (r"other\.psd|tiff_cmyk_alpha.*", "ImageMagick 6 takes a further sample for alpha"),
    (r"png_iccp_and.*", "ImageMagick 6 lets the other chunk win; the specification has it that the profile does"),
    (r"icc_curve_falling.*", "Little CMS, which both use, meets the falling curve in another depth"),
)


def need_tools():
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if missing:
        sys.exit("the table lacks its tools; install them: apt-get install " + " ".join(missing))


def run(*command, data=None):
    """Runs a tool within a minute and returns what it prints."""
    one = os.environ | {"OMP_NUM_THREADS": "1"}  # many small pictures: threads cost more than they bring
    done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False, env=one)
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stderr.decode(errors='replace').strip()[-200:]}")
    return done.stdout


def encoded(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def difference(a, b):
    """Mean difference of two pictures, of 255; the larger is scaled down."""
    if a.size != b.size:
        if abs(a.width * b.height - a.height * b.width) > max(a.size + b.size) * 2:
            return 255.0
        a, b = sorted((a, b), key=lambda image: image.width)
        b = b.resize(a.size, Image.BOX)
    return round(float(np.abs(np.asarray(a).astype(int) - np.asarray(b)).mean()), 2)


class Table:
    """Writes files and remembers what is known of each."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "right").mkdir(parents=True)
        self.files, self.group, self.quick = [], "", False
        self.profile = self.folder / "srgb.icc"
        self.profile.write_bytes(right.SRGB.tobytes())

    def begin(self, group):
        self.group = group

    def save(self, name, image, what, **options):
        """A file that Pillow writes."""
        keep = {
            key: options.pop(key)
            for key in ("meant", "by", "why", "reasons", "optional", "loose", "small")
            if key in options
        }
        formats = {"jpg": "JPEG", "tif": "TIFF", "heic": "HEIF", "jp2": "JPEG2000", "j2k": "JPEG2000"}
        suffix = name.rsplit(".", 1)[1]
        return self.add(
            name, encoded(image, options.pop("format", formats.get(suffix, suffix.upper())), **options), what, **keep
        )

    def tool(self, name, what, *command, **keep):
        """A file that a tool writes: OUT stands for its path."""
        path = self.folder / name
        run(*(str(path) if part == "OUT" else part.replace("OUT", str(path)) for part in command))
        return self.add(name, path.read_bytes(), what, **keep)

    def add(self, name, data, what, meant=None, by="", why="", reasons=(), optional=False, loose=False, small=False):
        """One file. The right picture is what Pillow gives, or the one that is meant, by another witness and for
        the reason why; Pillow's is kept then, too. optional: it may be refused for one of the reasons. loose: what
        is seen of it is for each decoder to choose. small: it is of the part that every test reads."""
        if any(file["name"] == name for file in self.files):
            raise ValueError(f"two files are called {name}")
        path = self.folder / name
        path.write_bytes(data)
        file = {"name": name, "group": self.group, "what": what, "reasons": list(reasons)}
        file |= self.pillow(path)
        if meant is not None:
            file |= {"pillow right": file.get("right", ""), "right": self.keep(right.reduced(meant)), "by": by}
            file |= {"width": meant.width, "height": meant.height}
        if why:
            file["why"] = why
        if loose:
            file.pop("right", None)
        if optional:
            file["optional"] = True
        if small and len(data) <= SMALL:
            file["small"] = True
        if "too many pixels" not in reasons:
            self.second(file, path)
        self.files.append(file)
        return data

    def pillow(self, path):
        for truncated, word in ((False, "reads"), (True, "reads truncated")):
            try:
                image, size = right.by_pillow(path, truncated)
                if truncated and right.blank(image):
                    return {"pillow": "refuses", "said": "nothing is left of the picture"}
                return {
                    "pillow": word,
                    "right": self.keep(image),
                    "by": f"Pillow {PIL.__version__}",
                    "width": size[0],
                    "height": size[1],
                }
            except Exception as problem:  # noqa: BLE001 whatever it is, Pillow does not read the file
                said = f"{type(problem).__name__}: {problem}".replace(str(path), path.name)[:120]
        return {"pillow": "refuses", "said": said}

    def second(self, file, path):
        """What ImageMagick sees: a second opinion."""
        try:
            seen = run(
                "convert",
                "-limit",
                "memory",
                "2GiB",
                "-limit",
                "disk",
                "2GiB",
                f"{path}[0]",
                "-auto-orient",
                "-profile",
                str(self.profile),
                "-background",
                "white",
                "-alpha",
                "remove",
                "-colorspace",
                "sRGB",
                "-depth",
                "8",
                "PPM:-",
            )
            image = Image.open(io.BytesIO(seen)).convert("RGB")
        except (OSError, subprocess.SubprocessError, ValueError):
            file["magick"] = "refuses"
            return
        file["magick"] = "reads"
        if file.get("right"):
            file["difference"] = difference(Image.open(self.folder / file["right"]), right.reduced(image))

    def keep(self, image):
        """The path of a picture in right/. Equal pictures are kept once."""
        data = encoded(image.convert("RGB"), "PNG", optimize=image.width * image.height < 1 << 20, icc_profile=None)
        name = "right/" + hashlib.sha256(data).hexdigest()[:12] + ".png"
        (self.folder / name).write_bytes(data)
        return name

    def finish(self):
        self.profile.unlink()
        self.disagreements()
        self.write(self.folder, self.files)
        print(f"{len(self.files)} files in {self.folder}")

    def disagreements(self):
        """Gives each file on which the witnesses disagree a reason why Pillow is taken, or says that it lacks one."""
        for file in self.files:
            if not file.get("right") or file.get("difference", 0) <= AGREEMENT or file.get("why"):
                continue
            known = [why for names, why in LIMITS_OF_MAGICK if re.fullmatch(names, file["name"])]
            if known:
                file["why"] = known[0]
            else:
                print(f"ImageMagick sees something else: {file['name']} ({file['what']}): {file['difference']}")

    def write(self, folder, files):
        lines = ",\n".join(json.dumps(file) for file in files)
        (folder / "manifest.json").write_text('{"files": [\n' + lines + "\n]}\n")

    def part(self, folder):
        """Copies the small part, with its right pictures, to a folder that is made anew."""
        folder = pathlib.Path(folder)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "right").mkdir(parents=True)
        files = [file for file in self.files if file.get("small")]
        for name in {file[key] for file in files for key in ("name", "right", "pillow right") if file.get(key)}:
            shutil.copy(self.folder / name, folder / name)
        self.write(folder, files)
        print(f"{len(files)} files in {folder}")
