"""PNG: colour types, depths, interlace, transparency, chunks that speak of colour, and defects.

Structures are those of the PNG specification, third edition."""

import struct
import zlib

import numpy as np
from PIL import Image

import hdr
import profiles
from right import on_white, to_srgb
from scene import mask, scene, transparent
from table import encoded

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
NAMES = {GRAY: "gray", RGB: "rgb", PALETTE: "palette", GRAY_ALPHA: "gray_alpha", RGBA: "rgba"}
DEPTHS = {GRAY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GRAY_ALPHA: (8, 16), RGBA: (8, 16)}
PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # x, y, and steps


def chunk(kind, data=b"", crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def header(width, height, depth, color, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))


def rows(values, depth):
    """Rows without filter of samples [height, width, channels]."""
    height, flat = values.shape[0], values.reshape(values.shape[0], -1)
    if depth == 16:
        lines = flat.astype(">u2")
    elif depth == 8:
        lines = flat.astype(np.uint8)
    else:
        bits = (flat[..., None] >> np.arange(depth - 1, -1, -1)) & 1
        lines = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + line.tobytes() for line in lines)


def png(values, depth, color, chunks=b"", interlaced=False):
    """A PNG of samples [height, width, channels]; chunks stand before the data."""
    if interlaced:
        parts = [values[y::down, x::across] for x, y, across, down in PASSES]
        data = b"".join(rows(part, depth) for part in parts if part.size)
    else:
        data = rows(values, depth)
    head = header(values.shape[1], values.shape[0], depth, color, int(interlaced))
    return SIGNATURE + head + chunks + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND")


