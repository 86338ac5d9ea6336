"""PNGs that end early, are damaged, or break the specification."""

import struct
import zlib

import numpy as np

from formats_png import PALETTE, RGB, SIGNATURE, chunk, header, png, rows, samples
from scene import scene
from table import encoded


def kinds(table):
    table.begin("PNG, damaged")
    image = scene()
    data = encoded(image, "PNG")
    at = data.index(b"IDAT") - 4
    length = struct.unpack(">I", data[at : at + 4])[0]
    end = at + 12 + length
    packed = data[at + 8 : end - 4]
    whole = dict(meant=image, by="the scene", why="nothing of the picture is lost")
    table.add("png_no_iend.png", data[:-12], "without IEND", small=True, **whole)
    table.add("png_half_iend.png", data[:-6], "IEND is cut", small=True, **whole)
    table.add(
        "png_bad_crc.png", data[: end - 4] + b"\0\0\0\0" + data[end:], "wrong checksum of the data", small=True, **whole
    )
    table.add("png_bad_iend_crc.png", data[:-4] + b"\0\0\0\0", "wrong checksum of IEND", **whole)
    table.add(
        "png_text_bad_crc.png",
        data[:33] + chunk(b"tEXt", b"A\0abc", 0) + data[33:],
        "wrong checksum of a text",
        small=True,
        **whole,
    )
    table.add(
        "png_header_bad_crc.png",
        data[:29] + b"\0\0\0\0" + data[33:],
        "wrong checksum of the header",
        reasons=["corrupt"],
    )
    table.add(
        "png_bad_adler.png",
        data[:at] + chunk(b"IDAT", packed[:-4] + b"\0\0\0\0") + data[end:],
        "wrong sum of the unpacked data",
        small=True,
        **whole,
    )
    table.add(
        "png_no_adler.png",
        data[:at] + chunk(b"IDAT", packed[:-4]) + data[end:],
        "the sum of the unpacked data is missing",
        **whole,
    )
    table.add("png_trailing.png", data + b"\0" * 100 + b"more", "bytes after the end", small=True)
    table.add("png_unknown_chunk.png", data[:33] + chunk(b"prVt", b"abc") + data[33:], "a private chunk")
    table.add(
        "png_critical_chunk.png",
        data[:33] + chunk(b"PRVT", b"abc") + data[33:],
        "a critical chunk that nobody knows",
        reasons=["corrupt", "unsupported"],
        **whole,
    )
    table.add(
        "png_palette_in_rgb.png",
        data[:33] + chunk(b"PLTE", bytes(range(48))) + data[33:],
        "a palette that is only advice",
    )
    long = zlib.compress(rows(np.asarray(image), 8) + b"\0" * 5000)
    table.add("png_too_much.png", data[:at] + chunk(b"IDAT", long) + chunk(b"IEND"), "more data than pixels", **whole)
    short = zlib.compress(rows(np.asarray(image), 8)[: 361 * 60])
    table.add(
        "png_too_little.png",
        data[:at] + chunk(b"IDAT", short) + chunk(b"IEND"),
        "fewer rows than it says",
        reasons=["corrupt"],
    )
    for percent in (1, 10, 25, 50, 75, 90, 99):
        cut = len(data) * percent // 100
        table.add(
            f"png_cut{percent:02d}.png",
            data[:cut],
            f"{percent} % of the file",
            reasons=["corrupt"],
            small=percent == 75,
        )
    values = np.asarray(image)
    woven = png(values, 8, RGB, interlaced=True)
    table.add(
        "png_interlaced_cut60.png",
        woven[: len(woven) * 6 // 10],
        "an interlaced file, 60 % of it",
        reasons=["corrupt"],
        loose=True,
    )
    small, palette = samples(PALETTE, 8)
    table.add(
        "png_no_palette.png",
        png(small, 8, PALETTE),
        "a palette picture without palette",
        reasons=["corrupt"],
        loose=True,
        why="Pillow shows nothing but black, and libpng refuses it",
    )
    table.add(
        "png_short_palette.png",
        png(small, 8, PALETTE, chunk(b"PLTE", palette[8 : 8 + 3 * 200])),
        "values beyond the palette",
        reasons=["corrupt"],
    )
    table.add("png_no_data.png", data[:at] + chunk(b"IEND"), "without data", reasons=["corrupt"])
    table.add(
        "png_zero_width.png",
        SIGNATURE + header(0, 90, 8, RGB) + data[33:],
        "no pixels wide",
        reasons=["empty", "corrupt"],
    )
    table.add(
        "png_bad_type.png",
        SIGNATURE + header(120, 90, 8, 5) + data[33:],
        "a colour type that is none",
        reasons=["corrupt", "unsupported"],
    )
    table.add(
        "png_bad_depth.png",
        SIGNATURE + header(120, 90, 3, RGB) + data[33:],
        "a depth that is none",
        reasons=["corrupt", "unsupported"],
    )
    table.add(
        "png_vast.png",
        SIGNATURE + header(2**31 - 1, 2**31 - 1, 8, RGB) + data[33:],
        "says that it has 2^62 pixels",
        reasons=["too many pixels", "unsupported"],
    )
    middle = bytearray(data)
    middle[at + 8 + length // 2] ^= 0xFF
    table.add("png_flipped_byte.png", bytes(middle), "one wrong byte in the data", reasons=["corrupt"], loose=True)
