"""Writes JPEG 2000 pictures and rare or damaged JPEGs into outside/, and
outside/reference.json: their pixels as Pillow decodes them, or, where it does
not, as they were before they were encoded. Needs libturbojpeg 3.

    apt-get install libopenjp2-tools
    pip install numpy pillow
    POLYLENS_TURBOJPEG=libturbojpeg.so.0 python write_outside.py
"""
import base64
import ctypes
import io
import json
import os
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageFile

from write_fixtures import draw, smooth

ImageFile.LOAD_TRUNCATED_IMAGES = True
HERE = pathlib.Path(__file__).parent / "outside"
references = []


def keep(name, data, right=None, tolerance=0, warns=None):
    """right is the picture that the decoder is to give, Pillow's by default."""
    (HERE / name).write_bytes(data)
    if right is None:
        right = Image.open(io.BytesIO(data))
        right.load()
    references.append(dict(Name=name, Width=right.width, Height=right.height, Tolerance=tolerance, Warns=warns or "",
                           RGBA=base64.b64encode(right.convert("RGBA").tobytes()).decode()))


def encoded(image, kind="JPEG2000", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def box(name, content):
    return struct.pack(">I", 8 + len(content)) + name + content


def with_boxes(data, boxes, without=()):
    """A JP2 with further boxes in its header box."""
    at, out = 0, b""
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at:at + 8])
        size = size or len(data) - at
        content = data[at + 8:at + size]
        if name == b"jp2h":
            content = b"".join(box(n, c) for n, c in inner(content) if n not in without) + boxes
        out += box(name, content)
        at += size
    return out


def inner(content):
    while content:
        size, name = struct.unpack(">I4s", content[:8])
        yield name, content[8:size]
        content = content[size:]


def jpeg2000():
    picture, soft = draw(), smooth()
    keep("rgb.jp2", encoded(picture, no_jp2=False))
    keep("rgb.j2k", encoded(picture, no_jp2=True))
    keep("lossy.jp2", encoded(soft, irreversible=True, quality_mode="dB", quality_layers=[45]), tolerance=1)
    keep("tiles.jp2", encoded(picture, tile_size=(16, 8)))
    keep("grey.jp2", encoded(draw("L")))
    keep("rgba.jp2", encoded(draw("RGBA")))
    keep("rgba.j2k", encoded(draw("RGBA"), no_jp2=True))
    keep("grey_alpha.jp2", encoded(draw("RGBA").convert("LA")))
    keep("cmyk.jp2", encoded(draw("CMYK")))
    keep("sycc.jp2", encoded(soft.convert("YCbCr")), tolerance=2)
    deep = np.asarray(draw("L")).astype(np.uint16) * 257
    keep("grey16.jp2", encoded(Image.fromarray(deep)), right=draw("L"))
    indexed = np.asarray(draw("L")) % 7
    colors = np.random.default_rng(1).integers(0, 256, (7, 3), dtype=np.uint8)
    palette = box(b"pclr", struct.pack(">HB3B", 7, 3, 7, 7, 7) + colors.tobytes())
    mapping = box(b"cmap", b"".join(struct.pack(">HBB", 0, 1, i) for i in range(3)))
    srgb = box(b"colr", struct.pack(">BBBI", 1, 0, 0, 16))
    keep("palette.jp2", with_boxes(encoded(Image.fromarray(indexed)), srgb + palette + mapping, without=[b"colr"]),
         right=Image.fromarray(colors[indexed]))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    keep("icc.jp2", with_boxes(encoded(picture), box(b"colr", b"\2\0\0" + profile), without=[b"colr"]), right=picture)
    keep("cut.j2k", encoded(picture, no_jp2=True)[:-40], right=picture, tolerance=255, warns="ends early")
    opj("subsampled.jp2", soft)