def samples(color, depth):
    """The scene as samples of a colour type, and its palette chunk if there is one."""
    image = scene()
    if color == PALETTE:
        small = image.quantize(2**depth, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        return np.asarray(small)[..., None], chunk(b"PLTE", bytes(small.getpalette())[: 3 * 2**depth])
    values = np.asarray(image.convert("L"))[..., None] if color in (GRAY, GRAY_ALPHA) else np.asarray(image)
    if color in (GRAY_ALPHA, RGBA):
        values = np.dstack([values, mask()])
    return values.astype(int) * 257 if depth == 16 else values >> (8 - depth), b""


def kinds(table):
    table.begin("PNG")
    for color, depths in DEPTHS.items():
        for depth in depths:
            for interlaced in (False, True):
                values, palette = samples(color, depth)
                name = f"png_{NAMES[color]}{depth}{'_interlaced' if interlaced else ''}.png"
                table.add(
                    name,
                    png(values, depth, color, palette, interlaced),
                    f"{NAMES[color]} of {depth} bits",
                    small=interlaced or depth in (2, 16),
                )
    for size in ((1, 1), (1, 3), (3, 1), (2, 5), (5, 7), (9, 9)):
        values = np.asarray(scene().resize(size))
        table.add(
            f"png_{size[0]}x{size[1]}_interlaced.png", png(values, 8, RGB, interlaced=True), "fewer pixels than passes"
        )
    transparency(table)
    shapes(table)
    spoken_colors(table)


def transparency(table):
    values, clear = np.asarray(scene()).copy(), mask() == 0
    values[clear] = (255, 0, 255)
    key = struct.pack(">HHH", 255, 0, 255)
    table.add("png_rgb_key.png", png(values, 8, RGB, chunk(b"tRNS", key)), "a colour that is transparent", small=True)
    meant = on_white(scene(), Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
    key16 = struct.pack(">HHH", 255 * 257, 0, 255 * 257)
    table.add(
        "png_rgb16_key.png",
        png(values.astype(int) * 257, 16, RGB, chunk(b"tRNS", key16)),
        "the same of 16 bits",
        meant=meant,
        by="the scene",
        why="Pillow compares a key of 16 bits with values of 8",
    )
    gray = np.asarray(scene().convert("L")).copy()
    gray[clear] = 7
    table.add(
        "png_gray_key.png",
        png(gray[..., None], 8, GRAY, chunk(b"tRNS", b"\0\7")),
        "a gray that is transparent",
        small=True,
    )
    four = (gray >> 4)[..., None]
    table.add("png_gray4_key.png", png(four, 4, GRAY, chunk(b"tRNS", b"\0\0")), "the same of 4 bits")
    small = scene().quantize(16, dither=Image.Dither.NONE)
    palette = chunk(b"PLTE", bytes(small.getpalette())[:48]) + chunk(b"tRNS", bytes(range(0, 160, 16)))
    table.add(
        "png_palette_alpha.png",
        png(np.asarray(small)[..., None], 8, PALETTE, palette),
        "a palette that is partly transparent",
        small=True,
    )
    table.save("png_black_below.png", transparent(), "black where nothing shows", small=True)


def shapes(table):
    image = scene()
    frames = [image.convert("RGBA"), Image.new("RGBA", image.size, "black")]
    table.save(
        "png_animated.png",
        frames[0],
        "APNG whose first frame is the picture",
        save_all=True,
        append_images=frames[1:],
        duration=200,
    )
    table.save(
        "png_animated_hidden.png",
        image.convert("RGBA"),
        "APNG whose default picture is not a frame",
        save_all=True,
        append_images=frames[1:],
        duration=200,
        default_image=True,
    )
    for name, size in (
        ("png_1x1.png", (1, 1)),
        ("png_1x900.png", (1, 900)),
        ("png_5000x2.png", (5000, 2)),
        ("png_large.png", (1600, 1200)),
    ):
        table.save(name, scene(*size), "%d x %d" % size)
    data = encoded(image, "PNG")
    at = data.index(b"IDAT") - 4
    packed = zlib.compress(rows(np.asarray(image), 8), 9)
    table.add(
        "png_many_idat.png",
        data[:at] + b"".join(chunk(b"IDAT", packed[i : i + 7]) for i in range(0, len(packed), 7)) + chunk(b"IEND"),
        "data in pieces of 7 bytes",
    )
    table.add(
        "png_empty_idat.png",
        data[:at] + chunk(b"IDAT") + chunk(b"IDAT", packed) + chunk(b"IDAT") + chunk(b"IEND"),
        "empty pieces around the data",
    )
    for filters in range(5):
        table.add(
            f"png_filter{filters}.png",
            data[:at] + chunk(b"IDAT", zlib.compress(filtered(np.asarray(image), filters))) + chunk(b"IEND"),
            f"every row by filter {filters}",
        )


def filtered(values, kind):
    """Rows of 8-bit RGB by one filter."""
    flat = values.reshape(values.shape[0], -1).astype(int)
    left = np.pad(flat, ((0, 0), (3, 0)))[:, :-3]
    up = np.pad(flat, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(flat, ((1, 0), (3, 0)))[:-1, :-3]
    guess = left + up - corner
    a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
    paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))
    coded = flat - (0, left, up, (left + up) // 2, paeth)[kind]
    return b"".join(bytes([kind]) + (row % 256).astype(np.uint8).tobytes() for row in coded)


def chromaticities(x_white=0.3127, y_white=0.329, red=(0.64, 0.33), green=(0.3, 0.6), blue=(0.15, 0.06)):
    return chunk(
        b"cHRM", b"".join(struct.pack(">I", round(v * 100000)) for v in (x_white, y_white, *red, *green, *blue))
    )


def spoken_colors(table):
    """Chunks that say what the colours are. Pillow heeds only iCCP."""
    values = np.asarray(scene())
    gama = lambda v: chunk(b"gAMA", struct.pack(">I", round(v * 100000)))
    p3 = chromaticities(red=(0.68, 0.32), green=(0.265, 0.69))
    why = "Pillow heeds no gAMA, cHRM or cICP; the same colours are converted from a profile"
    curve = profiles.gamma
    said = {
        "gama045": (gama(0.45455), None),
        "srgb": (chunk(b"sRGB", b"\0"), None),
        "chrm_srgb": (gama(0.45455) + chromaticities(), None),
        "srgb_wins": (chunk(b"sRGB", b"\0") + gama(1) + p3, None),
        "gama_zero": (gama(0), None),
        "gama1": (gama(1), profiles.display("", profiles.SRGB, curve(1))),
        "gama0556": (gama(1 / 1.8), profiles.display("", profiles.SRGB, curve(1.8))),
        "chrm_p3": (gama(0.45455) + p3, profiles.display("", profiles.P3, curve(2.2))),
        "cicp_srgb": (chunk(b"cICP", bytes((1, 13, 0, 1))), None),
        "cicp_p3": (chunk(b"cICP", bytes((12, 13, 0, 1))), profiles.DISPLAYS["p3"]),
        "cicp_bt2020": (chunk(b"cICP", bytes((9, 1, 0, 1))), profiles.DISPLAYS["bt2020_srgb"]),
        "cicp_bt709": (chunk(b"cICP", bytes((1, 1, 0, 1))), None),
    }
    for name, (chunks, profile) in said.items():
        meant = (
            {}
            if profile is None
            else {"meant": to_srgb(scene(), profile), "by": "a profile of the same colours", "why": why}
        )
        table.add(f"png_{name}.png", png(values, 8, RGB, chunks), "chunks that speak of colour", **meant)
    for name, transfer, curve in (("pq", 16, hdr.from_pq), ("hlg", 18, hdr.from_hlg)):
        for depth in (8, 16):
            table.add(
                f"png_cicp_{name}{depth}.png",
                png(values.astype(int) * (257 if depth == 16 else 1), depth, RGB, chunk(b"cICP", bytes((9, transfer, 0, 1)))),
                f"light of high dynamic range, {name.upper()} of {depth} bits",
                meant=hdr.of(scene(), curve),
                by="the formulas of ITU-R BT.2100 and BT.2390",
                why="Pillow heeds no cICP",
                small=depth == 8,
            )
    iccp = chunk(b"iCCP", b"x\0\0" + zlib.compress(profiles.DISPLAYS["swapped"]))
    for name, chunks in (("iccp_and_gama", gama(1) + iccp), ("iccp_and_srgb", chunk(b"sRGB", b"\0") + iccp)):
        table.add(
            f"png_{name}.png",
            png(values, 8, RGB, chunks),
            "a profile, and chunks that say something else",
            why=(
                "the specification lets the profile win, as Pillow does; ImageMagick applies both"
                if "gama" in name
                else ""
            ),
        )
    for color, depth in ((RGB, 16), (PALETTE, 8), (RGBA, 8), (RGBA, 16)):
        values, palette = samples(color, depth)
        table.add(
            f"png_iccp_{NAMES[color]}{depth}.png",
            png(values, depth, color, iccp + palette),
            "a profile in a picture of this kind",
            small=depth == 8,
        )
