"""Orientation: 1 to 8 in every format, and wherever it stands."""

import struct

from PIL import Image, PngImagePlugin

from formats_color import FORMATS
from formats_jpeg import SOI, jpeg, segment
from formats_png import chunk
from scene import scene
from table import encoded

T = Image.Transpose
STORED = {
    1: None,
    2: T.FLIP_LEFT_RIGHT,
    3: T.ROTATE_180,
    4: T.FLIP_TOP_BOTTOM,
    5: T.TRANSPOSE,
    6: T.ROTATE_90,
    7: T.TRANSVERSE,
    8: T.ROTATE_270,
}
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" %s</rdf:RDF></x:xmpmeta>'
)
ATTRIBUTE = (XMP % 'tiff:Orientation="6"/>').encode()
ELEMENT = (XMP % "><tiff:Orientation>6</tiff:Orientation></rdf:Description>").encode()
SIZES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
NAMES = {1: "byte", 3: "short", 4: "long", 6: "signed_byte", 8: "signed_short", 9: "signed_long"}


def stored(orientation, image=None):
    """The scene as it lies in a file that says how to turn it."""
    image = image or scene()
    turn = STORED[orientation]
    return image if turn is None else image.transpose(turn)


def exif(orientation, kind=3, order="<", before=()):
    """EXIF with the orientation as a number of a type of TIFF, behind entries (tag, type, count, value of 4 bytes)."""
    value = struct.pack(order + SIZES[kind], orientation).ljust(4, b"\0")
    entries = [*before, (0x0112, kind, 1, value)]
    body = b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in entries)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    return b"Exif\0\0" + head + body + b"\0\0\0\0"


def kinds(table):
    table.begin("Orientation")
    for orientation in range(1, 9):
        for suffix, options in FORMATS.items():
            kept = Image.Exif()
            kept[0x0112] = orientation
            table.save(
                f"turn{orientation}.{suffix}",
                stored(orientation),
                f"orientation {orientation}",
                exif=kept.tobytes(),
                small=suffix == "jpg" and orientation in (2, 6) or suffix in ("png", "webp") and orientation == 5,
                **options,
            )
        table.save(
            f"turn{orientation}_420.jpg",
            stored(orientation, scene(119, 89)),
            f"orientation {orientation}, chroma halved, odd sides",
            exif=exif(orientation),
            quality=92,
            subsampling=2,
        )
    table.save("turn6_large.jpg", stored(6, scene(1600, 1200)), "1600 x 1200", exif=exif(6), quality=80)
    table.save(
        "turn6_large_progressive.jpg",
        stored(6, scene(1600, 1200)),
        "1600 x 1200, progressive",
        exif=exif(6),
        quality=80,
        progressive=True,
    )
    upright = dict(meant=scene(), by="the scene")
    why = "the value is the same whatever integer type holds it; Pillow reads it, too, or leaves a type out"
    for kind, name in NAMES.items():
        for order in "<>":
            table.add(
                f"turn_{name}_{'little' if order == '<' else 'big'}.jpg",
                with_exif(exif(6, kind, order)),
                f"EXIF, a {name}",
                small=order == ">" and kind in (1, 4),
                why=why,
                **(upright if kind != 3 else {}),
            )
    places(table, upright)
    strange(table)
    other_formats(table, upright)


def with_exif(*segments):
    data = jpeg(stored(6), quality=95, subsampling=0)
    return SOI + b"".join(segment(0xE1, part) for part in segments) + data[2:]


