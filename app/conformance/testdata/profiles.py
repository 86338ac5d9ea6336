"""ICC profiles made from nothing: displays, gray, tables (lut8, lut16, lutAToB), inks, and broken ones.

Structures are those of the ICC specification ICC.1:2010."""

import struct

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

# Colorants adapted to D50.
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
BT2020 = ((0.67348, 0.27904, -0.00193), (0.16566, 0.67534, 0.02998), (0.12506, 0.04561, 0.79686))


def fixed(*values):
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def xyz(*values):
    return b"XYZ \0\0\0\0" + fixed(*values)


def parametric(kind, *values):
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*values)


def gamma(value):
    return b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(value * 256))


def sampled(values):
    return (
        b"curv\0\0\0\0" + struct.pack(">I", len(values)) + (np.asarray(values) * 65535).round().astype(">u2").tobytes()
    )


IDENTITY = b"curv\0\0\0\0\0\0\0\0"
SRGB_PARAMETRIC = parametric(3, *SRGB_CURVE)


def described(text, version):
    if version >= 4:
        data = text.encode("utf-16-be")
        return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data
    data = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(data)) + data + b"\0" * 78


def profile(name, space, tags, version=2, kind=b"mntr", connection=b"XYZ ", intent=0):
    tags = [
        (b"desc", described(name, version)),
        (b"cprt", b"text\0\0\0\0CC0\0" if version < 4 else described("CC0", 4)),
        (b"wtpt", xyz(*D50)),
        *tags,
    ]
    table, body, at = b"", b"", 132 + 12 * len(tags)
    for signature, data in tags:
        table += signature + struct.pack(">II", at + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(
        ">I4sB3x4s4s4s6H4s", at + len(body), b"none", version, kind, space, connection, 2026, 1, 1, 0, 0, 0, b"acsp"
    )
    head = (head.ljust(64, b"\0") + struct.pack(">I", intent) + fixed(*D50)).ljust(128, b"\0")
    return head + struct.pack(">I", len(tags)) + table + body


def display(name, colorants, curves, version=2):
    """Three colorants and a curve for all, or one for each."""
    curves = [curves] * 3 if isinstance(curves, bytes) else curves
    tags = [(n, xyz(*c)) for n, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants)]
    tags += list(zip((b"rTRC", b"gTRC", b"bTRC"), curves))
    if version >= 4:
        tags.append(
            (
                b"chad",
                b"sf32\0\0\0\0"
                + fixed(1.04788, 0.02292, -0.0502, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168),
            )
        )
    return profile(name, b"RGB ", tags, version)


def gray(name, curve, version=2):
    return profile(name, b"GRAY", [(b"kTRC", curve)], version)


def lab(xyz_values):
    """CIE Lab of XYZ relative to D50, arrays [..., 3]."""
    t = np.asarray(xyz_values) / D50
    f = np.where(t > 216 / 24389, np.cbrt(np.maximum(t, 1e-9)), (24389 / 27 * t + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def grid(channels, points):
    axes = np.meshgrid(*[np.linspace(0, 1, points)] * channels, indexing="ij")
    return np.stack([axis.ravel() for axis in axes], -1)


def of_rgb(values):
    """A strange display: channels cross, and the shadows are lifted."""
    linear = (0.03 + 0.97 * values) ** 2.0
    mixed = linear @ np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.0, 0.25, 0.75]])
    return lab(mixed @ np.array(ADOBE))


def of_inks(values):
    """Inks that are not pure: each leaves some light of every kind."""
    left = np.array([[0.10, 0.45, 0.75], [0.70, 0.08, 0.25], [0.95, 0.85, 0.05], [0.03, 0.03, 0.03]])
    light = np.prod(1 - values[..., None] * (1 - left), axis=-2)
    return lab((0.92 * light) @ np.array(SRGB))


def table(form, channels, points, colors):
    """lut8 or lut16 from channels to Lab, without curves."""
    values = colors(grid(channels, points))
    unity = fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    head = form + b"\0\0\0\0" + struct.pack(">BBBx", channels, 3, points) + unity
    if form == b"mft1":
        ramp = bytes(range(256))
        coded = np.stack([values[:, 0] * 2.55, values[:, 1] + 128, values[:, 2] + 128], -1)
        return head + ramp * channels + coded.round().clip(0, 255).astype(np.uint8).tobytes() + ramp * 3
    ramp = struct.pack(">HH", 0, 65535)
    coded = np.stack([values[:, 0] * 652.8, (values[:, 1] + 128) * 256, (values[:, 2] + 128) * 256], -1)
    return (
        head
        + struct.pack(">HH", 2, 2)
        + ramp * channels
        + coded.round().clip(0, 65535).astype(">u2").tobytes()
        + ramp * 3
    )


