"""Writes reference.json: small ICC profiles of every kind that pictures have, samples,
and what lcms2, through Pillow, makes of them in sRGB.

    pip install numpy pillow
    python write_reference.py

lcms2 is told not to optimize: for grey and for lookup tables it would interpolate
between 33 points of its own, which in the dark differs by up to 19 of 255 from what it
computes itself otherwise. But white of lookup tables is that of lcms2 as it is used: it
remains white.
"""
import base64
import io
import json
import pathlib
import struct

import numpy as np
import PIL
from PIL import Image, ImageCms, features

HERE = pathlib.Path(__file__).parent
D50 = (0.9642, 1.0, 0.8249)
SRGB = [(.43607, .22249, .01392), (.38515, .71687, .09708), (.14307, .06061, .71410)]
P3 = [(.51512, .24120, -.00105), (.29198, .69225, .04189), (.15710, .06657, .78407)]
PROPHOTO = [(.79767, .28804, 0), (.13519, .71188, 0), (.03134, .00009, .82491)]
MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}


def fixed(*values):
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def xyz(v):
    return b"XYZ \0\0\0\0" + fixed(*v)


def curv(*points):
    return b"curv\0\0\0\0" + struct.pack(f">I{len(points)}H", len(points), *points)


def para(kind, *parameters):
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*parameters)


def gamma(v):
    return curv(round(v * 256))


def table(f, n=1024):
    return curv(*(round(65535 * min(max(f(i / (n - 1)), 0), 1)) for i in range(n)))


def light(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def profile(tags, space=b"RGB ", pcs=b"XYZ ", kind=b"mntr", version=2):
    head = struct.pack(">I4sI4s4s4s", 0, b"none", version << 24 | (0x400000 if version == 4 else 0x100000), kind, space, pcs)
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 24 + b"\0" * 4 + fixed(*D50) + b"\0" * 48
    tags = {b"wtpt": xyz(D50), **tags}
    offset, entries, data = 132 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        entries += name + struct.pack(">II", offset + len(data), len(content))
        data += content + b"\0" * (-len(content) % 4)
    out = head + struct.pack(">I", len(tags)) + entries + data
    return struct.pack(">I", len(out)) + out[4:]


def shaper(columns, *curves, **options):
    curves = curves if len(curves) == 3 else curves * 3
    return profile({**{n: xyz(c) for n, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns)},
                    **{n: c for n, c in zip((b"rTRC", b"gTRC", b"bTRC"), curves)}}, **options)


def grid(channels, points):
    """Every combination of values from 0 to 1, the last channel being the fastest."""
    axis = np.linspace(0, 1, points)
    return np.stack(np.meshgrid(*[axis] * channels, indexing="ij"), -1).reshape(-1, channels)


def rgb_of(samples):
    """What the lookup tables show: RGB somewhat mixed, or ink on paper that is not quite white."""
    if samples.shape[1] == 4:
        ink = 1 - samples[:, :3] * [.92, .88, .95]
        return .04 + .94 * ink * (1 - .93 * samples[:, 3:])
    if samples.shape[1] == 1:
        return np.repeat(.03 + .94 * samples, 3, 1)
    return .03 + .94 * samples @ np.array([[.9, .05, .02], [.06, .85, .1], [.04, .1, .88]])


def to_xyz(rgb):
    return light(rgb) @ np.array(SRGB)


def to_lab(rgb):
    t = to_xyz(rgb) / D50
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


def coded(rgb, pcs, most):
    """The profile connection space in numbers of a table."""
    if pcs == b"XYZ ":
        return np.rint(to_xyz(rgb) * 32768 / 65535 * most).clip(0, most)
    lab = to_lab(rgb)
    if most == 65280:  # 16 bits in version 2
        return np.rint(np.stack([lab[:, 0] / 100, (lab[:, 1] + 128) / 255, (lab[:, 2] + 128) / 255], -1) * 65280).clip(0, 65535)
    return np.rint(np.stack([lab[:, 0] / 100, (lab[:, 1] + 128) / 255, (lab[:, 2] + 128) / 255], -1) * most).clip(0, most)


def ramp(n, most, exponent=1):
    return [round(most * (i / (n - 1)) ** exponent) for i in range(n)]


def mft(bits, channels, points, pcs, exponent=1.2):
    nodes = grid(channels, points) ** exponent  # the input curves undo it
    head = struct.pack(">4sIBBBB", b"mft1" if bits == 8 else b"mft2", 0, channels, 3, points, 0)
    head += fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    if bits == 8:
        values = coded(rgb_of(nodes), pcs, 255).astype(np.uint8).tobytes()
        return head + bytes(ramp(256, 255, 1 / exponent)) * channels + values + bytes(ramp(256, 255)) * 3
    values = coded(rgb_of(nodes), pcs, 65280 if pcs == b"Lab " else 65535).astype(">u2").tobytes()
    curves = np.array(ramp(64, 65535, 1 / exponent), ">u2").tobytes() * channels
    return head + struct.pack(">HH", 64, 2) + curves + values + np.array([0, 65535] * 3, ">u2").tobytes()


