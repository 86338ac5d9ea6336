"""GIF, BMP and WebP: every kind, and defects."""

import io
import struct

import numpy as np
from PIL import Image

import right
from scene import grain, mask, scene, transparent
from table import encoded


def kinds(table):
    gif(table)
    bmp(table)
    webp(table)


def small_palette(colors=64):
    return scene().quantize(colors, dither=Image.Dither.NONE)


def as_far_as_it_goes(cut, at):
    """What a GIF holds whose blocks begin at a place and end early."""
    whole = bytearray(cut)
    while at + 1 + whole[at] < len(whole):
        at += 1 + whole[at]
    whole[at] = len(whole) - at - 1
    return right.by_pillow(io.BytesIO(bytes(whole)), truncated=True)[0]


def gif(table):
    table.begin("GIF")
    palette = small_palette()
    for colors in (2, 4, 16, 64, 256):
        table.save(f"gif_{colors}.gif", small_palette(colors), f"{colors} colours", small=colors == 256)
    table.save("gif_interlaced.gif", palette, "interlaced", interlace=1, small=True)
    table.save("gif_gray.gif", scene().convert("L"), "gray")
    table.save("gif_transparent.gif", transparent(), "transparent", small=True)
    table.save(
        "gif_animated.gif",
        palette,
        "two frames",
        save_all=True,
        append_images=[Image.new("P", (120, 90))],
        duration=100,
    )
    table.save(
        "gif_animated_transparent.gif",
        transparent(),
        "two transparent frames",
        save_all=True,
        append_images=[Image.new("RGBA", (120, 90))],
        duration=100,
        disposal=2,
    )
    data = encoded(palette, "GIF", interlace=0)
    frame = data.index(b"\x2c\0\0\0\0" + struct.pack("<HH", 120, 90))

    def screen(width, height, left=0, top=0):
        return (
            data[:6]
            + struct.pack("<HH", width, height)
            + data[10 : frame + 1]
            + struct.pack("<HH", left, top)
            + data[frame + 5 :]
        )

    table.add(
        "gif_offset.gif",
        screen(200, 160, 40, 30),
        "a frame beside the corner of the screen",
        small=True,
        why="ImageMagick shows the frame alone",
    )
    table.add(
        "gif_beyond.gif",
        screen(100, 70),
        "a frame larger than the screen",
        small=True,
        why="ImageMagick shows the whole frame",
    )
    table.add(
        "gif_beyond_offset.gif",
        screen(120, 90, 60, 40),
        "a frame that hangs over the screen",
        why="ImageMagick shows the whole frame",
    )
    table.add("gif_no_screen.gif", screen(0, 0), "a screen of no size", small=True)
    table.add("gif_87.gif", b"GIF87a" + data[6:], "version 87a")
    table.add(
        "gif_version.gif",
        b"GIF88a" + data[6:],
        "a version that is none",
        reasons=["unknown format", "corrupt", "unsupported"],
        optional=True,
    )
    comment = b"\x21\xfe\x05hello\0"
    table.add("gif_comment.gif", data[:frame] + comment + data[frame:], "a comment")
    table.add("gif_no_trailer.gif", data[:-1], "without the end", small=True)
    table.add("gif_trailing.gif", data + b"\0" * 100, "bytes after the end")
    blocks = frame + 11 + (3 << ((data[frame + 9] & 7) + 1) if data[frame + 9] & 0x80 else 0)
    for percent in (90, 60, 30):
        cut = data[: len(data) * percent // 100]
        table.add(
            f"gif_cut{percent}.gif",
            cut,
            f"{percent} % of the file",
            reasons=["corrupt"],
            small=percent == 60,
            meant=as_far_as_it_goes(cut, blocks),
            by="Pillow, of the file with its last block made as short as it is",
            why="Pillow leaves out the last block of the data, which is not whole",
        )
    woven = encoded(palette, "GIF", interlace=1)
    table.add(
        "gif_interlaced_cut60.gif",
        woven[: len(woven) * 6 // 10],
        "interlaced, 60 % of the file",
        reasons=["corrupt"],
        loose=True,
    )
    flipped = bytearray(data)
    flipped[len(data) * 2 // 3] ^= 0x55
    table.add("gif_flipped.gif", bytes(flipped), "a wrong byte", reasons=["corrupt"], loose=True)
    bits = bytearray(data)
    bits[blocks - 1] = 13
    table.add("gif_bad_code_size.gif", bytes(bits), "codes of too many bits", reasons=["corrupt", "unsupported"])
    table.add("gif_no_frame.gif", data[:frame] + b";", "no frame", reasons=["corrupt", "empty"])
    flags = data[10]
    table.add(
        "gif_no_palette.gif",
        data[:10] + bytes([flags & 0x7F]) + data[11:13] + data[13 + (3 << ((flags & 7) + 1)) :],
        "no palette",
        reasons=["corrupt"],
        why="a picture without palette is gray to Pillow",
    )


def bmp(table):
    table.begin("BMP")
    palette = small_palette()
    table.save("bmp_24.bmp", scene(), "24 bits", small=True)
    for mode, what in (("1", "one bit"), ("L", "gray"), ("P", "a palette")):
        table.save(f"bmp_{what.replace(' ', '_')}.bmp", palette if mode == "P" else scene().convert(mode), what)
    source = table.folder / "_source.png"
    scene().save(source)
    for name, options, kind in (
        ("rle8", ["-colors", "64", "-compress", "RLE"], "BMP3"),
        ("4", ["-colors", "16"], "BMP3"),
        ("v3", [], "BMP3"),
        ("os2", [], "BMP2"),
        ("os2_palette", ["-colors", "30"], "BMP2"),
        ("v5", ["-alpha", "set"], "BMP"),
        ("2", ["-colors", "4"], "BMP3"),
        ("565", ["-define", "bmp:subtype=RGB565"], "BMP"),
        ("555", ["-define", "bmp:subtype=RGB555"], "BMP"),
    ):
        table.tool(
            f"bmp_magick_{name}.bmp",
            "by ImageMagick " + " ".join(options),
            "convert",
            str(source),
            *options,
            f"{kind}:OUT",
            small=name in ("rle8", "os2"),
        )
    source.unlink()
    values = np.asarray(scene()).astype(int)
    alpha = np.dstack([values, mask()])
    for name, masks, bits, samples in (
        ("565", (0xF800, 0x7E0, 0x1F, 0), 16, values),
        ("555", (0x7C00, 0x3E0, 0x1F, 0), 16, values),
        ("1555", (0x7C00, 0x3E0, 0x1F, 0x8000), 16, alpha),
        ("4444", (0xF00, 0xF0, 0xF, 0xF000), 16, alpha),
        ("8888", (0xFF0000, 0xFF00, 0xFF, 0xFF000000), 32, alpha),
        ("rgbx", (0xFF000000, 0xFF0000, 0xFF00, 0), 32, values),
        ("101010", (0x3FF00000, 0xFFC00, 0x3FF, 0), 32, values),
    ):
        odd = (
            dict(
                why="Pillow knows only some masks; the values are those of the scene",
                meant=masked(samples, masks),
                by="the scene",
            )
            if name in ("4444", "1555", "101010")
            else {}
        )
        table.add(
            f"bmp_fields_{name}.bmp",
            fields(samples, masks, bits),
            f"bit fields {name}",
            reasons=["unsupported"],
            small=name in ("565", "8888"),
            optional=name in ("4444", "1555", "101010"),
            **odd,
        )
    table.add(
        "bmp_32_no_alpha.bmp",
        fields(np.dstack([values, np.zeros_like(values[..., :1])]), (0xFF0000, 0xFF00, 0xFF, 0), 32, plain=True),
        "32 bits of which the fourth byte is 0",
        small=True,
    )
    top = fields(values, (0xF800, 0x7E0, 0x1F, 0), 16, up=False)
    table.add("bmp_top_down.bmp", top, "the top row first", small=True)
    table.add("bmp_rle4.bmp", rle4(), "runs of 4 bits", small=True)
    table.add(
        "bmp_rle8_delta.bmp",
        rle8_delta(),
        "runs that leave out pixels",
        why="what is left out is of colour 0 to Pillow and transparent to others",
    )
    data = encoded(scene(), "BMP")
    table.add(
        "bmp_cut75.bmp",
        data[: len(data) * 3 // 4],
        "75 % of the file",
        reasons=["corrupt"],
        why="the rows that are missing are those on top",
    )
    table.add("bmp_trailing.bmp", data + b"\0" * 99, "bytes after the end")
    table.add("bmp_no_sizes.bmp", data[:2] + b"\0" * 4 + data[6:34] + b"\0" * 4 + data[38:], "sizes that are 0")
    table.add(
        "bmp_vast.bmp",
        data[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + data[26:],
        "2^31 x 2^31, says the head",
        reasons=["too many pixels", "corrupt"],
    )
    table.add(
        "bmp_zero.bmp",
        data[:18] + struct.pack("<ii", 0, 90) + data[26:],
        "no pixels wide",
        reasons=["empty", "corrupt"],
    )
    table.add("bmp_head.bmp", data[:20], "only a head", reasons=["corrupt"])
    table.add(
        "bmp_jpeg_inside.bmp",
        data[:30] + struct.pack("<I", 4) + data[34:],
        "JPEG inside, as for printers",
        reasons=["unsupported", "corrupt"],
    )
    table.add(
        "bmp_far_data.bmp", data[:10] + struct.pack("<I", 2**31) + data[14:], "data beyond the end", reasons=["corrupt"]
    )
    table.save("bmp_large.bmp", scene(1600, 1200).quantize(16), "1600 x 1200")


def widths(masks):
    return [bin(m).count("1") for m in masks], [(m & -m).bit_length() - 1 if m else 0 for m in masks]


def fields(samples, masks, bits, up=True, plain=False):
    """A BMP of version 4 whose samples lie where masks say; plain: one of version 3 without masks."""
    sizes, shifts = widths(masks)
    pixels = np.zeros(samples.shape[:2], np.uint64)
    for i in range(samples.shape[2]):
        if masks[i]:
            pixels |= ((samples[..., i].astype(np.uint64) * (2 ** sizes[i] - 1) + 127) // 255) << np.uint64(shifts[i])
    rows = pixels.astype(f"<u{bits // 8}")
    data = (rows[::-1] if up else rows).tobytes()
    height, width = samples.shape[:2]
    size = 40 if plain else 108
    head = struct.pack(
        "<IiiHHIIiiII", size, width, height if up else -height, 1, bits, 0 if plain else 3, len(data), 2835, 2835, 0, 0
    )
    head += b"" if plain else struct.pack("<IIII", *masks) + b"BGRs" + b"\0" * 48
    return b"BM" + struct.pack("<IHHI", 14 + size + len(data), 0, 0, 14 + size) + head + data


def masked(samples, masks):
    """What such a BMP holds, on white."""
    sizes, _ = widths(masks)
    values = [((samples[..., i] * (2 ** sizes[i] - 1) + 127) // 255 * 255 / (2 ** sizes[i] - 1)) for i in range(3)]
    image = Image.fromarray(np.dstack(values).round().astype(np.uint8), "RGB")
    if not masks[3]:
        return image
    alpha = (samples[..., 3] * (2 ** sizes[3] - 1) + 127) // 255 * (255 // (2 ** sizes[3] - 1))
    return Image.composite(image, Image.new("RGB", image.size, "white"), Image.fromarray(alpha.astype(np.uint8)))


def runs(bits, coded):
    """A BMP of runs with a palette of 16 colours."""
    palette = small_palette(16)
    colors = np.array(palette.getpalette()[:48]).reshape(16, 3)
    table = b"".join(bytes((b, g, r, 0)) for r, g, b in colors.tolist())
    head = struct.pack("<IiiHHIIiiII", 40, 120, 90, 1, bits, 3 - bits // 4, len(coded), 0, 0, 16, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(table) + len(coded), 0, 0, 54 + len(table)) + head + table + coded


def rle4():
    """Absolute runs and repeated ones in turn."""
    coded = b""
    for row in np.asarray(small_palette(16))[::-1]:
        for at in range(0, 120, 12):
            part = row[at : at + 12]
            if len(set(part.tolist())) == 1:
                coded += bytes((12, part[0] * 17))
            else:
                coded += bytes((0, 12)) + bytes((part[0::2] * 16 + part[1::2]).astype(np.uint8))
        coded += b"\0\0"
    return runs(4, coded + b"\0\1")


def rle8_delta():
    coded = b""
    for row in np.asarray(small_palette(16))[::-1]:
        coded += b"\0\2\x14\0" + b"".join(bytes((1, value)) for value in row[20:]) + b"\0\0"
    return runs(8, coded + b"\0\1")


def webp(table):
    table.begin("WebP")
    for quality in (10, 50, 90, 100):
        table.save(
            f"webp_lossy{quality}.webp", scene(), f"lossy, quality {quality}", quality=quality, small=quality == 50
        )
    table.save("webp_lossless.webp", scene(), "lossless", lossless=True, small=True)
    table.save("webp_lossless_alpha.webp", transparent(), "lossless, alpha", lossless=True, exact=True, small=True)
    table.save("webp_lossy_alpha.webp", transparent(), "lossy, alpha", quality=85, small=True)
    table.save("webp_alpha_quality.webp", transparent(), "lossy, alpha too", quality=85, alpha_quality=20)
    table.save("webp_few_colors.webp", small_palette(4).convert("RGB"), "lossless, few colours", lossless=True)
    table.save("webp_method6.webp", scene(), "lossless, all transforms", lossless=True, method=6, quality=100)
    black = Image.new("RGBA", (120, 90), "black")
    for name, options in (
        ("lossless", dict(lossless=True)),
        ("lossy", dict(quality=90)),
        ("mixed", dict(allow_mixed=True, quality=80)),
    ):
        table.save(
            f"webp_animated_{name}.webp",
            transparent(),
            f"two frames, {name}",
            save_all=True,
            append_images=[black],
            duration=100,
            small=name == "lossy",
            **options,
        )
    table.save(
        "webp_animated_background.webp",
        transparent(),
        "frames before a background",
        save_all=True,
        append_images=[black],
        background=(255, 0, 0, 255),
        lossless=True,
    )
    for size in ((1, 1), (1, 50), (17, 13), (119, 89)):
        table.save(f"webp_{size[0]}x{size[1]}.webp", scene(*size), "%d x %d" % size, quality=90)
    table.save("webp_large.webp", grain(1600, 1200), "1600 x 1200", quality=60)
    data = encoded(scene(), "WEBP", quality=90)
    lossless = encoded(scene(), "WEBP", lossless=True)
    table.add("webp_trailing.webp", data + b"\0" * 64, "bytes after the end", small=True)
    for percent in (99, 90, 50):
        table.add(
            f"webp_cut{percent}.webp",
            data[: len(data) * percent // 100],
            f"lossy, {percent} % of the file",
            reasons=["corrupt"],
        )
        table.add(
            f"webp_lossless_cut{percent}.webp",
            lossless[: len(lossless) * percent // 100],
            f"lossless, {percent} % of the file",
            reasons=["corrupt"],
        )
    table.add("webp_size_zero.webp", data[:4] + b"\0" * 4 + data[8:], "a size of 0", reasons=["corrupt"])
    table.add(
        "webp_size_more.webp",
        data[:4] + struct.pack("<I", len(data) + 100) + data[8:],
        "a size beyond the end",
        reasons=["corrupt"],
    )
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0x55
    table.add("webp_flipped.webp", bytes(flipped), "a wrong byte", reasons=["corrupt"], loose=True)
    table.add("webp_unknown_chunk.webp", extended(data), "a chunk that nobody knows")
    table.add("webp_head.webp", data[:16], "only a head", reasons=["corrupt"])


def extended(data):
    body = (
        b"VP8X"
        + struct.pack("<IB3x", 10, 0)
        + (119).to_bytes(3, "little")
        + (89).to_bytes(3, "little")
        + b"ABCD\4\0\0\0wxyz"
        + data[12:]
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
