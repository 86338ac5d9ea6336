"""JPEGs that end early or are damaged inside. Pillow conceals damage where libjpeg does."""

import struct

from formats_jpeg import EOI, SOI, find, jpeg, scene_of, segment
from scene import grain, scene

INSIDE = "what follows the damage is unlike in every decoder"


def kinds(table):
    table.begin("JPEG, cut off")
    for name, data in (
        ("baseline", jpeg()),
        ("progressive", jpeg(progressive=True)),
        ("restart", jpeg(restart_marker_rows=1)),
        ("420", jpeg(subsampling=2)),
        ("gray", jpeg(scene().convert("L"))),
        ("cmyk", jpeg(scene().convert("CMYK"))),
    ):
        table.add(
            f"jpeg_{name}_no_eoi.jpg", data[:-2], "without the end marker", small=name in ("baseline", "progressive")
        )
        for percent in (99, 90, 75, 50) if name in ("baseline", "progressive") else (70,):
            table.add(
                f"jpeg_{name}_cut{percent}.jpg",
                data[: len(data) * percent // 100],
                f"{percent} % of the file",
                small=percent in (75, 70),
                reasons=["corrupt"],
            )
    scans = jpeg(progressive=True)
    at = find(scans, 0xDA)
    for n in range(1, 6):
        at = find(scans, 0xDA, at + 2)
        table.add(f"jpeg_scans{n}.jpg", scans[:at] + EOI, f"only {n} of the scans", reasons=["corrupt"])
    big = jpeg(grain(1600, 1200), quality=85)
    for percent in (99, 50):
        table.add(
            f"jpeg_large_cut{percent}.jpg",
            big[: len(big) * percent // 100],
            f"1600 x 1200, {percent} % of the file",
            reasons=["corrupt"],
        )
    table.add("jpeg_large_no_eoi.jpg", big[:-2], "1600 x 1200 without the end marker")
    data = jpeg()
    scan = find(data, 0xDA)
    for name, end in (("header", scan), ("marker", 2), ("scan_header", scan + 14), ("few_bytes", scan + 40)):
        table.add(
            f"jpeg_only_{name}.jpg", data[:end], "ends in or behind its head", reasons=["corrupt", "unknown format"]
        )
    damaged(table, data, scan)
    restarts(table)
    frames(table, data, scan)


def damaged(table, data, scan):
    table.begin("JPEG, damaged")
    coded = len(data) - scan - 14
    for percent in (10, 50, 90):
        at = scan + 14 + coded * percent // 100
        flipped = bytearray(data)
        flipped[at] ^= 0x55
        table.add(
            f"jpeg_flipped{percent}.jpg",
            bytes(flipped),
            f"a wrong byte at {percent} % of the data",
            reasons=["corrupt"],
            why=INSIDE,
        )
        table.add(
            f"jpeg_zeros{percent}.jpg",
            data[:at] + b"\0" * 40 + data[at + 40 :],
            f"zeros at {percent} %",
            reasons=["corrupt"],
            why=INSIDE,
        )
        table.add(
            f"jpeg_hole{percent}.jpg",
            data[:at] + data[at + 64 :],
            f"64 bytes are missing at {percent} %",
            reasons=["corrupt"],
            why=INSIDE,
        )
    table.add(
        "jpeg_zero_tail.jpg",
        data[: scan + 14 + coded * 8 // 10] + b"\0" * (coded // 5),
        "zeros for the last fifth, as after a lost disk block",
        reasons=["corrupt"],
        why=INSIDE,
    )
    table.add(
        "jpeg_marker_inside.jpg",
        data[: scan + 14 + coded // 2] + b"\xff\xc8" + data[scan + 14 + coded // 2 :],
        "a marker amid the data",
        reasons=["corrupt"],
        why=INSIDE,
    )
    table.add("jpeg_stray_bytes.jpg", data[:20] + b"abc" + data[20:], "bytes between segments", small=True)
    table.add(
        "jpeg_noise.jpg",
        SOI + bytes(range(256)) * 8,
        "noise behind the first marker",
        reasons=["corrupt", "unknown format"],
    )


def restarts(table):
    data = jpeg(restart_marker_rows=1)
    first = find(data, 0xD0, find(data, 0xDA))
    second = find(data, 0xD1, first)
    table.add(
        "jpeg_restart_stuffed.jpg",
        data[:first] + b"\xff\x00" + data[first:],
        "a stuffed byte before a restart marker, as webcams write",
        reasons=["corrupt"],
    )
    table.add(
        "jpeg_restart_junk.jpg",
        data[:first] + b"\x12\x34\x56" + data[first:],
        "bytes before a restart marker",
        reasons=["corrupt"],
    )
    table.add(
        "jpeg_restart_lost.jpg",
        data[:first] + data[second:],
        "a row and its restart marker are missing",
        reasons=["corrupt"],
        why=INSIDE,
    )
    table.add(
        "jpeg_restart_wrong.jpg",
        data[: first + 1] + b"\xd5" + data[first + 2 :],
        "a restart marker of a wrong number",
        reasons=["corrupt"],
        why=INSIDE,
    )
    table.add(
        "jpeg_restart_damaged.jpg",
        data[: first + 12] + b"\x11\x22\x33" + data[first + 15 :],
        "damage between restart markers",
        reasons=["corrupt"],
        why=INSIDE,
    )


def frames(table, data, scan):
    frame = find(data, 0xC0)

    def resized(width, height):
        return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]

    table.add("jpeg_height_more.jpg", resized(120, 140), "fewer rows than it says", reasons=["corrupt"])
    table.add("jpeg_height_less.jpg", resized(120, 60), "more rows than it says")
    table.add(
        "jpeg_height_zero.jpg", resized(120, 0), "no height, and no DNL", reasons=["empty", "corrupt", "unsupported"]
    )
    table.add(
        "jpeg_dnl.jpg",
        resized(120, 0)[:-2] + segment(0xDC, struct.pack(">H", 90)) + EOI,
        "the height stands behind the data (DNL)",
        reasons=["empty", "corrupt", "unsupported"],
    )
    table.add(
        "jpeg_vast.jpg", resized(65535, 65535), "65535 x 65535, says the head", reasons=["too many pixels", "corrupt"]
    )
    huffman = find(data, 0xC4)
    tables = data[:huffman] + data[scan:]
    table.add(
        "jpeg_no_huffman.jpg",
        tables,
        "without Huffman tables, as frames of MJPEG",
        meant=scene_of(data),
        by="the picture with them",
        why="the tables left out are those of the standard, which libjpeg-turbo takes",
    )
    quantization = find(data, 0xDB)
    table.add(
        "jpeg_no_quantization.jpg",
        data[:quantization] + data[frame:],
        "without quantization tables",
        reasons=["corrupt"],
    )
    table.add(
        "jpeg_bad_length.jpg", data[:4] + b"\xff\xf0" + data[6:], "a segment longer than the file", reasons=["corrupt"]
    )
    table.add("jpeg_zero_length.jpg", data[:4] + b"\0\0" + data[6:], "a segment of no length", reasons=["corrupt"])
    table.add(
        "jpeg_two_frames.jpg",
        data[:frame] + data[frame : frame + 19] * 2 + data[frame + 19 :],
        "two frame headers",
        reasons=["corrupt", "unsupported"],
    )
    table.add("jpeg_eoi_twice.jpg", data + EOI + EOI, "end markers again")