def opj(name, picture):
    """sYCC with a quarter of the chroma, and 12 bits, which Pillow does not write."""
    y, cb, cr = picture.convert("YCbCr").split()
    half = [c.resize((c.width // 2, c.height // 2), Image.Resampling.BOX) for c in (cb, cr)]
    with tempfile.TemporaryDirectory() as folder:
        raw, out = f"{folder}/raw.raw", f"{folder}/out.j2k"
        pathlib.Path(raw).write_bytes(b"".join(c.tobytes() for c in (y, *half)))
        size = f"{y.width},{y.height},3,8,u@1x1:2x2:2x2"
        subprocess.run(["opj_compress", "-i", raw, "-o", out, "-F", size, "-mct", "0", "-n", "2"], check=True, capture_output=True)
        keep(name.replace("jp2", "j2k"), pathlib.Path(out).read_bytes(), right=picture, tolerance=12)
        deep = np.moveaxis(np.asarray(picture).astype(np.uint16) * 16 + 5, 2, 0).astype(">u2")
        pathlib.Path(raw).write_bytes(deep.tobytes())
        subprocess.run(["opj_compress", "-i", raw, "-o", out, "-F", f"{y.width},{y.height},3,12,u", "-n", "2"],
                       check=True, capture_output=True)
        keep("rgb12.j2k", pathlib.Path(out).read_bytes(), right=picture, tolerance=1)


class Turbo:
    """What turbojpeg.h calls TJPARAM and the like, as far as it is needed."""
    QUALITY, SUBSAMPLING, PRECISION, COLORS, PROGRESSIVE, ARITHMETIC, LOSSLESS = 3, 4, 7, 8, 12, 14, 15
    RGB, CMYK = 0, 11
    YCCK = 4

    def __init__(self):
        self.library = ctypes.CDLL(os.environ["POLYLENS_TURBOJPEG"])
        self.library.tj3Init.restype = ctypes.c_void_p
        self.library.tj3GetErrorStr.restype = ctypes.c_char_p

    def encode(self, pixels, kind, call="tj3Compress8", **parameters):
        handle = ctypes.c_void_p(self.library.tj3Init(0))
        for name, value in {"QUALITY": 95, "SUBSAMPLING": 0, **parameters}.items():
            assert not self.library.tj3Set(handle, getattr(self, name), value), self.library.tj3GetErrorStr(handle)
        out, size = ctypes.c_void_p(), ctypes.c_size_t()
        height, width = pixels.shape[:2]
        pixels = np.ascontiguousarray(pixels)
        failed = getattr(self.library, call)(handle, ctypes.c_void_p(pixels.ctypes.data), width, 0, height, kind,
                                             ctypes.byref(out), ctypes.byref(size))
        assert not failed, self.library.tj3GetErrorStr(handle)
        return ctypes.string_at(out, size.value)


def jpegs():
    turbo, soft, cmyk = Turbo(), smooth(), smooth("CMYK")
    rgb = np.asarray(soft)
    keep("arithmetic.jpg", turbo.encode(rgb, Turbo.RGB, ARITHMETIC=1))
    keep("arithmetic_progressive.jpg", turbo.encode(rgb, Turbo.RGB, ARITHMETIC=1, PROGRESSIVE=1))
    keep("lossless.jpg", turbo.encode(rgb, Turbo.RGB, LOSSLESS=1), right=soft)
    keep("12bit.jpg", turbo.encode(rgb.astype(np.uint16) * 16, Turbo.RGB, "tj3Compress12", PRECISION=12), right=soft, tolerance=3)
    keep("lossless16.jpg", turbo.encode(rgb.astype(np.uint16) * 257, Turbo.RGB, "tj3Compress16", PRECISION=16, LOSSLESS=1), right=soft)
    for name, data in (("cmyk_plain.jpg", encoded(cmyk, "JPEG", quality=95)),
                       ("ycck.jpg", turbo.encode(255 - np.asarray(cmyk), Turbo.CMYK, COLORS=Turbo.YCCK))):
        adobe = data.find(b"\xff\xeeAdobe"[:2] + b"\0\x0eAdobe")
        if name == "cmyk_plain.jpg" and adobe >= 0:  # nothing then says how ink is stored
            data = data[:adobe] + data[adobe + 16:]
        keep(name, data, tolerance=2)
    whole = encoded(soft.resize((24, 64)), "JPEG", quality=95)
    progressive = encoded(soft.resize((24, 64)), "JPEG", quality=95, progressive=True)
    grey = encoded(soft.convert("L").resize((24, 64)), "JPEG", quality=95)
    keep("no_end.jpg", whole[:-2])  # nothing is missing but the end marker
    keep("half.jpg", whole[:len(whole) - 200], warns="are missing")
    keep("half_grey.jpg", grey[:len(grey) - 120], warns="are missing")
    keep("half_progressive.jpg", progressive[:progressive.rfind(b"\xff\xda") + 14], warns="details")
    bad = bytearray(whole)
    bad[-160:-140] = b"\x7f" * 20
    keep("bad_codes.jpg", bytes(bad), warns="damaged")


def reducible():
    """Large enough to be wanted smaller: soft shapes with edges and noise."""
    random = np.random.default_rng(2)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8), dtype=np.uint8)).resize((400, 300), Image.Resampling.BICUBIC)
    picture = np.asarray(coarse).astype(np.int16) // 4 + np.linspace(0, 190, 400).astype(np.int16)
    for left, top in random.integers(0, 280, (30, 2)):
        picture[top:top + 30, left:left + 40] += random.integers(-50, 50)
    picture += random.normal(0, 5, picture.shape).astype(np.int16)
    data = encoded(Image.fromarray(picture.clip(0, 255).astype(np.uint8)), irreversible=True, quality_mode="dB", quality_layers=[34])
    (HERE / "reducible.jp2").write_bytes(data)
    wide = Image.new("RGB", (8000, 3000), (90, 120, 60))  # hardly any data, much memory
    (HERE / "wide.jp2").write_bytes(encoded(wide, irreversible=True))


def main():
    HERE.mkdir(exist_ok=True)
    jpeg2000()
    jpegs()
    reducible()
    text = json.dumps(dict(Pillow=PIL.__version__, Files=references), indent=1)
    (HERE / "reference.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
