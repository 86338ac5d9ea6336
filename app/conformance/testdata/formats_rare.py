"""Formats that few libraries read: each is read right, or, where NAMED allows it, refused by its name."""

import struct

import imagecodecs
import numpy as np
from PIL import Image


from scene import scene, transparent
from table import encoded, run

NAMED = dict(reasons=["unknown format", "unsupported"], optional=True)
READ = {"tga", "pcx", "ppm", "pfm", "sgi", "dds", "ico", "icns", "qoi", "psd", "xbm", "xpm"}


def asked(suffix):
    """What the table asks of files of an extension."""
    return {} if suffix in READ else NAMED


def kinds(table):
    table.begin("Other formats")
    jpeg2000(table)
    jxl(table)
    by_pillow(table)
    by_tools(table)


def jpeg2000(table):
    for suffix in ("jp2", "j2k"):
        table.save(f"jpeg2000.{suffix}", scene(), "JPEG 2000")
        table.save(f"jpeg2000_gray.{suffix}", scene().convert("L"), "JPEG 2000, gray")
        table.save(f"jpeg2000_alpha.{suffix}", transparent(), "JPEG 2000, alpha")
        table.save(f"jpeg2000_lossy.{suffix}", scene(), "JPEG 2000, lossy", irreversible=True, quality_layers=[8])
    sixteen = Image.fromarray(np.asarray(scene().convert("L")).astype(np.uint16) * 257)
    table.save("jpeg2000_gray16.jp2", sixteen, "JPEG 2000, gray of 16 bits")
    table.save("jpeg2000_tiles.jp2", scene(), "JPEG 2000 of tiles", tile_size=(32, 32))
    table.add(
        "jpeg2000_16.jp2",
        imagecodecs.jpeg2k_encode(np.asarray(scene()).astype(np.uint16) * 257, codecformat="jp2", level=0),
        "JPEG 2000 of 16 bits",
    )
    table.add(
        "jpeg2000_htj2k.jph",
        (
            imagecodecs.htj2k_encode(np.asarray(scene()))
            if hasattr(imagecodecs, "htj2k_encode") and imagecodecs.HTJ2K.available
            else encoded(scene(), "JPEG2000")[:-2]
        ),
        "JPEG 2000 of high throughput, or cut",
        meant=scene(),
        by="the scene",
        **NAMED,
    )


def jxl(table):
    source = table.folder / "_source.png"
    scene().save(source)
    jpeg = table.folder / "_source.jpg"
    scene().save(jpeg, quality=90)
    for name, path, options in (
        ("lossless", source, ["-d", "0"]),
        ("lossy", source, ["-d", "1"]),
        ("from_jpeg", jpeg, []),
        ("container", source, ["-d", "0", "--container=1"]),
        ("progressive", source, ["-p"]),
    ):
        table.tool(
            f"jxl_{name}.jxl",
            "JPEG XL " + " ".join(options),
            "cjxl",
            str(path),
            "OUT",
            *options,
            meant=scene(),
            by="the scene",
            **NAMED,
        )
    source.unlink()
    jpeg.unlink()


