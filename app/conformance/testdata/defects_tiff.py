"""TIFFs that end early, are damaged, or say what nobody knows."""

import numpy as np

from scene import scene
from tiff_writer import tiff, with_value, without_tag


def kinds(table):
    table.begin("TIFF, damaged")
    values = np.asarray(scene())
    plain, packed = tiff(values, rowsperstrip=8), tiff(values, compression="deflate", rowsperstrip=8)
    table.add("tiff_trailing.tif", plain + b"\0" * 1000, "bytes after the end")
    for percent in (95, 50, 10):
        table.add(
            f"tiff_cut{percent}.tif",
            plain[: len(plain) * percent // 100],
            f"{percent} % of the file",
            reasons=["corrupt"],
            loose=True,
        )
        table.add(
            f"tiff_deflate_cut{percent}.tif",
            packed[: len(packed) * percent // 100],
            f"deflate, {percent} % of the file",
            reasons=["corrupt"],
            loose=True,
        )
    table.add(
        "tiff_far_directory.tif",
        plain[:4] + b"\xf0\xff\xff\x7f" + plain[8:],
        "a directory beyond the end",
        reasons=["corrupt"],
    )
    table.add("tiff_head.tif", plain[:8], "only a head", reasons=["corrupt"])
    loop = bytearray(plain)
    at = int.from_bytes(plain[4:8], "little")
    count = int.from_bytes(plain[at : at + 2], "little")
    loop[at + 2 + 12 * count : at + 6 + 12 * count] = plain[4:8]
    table.add(
        "tiff_loop.tif", bytes(loop), "a directory that follows itself", why="ImageMagick walks all directories first"
    )
    vast = tiff(values[:8, :8])
    for tag in (256, 257):
        vast = with_value(vast, tag, 2**31 - 1)
    table.add("tiff_vast.tif", vast, "2^31 x 2^31, says the head", reasons=["too many pixels", "corrupt"])
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    table.add("tiff_flipped.tif", bytes(flipped), "a wrong byte", reasons=["corrupt"], loose=True)
    table.add(
        "tiff_no_strips.tif",
        without_tag(plain, 273),
        "without a word where the data is",
        reasons=["corrupt", "unsupported"],
    )
    table.add(
        "tiff_unknown_compression.tif",
        with_value(plain, 259, 9999),
        "a compression that nobody knows",
        reasons=["unsupported"],
    )
    table.add(
        "tiff_unknown_photometric.tif",
        with_value(plain, 262, 9999),
        "a colour space that nobody knows",
        reasons=["unsupported"],
    )