def lut_a_to_b(channels, points, colors, bits=16):
    """lutAToB: curves of every kind, a table, a matrix."""
    values = colors(grid(channels, points))
    coded = np.stack([values[:, 0] / 100, (values[:, 1] + 128) / 255, (values[:, 2] + 128) / 255], -1).clip(0, 1)
    data = (coded * (2**bits - 1)).round().astype(">u2" if bits == 16 else np.uint8).tobytes()
    a = b"".join([parametric(0, 1.2), sampled(np.linspace(0, 1, 4) ** 0.9), *[IDENTITY] * (channels - 2)])
    clut = bytes([points] * channels).ljust(16, b"\0") + struct.pack(">B3x", bits // 8) + data
    clut += b"\0" * (-len(clut) % 4)
    matrix = fixed(1, 0, 0, 0, 0.95, 0, 0, 0, 1.02, 0, 0.025, 0)
    b = IDENTITY * 3
    at_b, at_matrix = 32, 32 + len(b)
    at_m, at_clut = at_matrix + len(matrix), at_matrix + len(matrix) + len(b)
    head = b"mAB \0\0\0\0" + struct.pack(">BBxxIIIII", channels, 3, at_b, at_matrix, at_m, at_clut, at_clut + len(clut))
    return head + b + matrix + b + clut + a


def tables(name, space, lut, version=2, kind=b"mntr"):
    return profile(name, space, [(b"A2B0", lut)], version, kind, b"Lab ")


DISPLAYS = {
    "srgb": display("sRGB, made", SRGB, SRGB_PARAMETRIC),
    "p3": display("Display P3, made", P3, SRGB_PARAMETRIC),
    "adobe": display("like Adobe RGB", ADOBE, gamma(2.19921875)),
    "prophoto": display("like ProPhoto", PROPHOTO, gamma(1.8)),
    "bt2020": display("BT.2020, made", BT2020, parametric(3, 1 / 0.45, 1 / 1.0993, 0.0993 / 1.0993, 1 / 4.5, 0.0812)),
    "bt2020_srgb": display("BT.2020 with the curve of sRGB", BT2020, SRGB_PARAMETRIC),
    "swapped": display("channels exchanged", (SRGB[2], SRGB[0], SRGB[1]), SRGB_PARAMETRIC),
    "v4": display("Display P3 of version 4", P3, SRGB_PARAMETRIC, 4),
    "lut8": tables("RGB by lut8", b"RGB ", table(b"mft1", 3, 17, of_rgb)),
    "lut16": tables("RGB by lut16", b"RGB ", table(b"mft2", 3, 9, of_rgb)),
    "mab": tables("RGB by lutAToB", b"RGB ", lut_a_to_b(3, 9, of_rgb), 4),
}
CURVES = {
    "linear": IDENTITY,
    "gamma10": gamma(1),
    "gamma18": gamma(1.8),
    "gamma24": gamma(2.4),
    "sampled2": sampled([0, 1]),
    "sampled16": sampled(np.linspace(0, 1, 16) ** 2.2),
    "sampled4096": sampled(np.linspace(0, 1, 4096) ** 1.6),
    "falling": sampled(np.linspace(1, 0, 33)),
    "para0": parametric(0, 2.2),
    "para1": parametric(1, 2.0, 1.1, -0.1),
    "para2": parametric(2, 2.0, 0.95, -0.05, 0.05),
    "para4": parametric(4, 2.4, 0.9, 0.05, 0.08, 0.04, 0.02, 0.01),
}
GRAYS = {
    "gray22": gray("gray 2.2", gamma(2.2)),
    "gray10": gray("gray 1.0", gamma(1)),
    "graydot": gray("dot gain", sampled(np.linspace(0, 1, 64) ** 1.5)),
    "grayv4": gray("gray of version 4", parametric(0, 3.0), 4),
}
INKS = {
    "ink8": tables("inks by lut8", b"CMYK", table(b"mft1", 4, 7, of_inks), 2, b"prtr"),
    "ink16": tables("inks by lut16", b"CMYK", table(b"mft2", 4, 9, of_inks), 2, b"prtr"),
    "inkmab": tables("inks by lutAToB", b"CMYK", lut_a_to_b(4, 7, of_inks), 4, b"prtr"),
}


def broken():
    """Profiles that say nothing of use, with what is wrong."""
    good = DISPLAYS["swapped"]
    far = bytearray(good)
    far[132 + 12 * 3 + 4 : 132 + 12 * 3 + 8] = b"\x7f\xff\xff\xf0"
    return {
        "cut": (good[:300], "cut off"),
        "head": (good[:100], "shorter than its head"),
        "noise": (bytes(range(256)) * 3, "no profile"),
        "unsigned": (good[:36] + b"none" + good[40:], "without its signature"),
        "far": (bytes(far), "a tag beyond its end"),
        "tags": (good[:128] + b"\xff\xff\xff\xff" + good[132:], "four thousand million tags"),
        "empty": (good[:128] + b"\0" * 4, "without tags"),
        "inks": (INKS["ink8"], "of inks in a picture of lights"),
        "gray": (GRAYS["gray10"], "of gray in a picture of colours"),
        "bigtable": (
            tables("x", b"RGB ", b"mft2\0\0\0\0\3\3\xff\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + b"\xff\xff\xff\xff"),
            "a table that is not there",
        ),
    }