def by_pillow(table):
    image, palette = scene(), scene().quantize(64, dither=Image.Dither.NONE)
    for suffix, format, kinds in (
        ("tga", "TGA", ("RGB", "RGBA", "L", "P", "rle")),
        ("pcx", "PCX", ("RGB", "L", "P", "1")),
        ("ppm", "PPM", ("RGB", "L", "1")),
        ("sgi", "SGI", ("RGB", "L", "RGBA")),
        ("dds", "DDS", ("RGB", "RGBA")),
        ("ico", "ICO", ("RGBA",)),
        ("icns", "ICNS", ("RGBA",)),
        ("qoi", "QOI", ("RGB", "RGBA")),
        ("im", "IM", ("RGB", "L")),
        ("xbm", "XBM", ("1",)),
        ("pfm", "PFM", ("F",)),
        ("msp", "MSP", ("1",)),
        ("blp", "BLP", ("P",)),
    ):
        for kind in kinds:
            options = {"compression": "tga_rle"} if kind == "rle" else {"sizes": [(64, 64)]} if format == "ICO" else {}
            picture = (
                transparent()
                if kind == "RGBA"
                else (
                    palette
                    if kind == "P"
                    else (
                        Image.fromarray(np.asarray(image.convert("L")).astype(np.float32) / 255)
                        if kind == "F"
                        else image.convert("RGB" if kind == "rle" else kind)
                    )
                )
            )
            if format in ("ICNS", "ICO"):
                picture = picture.resize((64, 64))
            table.save(
                f"{suffix}_{kind.lower()}.{suffix}",
                picture,
                f"{format}, {kind}",
                format="PPM" if format == "PFM" else format,
                **options,
                **asked(suffix),
            )
    table.add(
        "pnm_ascii.ppm",
        b"P3\n120 90\n255\n"
        + b"\n".join(b" ".join(b"%d" % v for v in row) for row in np.asarray(image).reshape(90, -1).tolist()),
        "PPM in letters",
    )
    table.add(
        "pnm_16.ppm",
        b"P6\n120 90\n65535\n" + (np.asarray(image).astype(">u2") * 257).tobytes(),
        "PPM of 16 bits",
    )
    table.add(
        "pnm_comment.pgm",
        b"P5\n# made\n120 90\n255\n" + np.asarray(image.convert("L")).tobytes(),
        "PGM with a comment",
    )
    table.add(
        "pam.pam",
        b"P7\nWIDTH 120\nHEIGHT 90\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n" + np.asarray(image).tobytes(),
        "PAM",
        meant=image,
        by="the scene",
        **NAMED,
    )
    table.add("icon_bitmap.ico", icon(), "an icon of the older kind")
    table.add("cursor.cur", icon(2), "a cursor")


def icon(kind=1):
    """An icon whose picture is a bitmap with a mask."""
    image = scene(32, 32)
    bitmap = encoded(image, "BMP")[14:]
    bitmap = bitmap[:8] + struct.pack("<i", 64) + bitmap[12:] + b"\0" * 128
    return struct.pack("<HHH", 0, kind, 1) + struct.pack("<BBBBHHII", 32, 32, 0, 0, 1, 24, len(bitmap), 22) + bitmap


def by_tools(table):
    source = table.folder / "_source.png"
    transparent().save(source)
    for suffix, what in (
        ("psd", "a Photoshop file"),
        ("psb", "a large Photoshop file"),
        ("xcf", ""),
        ("exr", "OpenEXR"),
        ("hdr", "Radiance"),
        ("dpx", "DPX"),
        ("fits", "FITS"),
        ("miff", "MIFF"),
        ("xpm", "XPM"),
        ("wbmp", "WBMP"),
        ("jng", "JNG"),
        ("dcx", "DCX"),
        ("pict", "PICT"),
        ("palm", "Palm"),
        ("viff", "VIFF"),
    ):
        if what:
            table.tool(f"other.{suffix}", what, "convert", str(source), f"{suffix}:OUT", **asked(suffix))
    sun_raster(table, source)
    for bits in (8, 16):
        table.tool(
            f"psd_flat{bits}.psd",
            f"a flat Photoshop file of {bits} bits",
            "convert",
            str(source),
            "-background",
            "white",
            "-alpha",
            "remove",
            "-alpha",
            "off",
            "-depth",
            str(bits),
            "OUT",
            **NAMED,
        )
    table.tool(
        "psd_cmyk.psd",
        "a Photoshop file of inks",
        "convert",
        str(source),
        "-background",
        "white",
        "-alpha",
        "remove",
        "-alpha",
        "off",
        "-colorspace",
        "CMYK",
        "OUT",
    )
    source.unlink()


def sun_raster(table, source):
    """With and without a fourth byte, which is not part of the picture."""
    table.tool("sun_flat.sun", "Sun raster of 24 bits", "convert", str(source), "-alpha", "off", "sun:OUT")
    path = table.folder / "_other.sun"
    run("convert", str(source), f"sun:{path}")
    data = path.read_bytes()
    path.unlink()
    table.add(
        "other.sun",
        data,
        "Sun raster of 32 bits",
        meant=Image.fromarray(np.frombuffer(data[32:], np.uint8).reshape(90, 120, 4)[..., 1:].copy()),
        by="the samples of the file",
        why="Pillow takes the first byte of four for a color, which the format leaves unused",
    )