def mab(channels, points, pcs, bits, matrix=None):
    """A curves, nodes, M curves, matrix, B curves."""
    parts, offsets = b"", {}

    def part(name, data):
        nonlocal parts
        offsets[name] = 32 + len(parts)
        parts += data + b"\0" * (-len(data) % 4)

    part("b", para(0, 1) * 3)
    if matrix:
        part("matrix", fixed(*matrix))
        part("m", para(3, 1, 1, 0, 1, 0) * 2 + curv())
    nodes = coded(rgb_of(grid(channels, points)), pcs, 2 ** bits - 1)
    part("clut", bytes([points] * channels).ljust(16, b"\0") + bytes([bits // 8, 0, 0, 0])
         + nodes.astype(">u2" if bits == 16 else np.uint8).tobytes())
    part("a", (curv(*ramp(33, 65535, 1.3)) + b"\0\0") * channels)
    order = [offsets.get(n, 0) for n in ("b", "matrix", "m", "clut", "a")]
    return struct.pack(">4sIBBH5I", b"mAB ", 0, channels, 3, 0, *order) + parts


def lut(tag, **options):
    return profile({b"A2B0": tag}, **options)


def profiles():
    yield "matrix, gamma", shaper(P3, gamma(2.2))
    yield "matrix, table", shaper(P3, table(lambda v: float(light(v))))
    yield "matrix, coarse table", shaper(P3, curv(0, 9000, 30000, 65535))
    yield "matrix, linear", shaper(P3, curv())
    yield "matrix, three curves", shaper(P3, gamma(1.8), gamma(2.2), table(lambda v: v ** 2.4))
    yield "parametric 0", shaper(P3, para(0, 2.4), version=4)
    yield "parametric 1", shaper(P3, para(1, 2.2, 1.1, -.1), version=4)
    yield "parametric 2", shaper(P3, para(2, 2.2, .95, -.05, .05), version=4)
    yield "parametric 3", shaper(P3, para(3, 2.4, 1 / 1.055, .055 / 1.055, 1 / 12.92, .04045), version=4)
    yield "parametric 4", shaper(P3, para(4, 2.4, .9, .06, .07, .04, .01, .002), version=4)
    yield "wide", shaper(PROPHOTO, gamma(1.8))
    yield "channels exchanged", shaper(SRGB[2:] + SRGB[:2], table(lambda v: float(light(v))))
    yield "black is not black", shaper(SRGB, table(lambda v: .04 + .96 * v ** 2.2))
    yield "mft1", lut(mft(8, 3, 9, b"Lab "), pcs=b"Lab ")
    yield "mft2 to Lab", lut(mft(16, 3, 9, b"Lab "), pcs=b"Lab ")
    yield "mft2 to XYZ", lut(mft(16, 3, 9, b"XYZ "))
    yield "mAB to Lab", lut(mab(3, 7, b"Lab ", 16), pcs=b"Lab ", version=4)
    yield "mAB to XYZ", lut(mab(3, 7, b"XYZ ", 16), version=4)
    yield "mAB of 8 bits", lut(mab(3, 9, b"Lab ", 8), pcs=b"Lab ", version=4)
    yield "mAB with matrix", lut(mab(3, 7, b"XYZ ", 16, (.9, .05, 0, .02, .95, .01, 0, .03, .9, .01, 0, .005)), version=4)
    for name, curve, options in (("gamma", gamma(1.8), {}), ("table", table(lambda v: v ** 2.6, 256), {}), ("linear", curv(), {}),
                                 ("parametric to Lab", para(0, 1.1), dict(pcs=b"Lab ", version=4))):
        yield "grey, " + name, profile({b"kTRC": curve}, space=b"GRAY", **options)
    yield "grey, mft2", lut(mft(16, 1, 17, b"Lab "), space=b"GRAY", pcs=b"Lab ")
    for bits in 8, 16:
        yield f"CMYK, mft{bits // 8}", lut(mft(bits, 4, 5, b"Lab "), space=b"CMYK", pcs=b"Lab ", kind=b"prtr")
    yield "CMYK, mAB", lut(mab(4, 5, b"Lab ", 16), space=b"CMYK", pcs=b"Lab ", kind=b"prtr", version=4)


def converted(picture, icc, flags):
    embedded = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    out = ImageCms.profileToProfile(picture, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB", flags=flags)
    return np.array(out).reshape(-1, 3)


def main():
    out = {"pillow": PIL.__version__, "lcms2": features.version("littlecms2"), "profiles": []}
    for name, icc in profiles():
        mode = MODES[icc[16:20]]
        channels = len(mode)
        samples = np.rint(grid(channels, {1: 52, 3: 7, 4: 4}[channels]) * 255).astype(np.uint8)
        picture = Image.frombytes(mode, (len(samples), 1), samples.tobytes())
        right = converted(picture, icc, ImageCms.Flags.NOOPTIMIZE)
        if b"A2B0" in icc and mode != "L":
            white = (samples == (0 if mode == "CMYK" else 255)).all(1)
            right[white] = converted(picture, icc, ImageCms.Flags.NONE)[white]
        out["profiles"].append({"name": name, "channels": channels, "icc": base64.b64encode(icc).decode(),
                                "samples": base64.b64encode(samples.tobytes()).decode(),
                                "srgb": base64.b64encode(right.tobytes()).decode()})
    lines = ",\n".join(json.dumps(p) for p in out.pop("profiles"))
    (HERE / "reference.json").write_text(json.dumps(out)[:-1] + ',\n"profiles": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