def places(table, upright):
    xmp = b"http://ns.adobe.com/xap/1.0/\0"
    jpegs = {
        "xmp_attribute": ([xmp + ATTRIBUTE], "only XMP, an attribute"),
        "xmp_element": ([xmp + ELEMENT], "only XMP, an element"),
        "xmp_first": ([xmp + XMP.replace("%s", "/>").encode(), exif(6)], "XMP without it, then EXIF"),
        "xmp_differs": ([exif(6), xmp + ATTRIBUTE.replace(b'"6"', b'"3"')], "EXIF says 6, XMP 3"),
        "exif_one": ([exif(1), xmp + ATTRIBUTE], "EXIF says 1, XMP 6"),
        "exif_twice": ([exif(6), exif(3)], "EXIF twice"),
        "exif_empty_first": ([b"Exif\0\0", exif(6)], "an empty EXIF first"),
        "exif_late": ([b"x" * 65000, exif(6)], "EXIF behind 65 kB of others"),
        "exif_behind_entries": (
            [exif(6, before=[(0x0100, 4, 1, b"\1\0\0\0"), (0x0110, 2, 4, b"abc\0")])],
            "EXIF behind other entries",
        ),
    }
    for name, (segments, what) in jpegs.items():
        table.add(
            f"turn_{name}.jpg",
            with_exif(*segments),
            what,
            small=name in ("xmp_attribute", "xmp_element", "exif_behind_entries"),
            why=(
                "ImageMagick reads no orientation of XMP"
                if "xmp" in name
                else "ImageMagick takes the other of two segments" if "twice" in name or "empty" in name else ""
            ),
        )
    data = jpeg(stored(6), quality=95, subsampling=0)
    table.add(
        "turn_behind_tables.jpg",
        data[:20] + data[20:158] + segment(0xE1, exif(6)) + data[158:],
        "EXIF behind the quantization tables",
        **upright,
        why="Pillow reads every segment before the scan",
    )
    mpo = encoded(
        stored(6), "MPO", save_all=True, append_images=[Image.new("RGB", (90, 120))], exif=exif(6), quality=92
    )
    table.add("turn_mpo.jpg", mpo, "MPO", small=True)


def strange(table):
    for value in (0, 9, 65535):
        table.add(f"turn_value{value}.jpg", with_exif(exif(value)), f"orientation {value} says nothing")
    good = exif(6)
    broken = {
        "cut": good[:20],
        "far": good[:10] + struct.pack("<I", 4000) + good[14:],
        "order": b"Exif\0\0XX" + good[8:],
        "count": good[:14] + b"\xff\xff" + good[16:],
        "loop": good[:-4] + struct.pack("<I", 8),
    }
    for name, data in broken.items():
        table.add(
            f"turn_broken_{name}.jpg",
            with_exif(data),
            "EXIF that is broken",
            why="Pillow and ImageMagick read different parts of broken EXIF",
        )


def other_formats(table, upright):
    raw = exif(6)
    text = "\nexif\n%8d\n%s\n" % (len(raw), "\n".join(raw.hex()[i : i + 72] for i in range(0, len(raw.hex()), 72)))
    for packed in (False, True):
        info = PngImagePlugin.PngInfo()
        info.add_text("Raw profile type exif", text, zip=packed)
        table.save(
            f"turn_raw_profile{'_packed' if packed else ''}.png",
            stored(6),
            "a raw profile, as ImageMagick wrote",
            pnginfo=info,
            small=packed,
        )
    app1 = PngImagePlugin.PngInfo()
    app1.add_text("Raw profile type APP1", text.replace("exif", "generic", 1), zip=True)
    table.save(
        "turn_raw_profile_app1.png",
        stored(6),
        "a raw profile named APP1",
        pnginfo=app1,
        why="Pillow reads only the one named exif; ImageMagick both",
        **upright,
    )
    for packed in (False, True):
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", ATTRIBUTE.decode(), zip=packed)
        table.save(
            f"turn_xmp{'_packed' if packed else ''}.png",
            stored(6),
            "only XMP",
            pnginfo=info,
            why="ImageMagick reads no orientation of XMP",
        )
    for name, xmp in (("attribute", ATTRIBUTE), ("element", ELEMENT)):
        table.save(
            f"turn_xmp_{name}.webp",
            stored(6),
            "only XMP",
            xmp=xmp,
            lossless=True,
            why="ImageMagick reads no orientation of XMP",
            small=name == "element",
        )
    table.save("turn_lossy.webp", stored(6), "lossy", exif=exif(6), quality=90)
    turned = encoded(stored(6), "PNG")
    table.add(
        "turn_exif_last.png",
        turned[:-12] + chunk(b"eXIf", exif(6)[6:]) + turned[-12:],
        "eXIf behind the data",
        **upright,
        why="the specification allows it there; Pillow finds it when all is loaded",
    )
    table.save(
        "turn_xmp.tif", stored(6), "only XMP", tiffinfo={700: ATTRIBUTE}, why="ImageMagick reads no orientation of XMP"
    )
    table.save(
        "turn_big_endian.tif", stored(6), "big endian", tiffinfo={0x0112: 6}, big_tiff=False, compression="tiff_lzw"
    )
